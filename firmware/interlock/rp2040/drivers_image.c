/* The foreground of the driver test image: one line in, one line out. It exercises every driver of this folder
   on a board or in the emulator; it permits what it is told, so it never goes into a case. */
#include "chip.h"
#include "digest.h"
#include "pins.h"
#include "platform.h"

static struct Drive wanted[2];
static volatile uint32_t current;
static uint8_t record[2048];

struct Drive safety_step(const struct Senses *senses, int64_t up_ms) {
    (void)senses;
    (void)up_ms;
    return wanted[current & 1];
}

static void say(const char *word) {
    size_t count = 0;
    while (word[count]) {
        count++;
    }
    serial_put((const uint8_t *)word, count);
}

static void say_hex(uint32_t value) {
    uint8_t text[9] = " ";
    for (unsigned i = 0; i < 8; i++) {
        text[1 + i] = (uint8_t) "0123456789abcdef"[value >> (28 - 4 * i) & 15u];
    }
    serial_put(text, sizeof text);
}

static uint8_t hear(void) {
    int byte;
    while ((byte = serial_get()) < 0) {
        platform_progress();
        __asm volatile("wfi");
    }
    return (uint8_t)byte;
}

static uint32_t hear_hex(unsigned digits) {
    uint32_t value = 0;
    while (digits--) {
        const uint8_t digit = hear();
        value = value << 4 | (uint32_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
    }
    return value;
}

static void clock_read(void) {
    uint32_t unix_s = 0;
    const uint32_t begin = now_us();
    const bool valid = clock_chip_read(&unix_s);
    const uint32_t took_us = now_us() - begin;
    say(valid ? "time" : "lost");
    say_hex(unix_s);
    say_hex(took_us);
}

static void clock_set(void) { say(clock_chip_set(hear_hex(8)) ? "set" : "unset"); }

static void slot_write(void) { /* slot, seed, count */
    const unsigned slot = hear_hex(1), seed = hear_hex(2), count = hear_hex(4);
    for (unsigned i = 0; i < count && i < sizeof record; i++) {
        record[i] = (uint8_t)(seed + i * 7u);
    }
    say(memory_write(slot, record, count) ? "kept" : "unkept");
}

static void slot_read(void) {
    size_t count = 0;
    if (!memory_read(hear_hex(1), record, sizeof record, &count)) {
        count = 0;
    }
    say("slot");
    say_hex(count);
    say_hex(crc32(record, count));
}

static void absent(void) { /* the answer of a chip that is not there */
    uint8_t byte;
    const uint32_t begin = now_us();
    const enum bus result = bus_transfer(0x33, NULL, 0, &byte, 1);
    const uint32_t took_us = now_us() - begin;
    say("bus");
    say_hex(result);
    say_hex(took_us);
}

static void sensed(void) {
    struct Senses s;
    lines_read(&s);
    say("senses");
    say_hex(s.drives_live << 6 | (uint32_t)s.controller_supplied << 5 | (uint32_t)s.key_turned << 4 |
            (uint32_t)s.cut_pressed << 3 | (uint32_t)s.k3_on_link << 2 | (uint32_t)s.k2_conducting << 1 |
            s.k1_conducting);
}

static void order(void) { /* bits: link, drives, K3, controller, medium; then bays from bit 8 */
    const uint32_t bits = hear_hex(8);
    wanted[(current + 1) & 1] = (struct Drive){bits & 1u, bits & 2u, bits & 4u, bits & 8u, bits & 16u, bits >> 8};
    __asm volatile("" ::: "memory");
    current = current + 1;
    say("ordered");
}

static void measures(void) {
    say("stack");
    say_hex(stack_used());
    say_hex(serial_lost());
    say_hex((uint32_t)uptime_ms());
}

static void hang(uint8_t how) { /* h: interrupts off, u: undefined instruction, o: a store where
                                   nothing is, x: a store into flash, l: the foreground sleeps, else it spins */
    volatile uint32_t *nowhere = (volatile uint32_t *)0x1ffffffcu; /* just below the stack */
    volatile uint32_t *flash = (volatile uint32_t *)0x10008000u;
    switch (how) {
    case 'h': __asm volatile("cpsid i"); break;
    case 'u': __asm volatile("udf #0"); break;
    case 'o': *nowhere = 0; break;
    case 'x': *flash = 0; break;
    default: break;
    }
    for (;;) {
        if (how == 'l') {
            __asm volatile("wfi");
        }
    }
}

void foreground(void) {
    say("drivers\n");
    for (;;) {
        const uint8_t command = hear();
        switch (command) {
        case 't': clock_read(); break;
        case 'T': clock_set(); break;
        case 'w': slot_write(); break;
        case 'r': slot_read(); break;
        case 'a': absent(); break;
        case 'i': sensed(); break;
        case 'p': order(); break;
        case 's': measures(); break;
        default: hang(command);
        }
        say("\n");
    }
}
