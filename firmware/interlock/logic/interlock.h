/* What the platform calls, and what it provides (PROTOCOL 5). One static state; no heap, no libc.
 *
 * Foreground (main loop, interrupts on): interlock_start once, interlock_tick every 10-20 ms with fresh senses
 * and the battery clock, interlock_receive with the bytes of the UART. These are the model's step: they may take
 * a third of a second over a signature, and alone they give.
 *
 * Tick interrupt (every 0.5 ms): interlock_guard. It reads the newest lease that the foreground published and
 * takes away what the senses or the uptime counter bar right now; it never gives, and holds no lock. */
#ifndef INTERLOCK_H
#define INTERLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTC_LOST (-1) /* the battery clock says that it lost its time, or does not answer */

struct Senses {
    bool k1_conducting, k2_conducting, k3_on_link, cut_pressed, key_turned, controller_supplied;
    uint32_t drives_live; /* bit 0 for bay 1 */
};

struct Drive { /* levels of all outputs, until the next; all zeros is de-energised */
    bool permit_link, permit_drives, k3_on_link, controller_power, boot_sealing;
    uint32_t drive_mask;
};

/* The slots as they lie in the memory (a slot that cannot be read has length 0); 8 bytes fresh at each power-on. */
void interlock_start(const uint8_t *slot_a, size_t a_bytes, const uint8_t *slot_b, size_t b_bytes,
                     const uint8_t entropy[8]);
void interlock_tick(const struct Senses *senses, int64_t rtc_s, int64_t uptime_ms);
void interlock_receive(const uint8_t *data, size_t bytes);

/* In the interrupt: the permits that still hold. `permit_*` and `drive_mask` bind the wave and the pins. */
struct Drive interlock_guard(const struct Senses *senses, int64_t uptime_ms);

/* Of a whole record in a slot: how long it is, or 0. A slot of the memory has room for MEMORY_BYTES_MAX. */
size_t interlock_record_bytes(const uint8_t *slot, size_t bytes);

/* Provided by the platform; called from the foreground only, in the order that binds. */
void platform_persist(unsigned slot, const uint8_t *record, size_t bytes); /* returns when it is durable */
void platform_set_clock(int64_t rtc_s); /* holders ordered it; Unix seconds */
void platform_drive(const struct Drive *drive);
void platform_send(const uint8_t *data, size_t bytes); /* a whole frame with its delimiters */
void platform_progress(void); /* long work goes on: set the progress counter to now */
#endif
