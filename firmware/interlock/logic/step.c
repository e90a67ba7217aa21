/* The step's frame: an event in; then levels, record and replies out, in the order that binds (PROTOCOL 5.9). */
#include "step.h"
#include <string.h>
#include "lease.h"
#include "memory.h"
#include "permits.h"
#include "session.h"
#include "supervision.h"
#include "ticking.h"

struct State box;
struct Writer reply;
static uint8_t payload[PAYLOAD_BYTES_MAX];

void say(uint8_t number) {
    reply = (struct Writer){payload, 0, sizeof payload};
    put_integer(&reply, number, 1);
}

/* Whether the change takes away and gives nothing: such a change waits for no memory. */
static bool safer(const struct Drive *after, const struct Drive *before) {
    return after->permit_link <= before->permit_link && after->permit_drives <= before->permit_drives &&
           (after->drive_mask & ~before->drive_mask) == 0 && after->controller_power <= before->controller_power;
}

static bool same(const struct Drive *a, const struct Drive *b) {
    return a->permit_link == b->permit_link && a->permit_drives == b->permit_drives &&
           a->drive_mask == b->drive_mask && a->k3_on_link == b->k3_on_link &&
           a->controller_power == b->controller_power && a->boot_sealing == b->boot_sealing;
}

/* At once for everything but mere refusals and the passing of time, which may wait a little. */
static bool must_persist(void) {
    if (unwritten()) return false;
    bool late = box.uptime_ms - box.saved_ms >= REFUSAL_FLUSH_MS;
    bool old = box.journal_changed || box.memory.time_floor_s - box.saved_floor_s >= FLOOR_S;
    return box.vital || (late && old);
}

static void finish(struct Drive before, uint8_t phase_before) {
    struct Drive drive = levels();
    bool changed = !same(&drive, &before), first = safer(&drive, &before);
    box.orders = drive;
    watch();
    lease_publish();
    if (changed && first) platform_drive(&drive);
    if (must_persist()) memory_save();
    if (box.set_clock_s != NEVER) platform_set_clock(box.set_clock_s);
    box.set_clock_s = NEVER;
    if (changed && !first) platform_drive(&drive);
    if (reply.at > 0) session_send(payload, reply.at);
    if (box.phase != phase_before) {
        say_status();
        session_send(payload, reply.at);
    }
    reply.at = 0;
}

static void start_from_record(void) {
    if (box.memory.firmware > FIRMWARE_VERSION) {
        box.memory.fault = CAUSE_FIRMWARE_OLD;
        return;
    }
    box.vital = box.memory.firmware != FIRMWARE_VERSION;
    box.memory.firmware = FIRMWARE_VERSION;
    box.saved_floor_s = box.memory.time_floor_s;
    box.saved_ms = -REFUSAL_FLUSH_MS;
    journal_power_on();
}

void interlock_start(const uint8_t *slot_a, size_t a_bytes, const uint8_t *slot_b, size_t b_bytes,
                     const uint8_t entropy[8]) {
    struct Drive before = {.controller_power = true};
    memset(&box, 0, sizeof box);
    box.cause = CAUSE_STARTED;
    box.target = PHASE_ISOLATED;
    box.rtc_s = box.rtc_raw_s = RTC_LOST;
    box.supply.dark_since_ms = box.supply.booted_ms = NEVER;
    box.heard_ms = box.hold_until_ms = box.link_since_ms = box.cut_since_ms = box.warned_s = NEVER;
    box.ripe_since_ms = box.challenge_ms = box.set_clock_s = NEVER;
    for (size_t i = 0; i < MISMATCHES; i++) box.mismatch_since_ms[i] = NEVER;
    reply.at = 0;
    if (memory_load(slot_a, a_bytes, slot_b, b_bytes)) {
        start_from_record();
    } else {
        memset(&box.memory, 0, sizeof box.memory);
        box.memory.firmware = FIRMWARE_VERSION;
        box.memory.fault = CAUSE_MEMORY_LOST;
    }
    session_start(box.memory.factory.pairing_key, entropy);
    finish(before, box.phase);
}

void interlock_tick(const struct Senses *senses, int64_t rtc_s, int64_t uptime_ms) {
    struct Drive before = box.orders;
    struct CutWarning warning;
    uint8_t phase = box.phase;
    tick(senses, rtc_s, uptime_ms);
    if (warning_due(&warning)) {
        say(MESSAGE_CutWarning);
        put_CutWarning(&reply, &warning);
    }
    finish(before, phase);
}

void step_fault(uint8_t cause, int64_t count) {
    count_refusal(cause, count);
    finish(box.orders, box.phase);
}

void step_message(const uint8_t *data, size_t bytes) {
    static union Message message;
    struct Drive before = box.orders;
    uint8_t phase = box.phase, cause = get_message(data, bytes, &message);
    if (cause == CAUSE_NONE) {
        hear(data[0], &message);
    } else {
        count_refusal(cause, 1);
        say(MESSAGE_ErrorReply);
        put_ErrorReply(&reply, &(struct ErrorReply){.cause = cause, .message_id = data[0]});
    }
    finish(before, phase);
}
