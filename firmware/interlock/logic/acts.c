/* What a turn of the phase table does to the state (PROTOCOL 5.1). */
#include "permits.h"
#include "step.h"

static void hold(bool found, const struct Span *span, int64_t most_s) {
    int64_t left_s = found ? smaller(span->end_s - now_s(), most_s) : 0;
    box.hold_until_ms = box.uptime_ms + left_s * 1000 + HOLD_SLACK_MS;
}

static void mark_window(void) {
    struct Span whole;
    struct UsedWindow *used = &box.memory.window;
    if (!drive_span(&whole, PHASE_SEAL) || whole.begin_s == used->begin_s) return;
    *used = (struct UsedWindow){.number = used->number + 1, .begin_s = whole.begin_s};
    box.vital = true;
}

static void set_last_cut(int64_t end_s) {
    box.vital = box.vital || box.memory.last_cut_s != end_s;
    box.memory.last_cut_s = end_s;
}

static void begin_link(void) {
    mark_window();
    exposure_forget();
    struct Span span = {now_s(), now_s() + CHARGE_S};
    box.memory.exposure[box.memory.exposure_count++] = span;
    box.cut_before_s = box.memory.last_cut_s;
    box.memory.last_cut_s = span.end_s;
    box.link_since_ms = box.uptime_ms;
    box.k1_alone = box.k2_alone = box.conducted = box.clean = false;
    box.vital = true;
}

/* While the link is permitted its exposure is always persisted ahead. */
void charge_link(void) {
    if (box.link_since_ms == NEVER) return;
    struct Span *span = &box.memory.exposure[box.memory.exposure_count - 1];
    if (now_s() + 1 < span->end_s) return;
    span->end_s = now_s() + CHARGE_S;
    box.memory.last_cut_s = span->end_s;
    box.vital = true;
}

static void end_link(void) {
    if (box.link_since_ms == NEVER || !in(LINK_PHASES, box.phase)) return;
    struct Span *span = &box.memory.exposure[box.memory.exposure_count - 1];
    int64_t held_s = (box.uptime_ms - box.link_since_ms + 999) / 1000;
    int64_t end_s = larger(now_s() + 1, span->begin_s + held_s);
    box.vital = box.vital || span->end_s != end_s;
    span->end_s = end_s;
    /* A test that never conducted was no link: it counts as exposure, but needs no gap before the next. */
    set_last_cut(box.conducted ? end_s : box.cut_before_s);
    box.link_since_ms = NEVER;
}

static void begin_drive_half(void) {
    mark_window();
    box.vital = box.vital || !box.memory.window.drive_half;
    box.memory.window.drive_half = 1;
}

/* The controller's supply goes; what it said before counts for nothing after. */
static void lead(uint8_t target) {
    box.supply.leaving = true;
    box.supply.since_ms = box.uptime_ms;
    box.supply.booted_ms = box.supply.dark_since_ms = NEVER;
    if (target == PHASE_ISOLATED && box.target == PHASE_RECOVERY) box.order.kind = 0;
    if (target == PHASE_ISOLATED && (box.target == PHASE_RECOVERY || box.target == PHASE_SCRUB)) box.unseal.kind = 0;
    box.target = target;
    box.heard_ms = NEVER;
    box.upload.kind = 0;
}

/* A pending policy gets its whole delay again: somebody may have pressed CUT to be heard. */
static void unlatch(uint8_t cause) {
    int64_t due_s = now_s() + (in_force() ? in_force()->delay_s : 0);
    if (waiting() != NULL) waiting()->due_s = larger(waiting()->due_s, due_s);
    box.memory.secured = 0;
    box.memory.fault = CAUSE_NONE;
    box.vital = true;
    note(EVENT_RELEASED, cause, 1);
}

static void act(uint8_t what, uint8_t cause) {
    switch (what) {
    case ACT_BEGIN_LINK: begin_link(); break;
    case ACT_END_LINK: end_link(); break;
    case ACT_COUNT_TEST: box.memory.window.tests_failed++; box.vital = true; break;
    case ACT_BEGIN_DRIVE_HALF: begin_drive_half(); break;
    case ACT_LEAD_TO_SEAL: lead(PHASE_SEAL); break;
    case ACT_LEAD_TO_SCRUB: lead(PHASE_SCRUB); break;
    case ACT_LEAD_TO_RECOVERY: lead(PHASE_RECOVERY); break;
    case ACT_LEAD_TO_ISOLATED: lead(PHASE_ISOLATED); break;
    case ACT_LATCH_RECOVERY:
        box.vital = box.vital || !box.memory.recovery_latched;
        box.memory.recovery_latched = 1;
        break;
    case ACT_LATCH_SECURED:
        if (box.memory.secured) break;
        box.memory.secured = 1;
        box.vital = true;
        note(EVENT_SECURED, cause, 1);
        break;
    case ACT_LATCH_FAULT:
        if (box.memory.fault != CAUSE_NONE) break;
        box.memory.fault = cause;
        box.vital = true;
        note(EVENT_FAULT, cause, 1);
        break;
    case ACT_UNLATCH: unlatch(cause); break;
    default: break;
    }
}

static void enter(uint8_t phase, uint8_t cause) {
    struct Span span;
    bool quiet = box.phase == PHASE_UNKNOWN && phase == PHASE_ISOLATED;
    box.phase = phase;
    box.cause = cause;
    box.phase_since_ms = box.uptime_ms;
    box.warned_s = NEVER;
    if (phase != PHASE_INTAKE) box.hold_until_ms = NEVER;
    if (in(DRIVE_PHASES, phase)) hold(drive_span(&span, phase), &span, DRIVES_HOLD_S_MAX);
    if (phase == PHASE_CONTACT_TEST) hold(link_span(&span), &span, LINK_WINDOW_S_MAX);
    if (quiet) return;
    note(phase == PHASE_FAULT ? EVENT_FAULT : phase == PHASE_SECURED ? EVENT_SECURED : EVENT_PHASE, cause, 1);
}

void take(uint8_t turn, uint8_t fault) {
    const struct Row *row = &TURNS[box.phase][turn];
    if (!row->listed) { /* every phase that can break lists BROKEN; FAULT itself stays what it is */
        static const struct Row broken = {1, PHASE_FAULT, {ACT_END_LINK, ACT_LATCH_FAULT}};
        row = &broken;
        fault = CAUSE_UNLISTED_PAIR;
    }
    uint8_t cause = fault != CAUSE_NONE ? fault : CAUSE_OF[turn] != CAUSE_NONE ? CAUSE_OF[turn] : box.cause;
    for (size_t i = 0; i < sizeof row->acts; i++) act(row->acts[i], cause);
    if (row->phase != box.phase) enter(row->phase, cause);
}
