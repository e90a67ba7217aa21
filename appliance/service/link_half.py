"""The link half of a window, as the controller lives it after booting the intake medium.

Says hello, asks for the link, follows the contact test, pulls, lets go. Then it waits for its supply to
be taken away: the airlock is the interlock's. What pulling is, is injected (service/intake.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from appliance.domain.phases import BootFacts, Phase
from appliance.errors import ContactTestFailed, ContactTestRepeated, PhaseCut, PolicyMismatch
from appliance.ports import Console, Link
from appliance.service import drive_phase
from appliance.service.keeper import Keeper
from appliance.service.pulse import Pulsing

CONNECT_TRIES = 5  # contact tests; the interlock grants no more in one window
LOOK_MS = 10  # ms between looks at the keeper's phase during a contact test
IDLE_MS = 200  # ms between beats while waiting for the supply to go

CARRIER_MS = 10_000  # ms; a media converter starts in 1 to 3 s, an Ethernet port negotiates as long

Pull = Callable[[BootFacts], Mapping[str, object]]


def run(
    keeper: Keeper, pulse: Pulsing, link: Link, console: Console, policy_hash: bytes, pull: Pull
) -> None:
    """The whole half; the supply's end ends it. PhaseCut where nobody takes the supply away. PolicyMismatch
    before anything is asked for, where `policy_hash` is not the policy that the interlock enforces."""
    facts = keeper.boot()
    if facts.policy_hash != policy_hash:
        raise PolicyMismatch(version=facts.policy_version)
    with pulse:
        connect(keeper, pulse, console)
        wait_for_carrier(keeper, pulse, link)
        report = pull(facts)
        console.say("intake", **report)
        keeper.work_done()
        wait_for_the_airlock(keeper, pulse)
        raise PhaseCut(phase=Phase.INTAKE.value, cause=keeper.status.cause if keeper.status else keeper.cause)


def connect(keeper: Keeper, pulse: Pulsing, console: Console) -> None:
    """Ask for the link until it conducts. InterlockRefused with the cause, ContactTestFailed when no
    test passed, PhaseCut when the interlock took everything back."""
    for attempt in range(CONNECT_TRIES):
        if attempt:
            wait_for_the_gap(keeper, pulse, console)
        keeper.request_link()
        while keeper.phase is Phase.CONTACT_TEST:
            pulse.wait(LOOK_MS)
        if keeper.phase is Phase.INTAKE:
            return
        if keeper.phase is not Phase.ISOLATED:
            raise PhaseCut(phase=Phase.CONTACT_TEST.value, cause=keeper.cause)
    raise ContactTestFailed(tries=CONNECT_TRIES)


def wait_for_the_gap(keeper: Keeper, pulse: Pulsing, console: Console) -> None:
    """A test that failed after both contacts had conducted was a link: the next one has to keep its
    distance (PROTOCOL 9). The window is long, so one late contact must not cost it."""
    left_s = _gap_s(keeper)
    if left_s:
        drive_phase.warn(console, ContactTestRepeated(seconds=left_s))
    while keeper.phase is Phase.ISOLATED and _gap_s(keeper):
        pulse.wait(IDLE_MS)


def _gap_s(keeper: Keeper) -> int:
    return keeper.status.gap_left_s if keeper.status is not None else 0


def wait_for_carrier(keeper: Keeper, pulse: Pulsing, link: Link) -> None:
    """The contacts conduct; the network behind them needs a moment. Without it the pull finds out."""
    waited_ms = 0
    while keeper.phase is Phase.INTAKE and not link.carrier() and waited_ms < CARRIER_MS:
        pulse.wait(LOOK_MS)
        waited_ms += LOOK_MS


def wait_for_the_airlock(keeper: Keeper, pulse: Pulsing) -> None:
    """Idle until the supply goes. From ISOLATED no airlock follows: CUT, a lost clock or the window's end
    took everything back, perhaps just before our own word; a latched fault ends the waiting too."""
    while keeper.phase in {Phase.AIRLOCK, Phase.INTAKE} and not _is_isolated(keeper):
        pulse.wait(IDLE_MS)


def _is_isolated(keeper: Keeper) -> bool:
    return keeper.status is not None and keeper.status.phase is Phase.ISOLATED
