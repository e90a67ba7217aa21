"""Every bound of the interlock, with unit, source and reason (PROTOCOL 9).

No signature lifts a bound of this file: a policy can only ask for less.
"""

from __future__ import annotations

DAY_S = 86_400  # s; policy days have no leap seconds and no daylight saving

# Exposure.
LINK_DAY_S_MAX = 4 * 3600  # s in any 24 h; 20-interlock: what an attacker may have at most per day
LINK_WINDOW_S_MAX = 2 * 3600  # s per window; 20-interlock
GAP_S = 60  # s between links; 20-interlock: many short links shall not make one long one
LINKS_MAX = 32  # links in 24 h; the size of the exposure ring, which so never forgets one that counts
CHARGE_S = 10  # s; exposure is persisted this far ahead, so that a power cut never gives any back

# Contact test.
CONTACT_TEST_MS = 500  # ms; 10-architecture: changeover 20 and three steps of 60-100 ms
TESTS_FAILED_MAX = 5  # failed tests per window; more is a broken relay or a game

# Heartbeat.
HEARTBEAT_MS = 500  # ms; 20-interlock: how often an honest controller beats
HEARTBEAT_LOST_MS = 1500  # ms; 20-interlock: three beats
# A beat counts from its echoed stamp plus this, so that a delayed beat cannot keep the link past 2.0 s
# after the controller died: 400 + 1500 + one tick of 100 (60-reliability, reaction).
ECHO_CREDIT_MS = 400  # ms
BOOT_MS = 180_000  # ms until a restarted controller beats; a Pi 4 boots in 40 s from a slow card, x4

# Supervision.
TICK_MS_MAX = 100  # ms between two ticks; the shell's duty, a tenth of the slowest reaction
MISMATCH_MS = 100  # ms; 20-interlock: sense against order; pump decay 50 + release 20, the rest is margin
SUPPLY_MS = 5000  # ms for the controller's supply to follow; bulk capacitors of a Pi and its disks
PARTING_MS = 100  # ms between an airlock's begin and the loss of supply; the longest reply takes 47 ms
RESTART_OFF_MS = 1000  # ms of measured supply off; the rails of a Pi are below reset after 300 ms, x3
RECOVERY_OFF_MS = 10_000  # ms of measured supply off after recovery; 20-interlock: memory has faded
CUT_HELD_MS = 3000  # ms; a person means it, a nudge does not
CLOCK_STALL_MS = 3000  # ms without a new second; the RTC's oscillator stopped
EPOCH_S = 1_577_836_800  # s, 2020-01-01 UTC; a clock before that was never set
FLOOR_S = 60  # s between records of the time floor; the most a rolled-back clock can win
HOLD_SLACK_MS = 1000  # ms; the clock counts whole seconds, the permit's own maximum hold counts milliseconds
DRIVES_HOLD_S_MAX = DAY_S  # s; no drive permit outlives a day, whatever the slot says
WARNINGS_S = (60, 10)  # s before the clock cuts; 20-interlock

# Firmware.
FIRMWARE_VERSION = 1  # raised by every release; an older one refuses to run on what a newer one wrote

# Setting the clock.
BACK_S_MAX = 300  # s that a quorum may take a running clock back; the drift of a DS3231 (2 ppm) in 5 years
CHALLENGE_MS = 7 * DAY_S * 1000  # ms; as long as an order lives: holders have to be found
CLOCK_S_MAX = 4_102_444_799  # s, the last of 2099; the DS3231 counts no further

# Policy.
POLICY_BYTES_MAX = 16 * 1024  # bytes; the controller's limit too; it is streamed, only facts are kept
LINE_BYTES_MAX = 3200  # bytes; a source path of 1,024 bytes, percent-encoded, and its name
HOLDERS_MAX = 16  # holders; SLIP-39's most
QUORUM_MIN = 2  # with one holder there would be a last key
WINDOWS_MAX = 8  # windows a day
SCRUBS_MAX = 8  # scrub slots a day
GENERATIONS_MAX = 16  # generations
SOURCES_MAX = 32  # sources
TIER_MAX = 3  # tiers 0 to 3
PATH_BYTES_MAX = 1024  # bytes of a source path, decoded
DRIVES_MAX = 16  # drives of all groups; relays in one case
GROUPS_MAX = 5  # drive groups; the smallest has three drives
DATA_MIN = 2  # data shards; one would be a mirror
DELAY_S_MAX = 30 * DAY_S  # s; a longer delay would be forgotten
DROPPED_MAX = 16  # replaced pending texts that are remembered; each took k signatures
RIPE_MS = 10_000  # ms; a clock that shows the due time for less may be a glitch on its bus
SIGNATURES_MAX = 2 * HOLDERS_MAX  # signatures of one upload: old holders and new ones
VERSION_MAX = 2**32 - 1  # the counter's field
OFFSET_S_MAX = 14 * 3600 + 59 * 60  # s from UTC; the easternmost zone is +14:00

# Orders, vetoes and overrides.
ORDER_BYTES_MAX = 2048  # bytes; eight lines
ORDER_TEXT_BYTES_MAX = 256  # bytes of what, why and destination
ORDER_LIFE_S_MAX = 7 * DAY_S  # s; an order that lies about for longer is a danger
# Live order nonces; each is kept until its order has expired. A drill of every choice of 3 of 5 holders and
# of 4 of 6 drives in one sitting has 25.
NONCES_MAX = 64

# Log.
LOG_LEAVES_MAX = 2**63 - 1  # leaves; C2SP sizes are signed 64-bit in practice
EVENTS_MAX = 64  # events in the ring; some ten windows of six events
REFUSAL_FLUSH_MS = 1000  # ms between records of mere refusals; a flood must not wear or fill the memory
REFUSAL_QUIET_S = 3600  # s; an equal refusal after this much silence is a new event
