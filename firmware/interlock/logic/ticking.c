/* One tick: take in clock and senses, then at most one turn of the phase table (PROTOCOL 5.7). */
#include "ticking.h"
#include "permits.h"
#include "step.h"
#include "supervision.h"

/* The clock is believed while it runs and never before the last time it was known to be. */
static void follow_clock(int64_t rtc_s) {
    if (rtc_s != box.rtc_raw_s) box.rtc_moved_ms = box.uptime_ms;
    box.rtc_raw_s = rtc_s;
    bool stalled = box.uptime_ms - box.rtc_moved_ms > CLOCK_STALL_MS;
    bool known = rtc_s != RTC_LOST && !stalled && rtc_s >= box.memory.time_floor_s;
    box.rtc_s = known ? rtc_s : RTC_LOST;
    if (known) box.memory.time_floor_s = rtc_s;
}

static void follow_contacts(void) {
    const struct Senses *s = &box.senses;
    /* An order to unseal that nobody used in its time is gone; one in use ends its phase (permits.c). */
    if (box.phase == PHASE_ISOLATED && box.rtc_s != RTC_LOST && box.rtc_s >= box.unseal.expires_s) box.unseal.kind = 0;
    if (s->cut_pressed != (box.cut_since_ms != NEVER)) box.cut_since_ms = s->cut_pressed ? box.uptime_ms : NEVER;
    watch();
    bool both = s->k1_conducting && s->k2_conducting;
    if (both) box.clean = false; /* a controller that was near a live link */
    if (!in(LINK_PHASES, box.phase)) return;
    box.k1_alone = box.k1_alone || (s->k1_conducting && !s->k2_conducting);
    box.k2_alone = box.k2_alone || (s->k2_conducting && !s->k1_conducting);
    box.conducted = box.conducted || both;
}

static uint8_t restarting(void) {
    if (box.phase == PHASE_AIRLOCK && in(DRIVE_PHASES, box.target)) {
        uint8_t barred = drives_barred(box.target);
        /* The link is only just releasing here; supervision times that, and dark is proven before the boot. */
        if (DRIVE_ENDS[barred] != TURN_NONE && DRIVE_ENDS[barred] != TURN_OTHER_LIVE) return DRIVE_ENDS[barred];
    }
    return restart_finished();
}

static uint8_t connecting(void) {
    uint8_t ends = LINK_ENDS[link_barred()];
    if (ends != TURN_NONE || box.phase != PHASE_CONTACT_TEST) return ends;
    if (box.k1_alone && box.k2_alone && box.senses.k1_conducting && box.senses.k2_conducting) return TURN_TEST_PASSED;
    return box.uptime_ms - box.phase_since_ms >= CONTACT_TEST_MS ? TURN_TEST_FAILED : TURN_NONE;
}

static uint8_t driving(void) {
    uint8_t ends = DRIVE_ENDS[drives_barred(box.phase)];
    if (ends != TURN_NONE) return ends;
    if (box.heard_ms == NEVER && box.senses.controller_supplied)
        return box.uptime_ms - box.phase_since_ms > BOOT_MS ? TURN_CONTROLLER_SILENT : TURN_NONE;
    return heartbeat_fresh() ? TURN_NONE : TURN_HEARTBEAT_LOST;
}

/* The most urgent thing that is true now. */
static uint8_t happened(uint8_t *fault) {
    *fault = outlasted();
    if (*fault != CAUSE_NONE && box.phase != PHASE_FAULT) return TURN_BROKEN;
    *fault = CAUSE_NONE;
    bool held = box.cut_since_ms != NEVER && box.uptime_ms - box.cut_since_ms >= CUT_HELD_MS;
    if (held && !box.memory.secured) return TURN_CUT_HELD;
    if (in(RESTARTING, box.phase)) return restarting();
    if (in(LINK_PHASES, box.phase)) return connecting();
    return in(DRIVE_PHASES, box.phase) ? driving() : TURN_NONE;
}

void tick(const struct Senses *senses, int64_t rtc_s, int64_t uptime_ms) {
    uint8_t fault;
    if (uptime_ms < box.uptime_ms) {
        take(TURN_BROKEN, CAUSE_UPTIME_BACKWARDS);
        return;
    }
    box.uptime_ms = uptime_ms;
    box.senses = *senses;
    follow_clock(rtc_s);
    follow_contacts();
    restart_follow();
    uint8_t turn = happened(&fault);
    if (turn != TURN_NONE) take(turn, fault);
    else succession_follow();
    charge_link();
}
