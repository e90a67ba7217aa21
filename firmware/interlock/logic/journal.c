/* The interlock's own event log and its coalesced refusals: a flood cannot fill it (PROTOCOL 8.5). */
#include "step.h"

#define COUNT_MAX INT64_C(0xFFFFFFFF) /* the counter's field; it stays there */

void note(uint8_t kind, uint8_t cause, int64_t count) {
    struct Journal *log = &box.memory.journal;
    if (log->events_count == EVENTS_MAX) {
        for (size_t i = 1; i < EVENTS_MAX; i++) log->events[i - 1] = log->events[i];
        log->events_count--;
    }
    log->newest++;
    log->events[log->events_count++] = (struct Event){.sequence = log->newest, .time_s = now_s(), .kind = kind,
                                                      .phase = box.phase, .cause = cause, .count = count};
    box.journal_changed = true;
}

void journal_power_on(void) {
    struct Journal *log = &box.memory.journal;
    struct Event *last = log->events_count ? &log->events[log->events_count - 1] : NULL;
    if (last == NULL || last->kind != EVENT_POWER_ON) {
        note(EVENT_POWER_ON, CAUSE_STARTED, 1);
        return;
    }
    last->time_s = now_s();
    last->count = smaller(last->count + 1, COUNT_MAX);
    box.journal_changed = true;
}

static unsigned digits(int64_t value) {
    unsigned count = 1;
    while (value > 9) {
        value /= 10;
        count++;
    }
    return count;
}

void count_refusal(uint8_t cause, int64_t count) {
    struct Journal *log = &box.memory.journal;
    struct Refusal one = {.cause = cause, .count = 0, .last_s = 0};
    bool known = false;
    size_t kept = 0;
    for (size_t i = 0; i < log->refusals_count; i++) { /* the newest goes to the end */
        if (log->refusals[i].cause == cause) {
            one = log->refusals[i];
            known = true;
        } else {
            log->refusals[kept++] = log->refusals[i];
        }
    }
    int64_t before = one.count, last_s = one.last_s;
    one.count = smaller(before + count, COUNT_MAX);
    one.last_s = now_s();
    log->refusals[kept] = one;
    log->refusals_count = (uint8_t)(kept + 1);
    box.journal_changed = true;
    if (!known || one.last_s - last_s >= REFUSAL_QUIET_S || digits(one.count) != digits(before))
        note(EVENT_REFUSED, cause, one.count);
}
