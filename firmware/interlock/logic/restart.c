/* The controller's power cycle: dark is proven, the supply is off long enough, then on (PROTOCOL 5.5). */
#include "step.h"

static int64_t off_needed_ms(void) {
    return box.memory.recovery_latched && box.target != PHASE_RECOVERY ? RECOVERY_OFF_MS : RESTART_OFF_MS;
}

static void supply_is(bool ordered, bool sealing) {
    box.supply = (struct Supply){.ordered = ordered, .sealing = sealing, .since_ms = box.uptime_ms,
                                 .dark_since_ms = NEVER, .booted_ms = NEVER};
}

static void boot(void) {
    if (box.memory.recovery_latched && box.target != PHASE_RECOVERY) {
        box.memory.recovery_latched = 0;
        box.vital = true;
        note(EVENT_LATCH_CLEARED, CAUSE_STARTED, 1);
    }
    supply_is(true, box.phase == PHASE_AIRLOCK && in(DRIVE_PHASES, box.target));
    box.clean = true;
    box.heard_ms = NEVER;
}

void restart_follow(void) {
    struct Supply *supply = &box.supply;
    /* A faulted box never feeds a line again, so its controller may come back to say what happened. */
    bool proven = all_dark(&box.senses) || box.phase == PHASE_FAULT;
    if (supply->leaving) {
        if (proven && box.uptime_ms - supply->since_ms >= PARTING_MS) supply_is(false, supply->sealing);
    } else if (supply->ordered) {
        if (box.senses.controller_supplied && supply->booted_ms == NEVER) supply->booted_ms = box.uptime_ms;
    } else if (box.senses.controller_supplied || !proven) {
        supply->dark_since_ms = NEVER;
    } else {
        if (supply->dark_since_ms == NEVER) supply->dark_since_ms = box.uptime_ms;
        if (box.uptime_ms - supply->dark_since_ms >= off_needed_ms()) boot();
    }
}

uint8_t restart_finished(void) {
    if (box.supply.booted_ms == NEVER || !all_dark(&box.senses)) return TURN_NONE;
    if (box.phase == PHASE_UNKNOWN) {
        if (box.memory.fault != CAUSE_NONE) return TURN_PROVEN_FAULT;
        return box.memory.secured ? TURN_PROVEN_SECURED : TURN_PROVEN;
    }
    if (box.memory.secured) return TURN_RESTARTED_SECURED;
    if (box.target == PHASE_SEAL) return TURN_RESTARTED_SEAL;
    if (box.target == PHASE_SCRUB) return TURN_RESTARTED_SCRUB;
    return box.target == PHASE_RECOVERY ? TURN_RESTARTED_RECOVERY : TURN_RESTARTED_ISOLATED;
}
