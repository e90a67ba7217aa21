#include "permits.h"

static int64_t length_s(const struct Slot *slot) {
    return (slot->end_s - slot->begin_s - 1 + DAY_S) % DAY_S + 1;
}

/* The instance that began last, at or before `now`; it may be over. */
static struct Span latest(const struct Slot *slot, int64_t now) {
    int64_t first = (slot->begin_s - slot->offset_s + 2 * DAY_S) % DAY_S;
    int64_t begin = now - (now + DAY_S - first) % DAY_S;
    return (struct Span){begin, begin + length_s(slot)};
}

struct Span next_of(const struct Slot *slot, int64_t now) {
    struct Span span = latest(slot, now);
    return now < span.end_s ? span : (struct Span){span.begin_s + DAY_S, span.end_s + DAY_S};
}

static bool window_at(struct Span *whole, int64_t *link_s) {
    const struct Policy *policy = in_force();
    for (size_t i = 0; policy != NULL && box.rtc_s != RTC_LOST && i < policy->windows_count; i++) {
        *whole = latest(&policy->windows[i].slot, box.rtc_s);
        *link_s = policy->windows[i].link_s;
        if (box.rtc_s < whole->end_s) return true;
    }
    return false;
}

bool link_span(struct Span *span) {
    int64_t link_s;
    if (!window_at(span, &link_s)) return false;
    if (box.memory.window.begin_s == span->begin_s && box.memory.window.drive_half) return false;
    span->end_s = span->begin_s + link_s;
    return box.rtc_s < span->end_s;
}

static bool scrub_at(struct Span *span) {
    const struct Policy *policy = in_force();
    bool found = false;
    for (size_t i = 0; i < policy->scrubs_count; i++) {
        struct Span one = latest(&policy->scrubs[i], box.rtc_s);
        if (box.rtc_s >= one.end_s || (found && one.end_s <= span->end_s)) continue;
        *span = one;
        found = true;
    }
    return found;
}

/* A phase with an unsealed group ends with that order: the current group never takes its place. */
static bool while_unsealed(struct Span *span) {
    if (box.unseal.kind) span->end_s = smaller(span->end_s, box.unseal.expires_s);
    return box.rtc_s < span->end_s;
}

bool drive_span(struct Span *span, uint8_t phase) {
    int64_t link_s;
    if (in_force() == NULL || box.rtc_s == RTC_LOST) return false;
    if (phase == PHASE_SEAL) return window_at(span, &link_s);
    if (phase == PHASE_SCRUB) return scrub_at(span) && while_unsealed(span);
    *span = (struct Span){box.rtc_s, box.order.expires_s};
    return phase == PHASE_RECOVERY && box.order.kind && box.rtc_s < box.order.expires_s && while_unsealed(span);
}

uint8_t current_group(void) {
    const struct Policy *policy = in_force();
    for (uint8_t i = 0; policy != NULL && i < policy->groups_count; i++)
        if (!policy->groups[i].sealed) return (uint8_t)(i + 1);
    return 0;
}

/* The current group, but for a reading phase the one that holders unsealed; never two at once. */
uint32_t bays_of(uint8_t phase) {
    const struct Policy *policy = in_force();
    uint8_t number = phase == PHASE_SEAL || !box.unseal.kind ? current_group() : box.unseal.group;
    uint32_t first = 0;
    if (policy == NULL || number < 1 || number > policy->groups_count) return 0;
    for (uint8_t i = 1; i < number; i++) first += policy->groups[i - 1].bays;
    return ((UINT32_C(1) << policy->groups[number - 1].bays) - 1) << first;
}

bool heartbeat_fresh(void) {
    return box.senses.controller_supplied && box.heard_ms != NEVER &&
           box.uptime_ms - box.heard_ms <= HEARTBEAT_LOST_MS;
}

int64_t exposure_used_s(int64_t now) {
    int64_t used = 0;
    for (size_t i = 0; i < box.memory.exposure_count; i++) {
        const struct Span *span = &box.memory.exposure[i];
        used += larger(0, smaller(span->end_s, now) - larger(span->begin_s, now - DAY_S));
    }
    return used;
}

void exposure_forget(void) {
    size_t kept = 0;
    for (size_t i = 0; i < box.memory.exposure_count; i++)
        if (box.memory.exposure[i].end_s > now_s() - DAY_S) box.memory.exposure[kept++] = box.memory.exposure[i];
    box.memory.exposure_count = (uint8_t)kept;
}

