/* The logic as a program for tests: events in on standard input, outputs out on standard output, both binary.
 *
 * in:  'P' entropy[8] a:u32 bytes b:u32 bytes | 'T' senses rtc_s:i64 uptime_ms:i64 | 'R' n:u32 bytes
 *      'G' senses uptime_ms:i64 (the interrupt's judgement) | 'F' n:u32 bytes (how long the record in it is)
 * out: 'D' levels | 'W' slot:u8 n:u32 bytes | 'C' rtc_s:i64 | 'S' n:u32 bytes | 'G' levels | 'F' n:u32;
 *      '.' after each event. Integers are big-endian; senses and levels are six flags and a mask:u32. */
#include <stdio.h>
#include <stdlib.h>
#include "fields.h"
#include "interlock.h"

enum { INPUT_BYTES_MAX = 1 << 17 };

static void emit(char kind, const uint8_t *data, size_t bytes) {
    putchar(kind);
    if (bytes > 0 && fwrite(data, 1, bytes, stdout) != bytes) exit(2);
}

static void emit_blob(char kind, int slot, const uint8_t *data, size_t bytes) {
    uint8_t head[5];
    struct Writer w = {head, 0, sizeof head};
    if (slot >= 0) put_integer(&w, slot, 1);
    put_integer(&w, (int64_t)bytes, 4);
    emit(kind, head, w.at);
    if (bytes > 0 && fwrite(data, 1, bytes, stdout) != bytes) exit(2);
}

static void emit_drive(char kind, const struct Drive *drive) {
    uint8_t data[9];
    struct Writer w = {data, 0, sizeof data};
    put_integer(&w, drive->permit_link, 1);
    put_integer(&w, drive->permit_drives, 1);
    put_integer(&w, drive->k3_on_link, 1);
    put_integer(&w, drive->controller_power, 1);
    put_integer(&w, drive->boot_sealing, 1);
    put_integer(&w, drive->drive_mask, 4);
    emit(kind, data, w.at);
}

void platform_persist(unsigned slot, const uint8_t *record, size_t bytes) { emit_blob('W', (int)slot, record, bytes); }
void platform_drive(const struct Drive *drive) { emit_drive('D', drive); }
void platform_send(const uint8_t *data, size_t bytes) { emit_blob('S', -1, data, bytes); }
void platform_progress(void) {}
void platform_set_clock(int64_t rtc_s) {
    uint8_t data[8];
    struct Writer w = {data, 0, sizeof data};
    put_integer(&w, rtc_s, 8);
    emit('C', data, w.at);
}

static const uint8_t *take_bytes(size_t bytes, uint8_t *to) {
    if (bytes > 0 && fread(to, 1, bytes, stdin) != bytes) exit(0);
    return to;
}

static int64_t take_integer(unsigned bytes) {
    uint8_t data[8];
    struct Reader r = {take_bytes(bytes, data), 0, bytes, false};
    return get_integer(&r, bytes);
}

static struct Senses take_senses(void) {
    struct Senses senses;
    senses.k1_conducting = take_integer(1) != 0;
    senses.k2_conducting = take_integer(1) != 0;
    senses.k3_on_link = take_integer(1) != 0;
    senses.cut_pressed = take_integer(1) != 0;
    senses.key_turned = take_integer(1) != 0;
    senses.controller_supplied = take_integer(1) != 0;
    senses.drives_live = (uint32_t)take_integer(4);
    return senses;
}

/* A copy of its own size, so that the sanitizer sees a read behind the end. */
static uint8_t *take_copy(size_t *bytes) {
    *bytes = (size_t)take_integer(4);
    if (*bytes > INPUT_BYTES_MAX) exit(2);
    uint8_t *copy = malloc(*bytes + 1);
    if (copy == NULL) exit(2);
    take_bytes(*bytes, copy);
    return copy;
}

static void start(void) {
    uint8_t entropy[8];
    size_t a_bytes, b_bytes;
    take_bytes(8, entropy);
    uint8_t *a = take_copy(&a_bytes), *b = take_copy(&b_bytes);
    interlock_start(a, a_bytes, b, b_bytes, entropy);
    free(a);
    free(b);
}

static void event(int kind) {
    size_t bytes;
    if (kind == 'P') start();
    if (kind == 'T') {
        struct Senses senses = take_senses();
        int64_t rtc_s = take_integer(8);
        interlock_tick(&senses, rtc_s, take_integer(8));
    }
    if (kind == 'R') {
        uint8_t *data = take_copy(&bytes);
        interlock_receive(data, bytes);
        free(data);
    }
    if (kind == 'G') {
        struct Senses senses = take_senses();
        struct Drive drive = interlock_guard(&senses, take_integer(8));
        emit_drive('G', &drive);
    }
    if (kind == 'F') {
        uint8_t *data = take_copy(&bytes), length[4];
        struct Writer w = {length, 0, sizeof length};
        put_integer(&w, (int64_t)interlock_record_bytes(data, bytes), 4);
        emit('F', length, 4);
        free(data);
    }
    emit('.', NULL, 0);
}

int main(void) {
    for (int kind; (kind = getchar()) != EOF;) {
        event(kind);
        if (kind == 'F' || kind == 'P' || kind == 'G') fflush(stdout);
    }
    return 0;
}
