/* What libFuzzer drives: the frame parser, and the step behind an open session (PROTOCOL 2, 5).
 *
 * FUZZ_FRAME: the input is what comes over the line. Otherwise the input is a walk: a byte chooses a tick with
 * senses or a message, whose payload reaches the step as if it were authentic. */
#include <stdlib.h>
#include <string.h>
#include "interlock.h"
#include "step.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int64_t uptime_ms, rtc_s;

void platform_persist(unsigned slot, const uint8_t *record, size_t bytes) {
    if (slot > 1 || interlock_record_bytes(record, bytes) != bytes) abort(); /* what is written can be read */
}
void platform_drive(const struct Drive *drive) {
    if (drive->permit_link && drive->permit_drives) abort();
}
void platform_send(const uint8_t *data, size_t bytes) {
    if (bytes < 3 || data[0] != 0 || data[bytes - 1] != 0 || memchr(data + 1, 0, bytes - 2) != NULL) abort();
}
void platform_set_clock(int64_t to_s) { rtc_s = to_s; }
void platform_progress(void) {}

static void start(void) {
    static const uint8_t entropy[8];
    uptime_ms = 0;
    rtc_s = EPOCH_S + 43800;
    interlock_start(NULL, 0, NULL, 0, entropy);
    box.memory.fault = CAUSE_NONE; /* a memory that was just commissioned */
    box.memory.time_floor_s = EPOCH_S;
}

#ifndef FUZZ_FRAME
static void tick_of(uint8_t flags, uint8_t drives, uint8_t wait) {
    struct Senses senses = {(flags & 1) != 0, (flags & 2) != 0,  (flags & 4) != 0, (flags & 8) != 0,
                            (flags & 16) != 0, (flags & 32) != 0, drives};
    if ((flags & 64) != 0) { /* as the orders say */
        senses = (struct Senses){.k3_on_link = box.orders.k3_on_link, .key_turned = true,
                                 .controller_supplied = box.orders.controller_power};
    }
    uptime_ms += wait * 50;
    rtc_s += wait / 20;
    interlock_tick(&senses, (flags & 128) != 0 ? RTC_LOST : rtc_s, uptime_ms);
    struct Drive held = interlock_guard(&senses, uptime_ms);
    if ((held.permit_link && !box.orders.permit_link) || (held.permit_drives && !box.orders.permit_drives)) abort();
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    start();
#ifdef FUZZ_FRAME
    interlock_receive(data, bytes);
#else
    for (size_t at = 0; at < bytes;) {
        size_t left = bytes - at, wanted = data[at] == 0 ? 4 : data[at] + (size_t)1;
        if (wanted > left) break;
        if (data[at] == 0) tick_of(data[at + 1], data[at + 2], data[at + 3]);
        else step_message(data + at + 1, wanted - 1);
        at += wanted;
    }
#endif
    return 0;
}