static bool exposure_full(void) {
    size_t living = 0;
    for (size_t i = 0; i < box.memory.exposure_count; i++) living += box.memory.exposure[i].end_s > box.rtc_s - DAY_S;
    return living >= LINKS_MAX;
}

int64_t budget_left_s(void) {
    return box.rtc_s == RTC_LOST ? 0 : larger(0, LINK_DAY_S_MAX - exposure_used_s(box.rtc_s + 1));
}

int64_t gap_left_s(void) {
    if (box.rtc_s == RTC_LOST || box.memory.last_cut_s == 0) return 0;
    return larger(0, box.memory.last_cut_s + GAP_S - box.rtc_s);
}

int64_t tests_failed(void) {
    struct Span whole;
    bool same = drive_span(&whole, PHASE_SEAL) && box.memory.window.begin_s == whole.begin_s;
    return same ? box.memory.window.tests_failed : 0;
}

static uint8_t never(void) {
    if (box.memory.fault != CAUSE_NONE) return CAUSE_FAULTED;
    if (box.memory.secured) return CAUSE_SECURED;
    if (box.senses.cut_pressed) return CAUSE_CUT_PRESSED;
    if (in_force() == NULL) return CAUSE_NO_POLICY;
    return box.rtc_s == RTC_LOST ? CAUSE_CLOCK_LOST : CAUSE_NONE;
}

/* The permit's own maximum hold, by the uptime counter: a stopped clock does not stretch it. */
static bool held_too_long(void) { return box.hold_until_ms != NEVER && box.uptime_ms >= box.hold_until_ms; }

uint8_t link_barred(void) {
    struct Span span;
    uint8_t barred = never();
    if (barred != CAUSE_NONE) return barred;
    if (box.memory.recovery_latched) return CAUSE_RECOVERY_LATCHED;
    if (!drive_span(&span, PHASE_SEAL)) return CAUSE_OUTSIDE_WINDOW;
    if (!link_span(&span) || held_too_long()) return CAUSE_LINK_HALF_OVER;
    if (budget_left_s() == 0) return CAUSE_BUDGET_SPENT;
    if (box.senses.drives_live != 0) return CAUSE_DRIVES_LIVE;
    return heartbeat_fresh() ? CAUSE_NONE : CAUSE_HEARTBEAT_STALE;
}

uint8_t link_request_barred(void) {
    uint8_t barred = link_barred();
    if (barred != CAUSE_NONE) return barred;
    if (link_touched(&box.senses) || box.senses.k3_on_link) return CAUSE_LINK_CONDUCTING;
    if (gap_left_s() > 0) return CAUSE_GAP_TOO_SHORT;
    if (tests_failed() >= TESTS_FAILED_MAX) return CAUSE_TESTS_SPENT;
    return exposure_full() ? CAUSE_LINKS_SPENT : CAUSE_NONE;
}

uint8_t drives_barred(uint8_t phase) {
    struct Span span;
    uint8_t barred = never();
    if (barred != CAUSE_NONE) return barred;
    if (link_touched(&box.senses) || box.senses.k3_on_link) return CAUSE_LINK_CONDUCTING;
    if (phase == PHASE_RECOVERY && !box.senses.key_turned) return CAUSE_KEY_NOT_TURNED;
    if (phase == PHASE_RECOVERY && !box.order.kind) return CAUSE_NO_ORDER;
    if (!drive_span(&span, phase) || held_too_long())
        return phase == PHASE_RECOVERY ? CAUSE_ORDER_EXPIRED : CAUSE_OUTSIDE_WINDOW;
    return (box.senses.drives_live & ~bays_of(phase)) != 0 ? CAUSE_DRIVES_LIVE : CAUSE_NONE;
}

uint8_t drives_request_barred(uint8_t phase) {
    uint8_t barred = drives_barred(phase);
    if (barred != CAUSE_NONE) return barred;
    if (box.senses.drives_live != 0) return CAUSE_DRIVES_LIVE;
    return heartbeat_fresh() ? CAUSE_NONE : CAUSE_HEARTBEAT_STALE;
}

struct Drive levels(void) {
    struct Drive drive = {.k3_on_link = in(LINK_PHASES, box.phase),
                          .controller_power = box.supply.ordered,
                          .boot_sealing = box.supply.sealing};
    drive.permit_link = drive.k3_on_link && box.senses.k3_on_link && link_barred() == CAUSE_NONE;
    drive.permit_drives = in(DRIVE_PHASES, box.phase) && box.clean && heartbeat_fresh() &&
                          drives_barred(box.phase) == CAUSE_NONE;
    if (drive.permit_drives) drive.drive_mask = bays_of(box.phase);
    return drive;
}
