/* What the interlock says of itself (PROTOCOL 3): Status, HelloAck and warnings. */
#include <string.h>
#include "permits.h"
#include "step.h"

#define COUNT_MAX INT64_C(0xFFFFFFFF)

static uint8_t medium(void) { return box.supply.sealing ? MEDIUM_SEALING : MEDIUM_INTAKE; }

static int64_t link_left_s(void) {
    struct Span span;
    return link_span(&span) ? smaller(span.end_s - box.rtc_s, budget_left_s()) : 0;
}

/* Until the clock ends the present or coming drive phase, else what is left for a SEAL now. */
static int64_t drives_left_s(void) {
    struct Span span;
    uint8_t phase = box.phase == PHASE_AIRLOCK ? box.target : box.phase;
    if (!in(DRIVE_PHASES, phase)) phase = PHASE_SEAL;
    return drive_span(&span, phase) ? smaller(span.end_s - box.rtc_s, DRIVES_HOLD_S_MAX) : 0;
}

static void report_refusals(struct Status *status) {
    const struct Journal *log = &box.memory.journal;
    for (size_t i = 0; i < log->refusals_count; i++) {
        const struct Refusal *one = &log->refusals[i];
        if (one->cause >= CAUSE_WIRE_CORRUPT) {
            status->wire_faults = smaller(COUNT_MAX, status->wire_faults + one->count);
        } else {
            status->refused = smaller(COUNT_MAX, status->refused + one->count);
            status->last_refused = one->cause;
        }
    }
}

static struct Span next_window(const struct Policy *policy) {
    struct Span best = next_of(&policy->windows[0].slot, box.rtc_s);
    for (size_t i = 1; i < policy->windows_count; i++) {
        struct Span one = next_of(&policy->windows[i].slot, box.rtc_s);
        if (one.begin_s < best.begin_s) best = one;
    }
    return best;
}

static struct Span next_scrub(const struct Policy *policy) {
    struct Span best = next_of(&policy->scrubs[0], box.rtc_s);
    for (size_t i = 1; i < policy->scrubs_count; i++) {
        struct Span one = next_of(&policy->scrubs[i], box.rtc_s);
        if (one.begin_s < best.begin_s) best = one;
    }
    return best;
}

static void report_times(struct Status *status) {
    const struct Policy *policy = in_force();
    struct Span span;
    if (box.rtc_s == RTC_LOST) return;
    status->clock_valid = 1;
    status->time_s = box.rtc_s;
    status->exposure_used_s = exposure_used_s(box.rtc_s);
    if (policy != NULL && policy->windows_count > 0) {
        span = next_window(policy);
        status->window_begin_s = span.begin_s;
        status->window_end_s = span.end_s;
    }
    if (policy != NULL && policy->scrubs_count > 0) {
        span = next_scrub(policy);
        status->scrub_begin_s = span.begin_s;
        status->scrub_end_s = span.end_s;
    }
    if (drive_span(&span, PHASE_SEAL)) status->window_left_s = span.end_s - box.rtc_s;
}

void say_status(void) {
    const struct Senses *senses = &box.senses;
    struct Status status = {
        .phase = box.phase, .target = box.target, .cause = box.cause, .fault = box.memory.fault,
        .k1_conducting = senses->k1_conducting, .k2_conducting = senses->k2_conducting,
        .k3_on_link = senses->k3_on_link, .cut_pressed = senses->cut_pressed, .key_turned = senses->key_turned,
        .controller_supplied = senses->controller_supplied, .drives_live = senses->drives_live,
        .ordered_link = box.orders.permit_link, .ordered_drives = box.orders.permit_drives,
        .ordered_k3_on_link = box.orders.k3_on_link, .ordered_mask = box.orders.drive_mask,
        .boot_medium = medium(), .secured = box.memory.secured, .recovery_latched = box.memory.recovery_latched,
        .stamp_ms = box.uptime_ms, .window_number = box.memory.window.number, .link_left_s = link_left_s(),
        .drives_left_s = drives_left_s(), .gap_left_s = gap_left_s(), .exposure_left_s = budget_left_s(),
        .tests_failed = (uint8_t)tests_failed(), .event_newest = box.memory.journal.newest,
        .policy_version = in_force() ? in_force()->version : 0, .log_size = box.memory.log.size,
    };
    report_times(&status);
    report_refusals(&status);
    say(MESSAGE_Status);
    put_Status(&reply, &status);
}

void say_greeting(void) {
    struct HelloAck said = {
        .phase = box.phase, .boot_medium = medium(), .policy_version = in_force() ? in_force()->version : 0,
        .log_size = box.memory.log.size, .time_s = box.rtc_s == RTC_LOST ? 0 : box.rtc_s,
        .stamp_ms = box.uptime_ms, .window_number = box.memory.window.number,
    };
    if (in_force() != NULL) memcpy(said.policy_hash, in_force()->digest, 32);
    memcpy(said.last_leaf_hash, box.memory.log.last_leaf, 32);
    log_root(said.log_root);
    say(MESSAGE_HelloAck);
    put_HelloAck(&reply, &said);
}

void say_authority(void) {
    const struct Policy *policy = in_force();
    const struct Pending *pending = waiting();
    struct Authority said = {.firmware = box.memory.firmware, .group = current_group()};
    if (policy != NULL) {
        said.policy_version = policy->version;
        said.generation = policy->generation;
        memcpy(said.policy_hash, policy->digest, 32);
    }
    if (pending != NULL) {
        said.pending_version = pending->policy.version;
        said.pending_due_s = pending->due_s;
        said.vetoes = pending->vetoes;
        said.overridden = pending->overridden;
        memcpy(said.pending_hash, pending->policy.digest, 32);
    }
    if (box.unseal.kind) said.unsealed = box.unseal.group;
    said.orders = (uint8_t)((box.order.kind ? 1 << box.order.kind : 0) + (box.unseal.kind ? 1 << box.unseal.kind : 0));
    say(MESSAGE_Authority);
    put_Authority(&reply, &said);
}

bool warning_due(struct CutWarning *warning) {
    int64_t left;
    if (box.phase == PHASE_INTAKE) left = link_left_s();
    else if (in(DRIVE_PHASES, box.phase)) left = drives_left_s();
    else return false;
    int64_t mark = left <= WARN_LATE_S ? WARN_LATE_S : WARN_EARLY_S;
    if (left > mark || (box.warned_s != NEVER && box.warned_s <= mark)) return false;
    box.warned_s = mark;
    *warning = (struct CutWarning){box.phase, larger(0, left)};
    return true;
}
