/* The interlock: the logic in the foreground and in the tick, its memory, clock and line on this platform
   (PROTOCOL 5.7, 5.9, 8). */
#include "chip.h"
#include "digest.h"
#include "platform.h"

#define TICK_MS 20   /* ms between two ticks of the logic; PROTOCOL 5.7 */
#define CLOCK_MS 100 /* ms between two looks at the clock chip, each of which waits 0.6 ms for the bus */
#define TRIES 3u     /* of what a disturbed bus may spoil */
#define PIECE 64u    /* bytes heard at a time; fewer wait for the zero that ends every frame */

static struct Drive ordered[2]; /* the foreground writes the one that is not current, then turns the index */
static volatile uint32_t current;

/* The levels come from the foreground, behind the record that they depend on; the guard only takes away. */
struct Drive safety_step(const struct Senses *senses, int64_t up_ms) {
    struct Drive drive = ordered[current & 1];
    const struct Drive held = interlock_guard(senses, up_ms);
    drive.permit_link = drive.permit_link && held.permit_link;
    drive.permit_drives = drive.permit_drives && held.permit_drives;
    drive.drive_mask &= held.drive_mask;
    return drive;
}

void platform_drive(const struct Drive *drive) {
    ordered[(current + 1) & 1] = *drive;
    __asm volatile("" ::: "memory");
    current = current + 1;
}

void platform_send(const uint8_t *data, size_t bytes) { (void)serial_put(data, bytes); }

/* Nothing may follow from a record that is not durable: a memory that does not take it ends this life. */
void platform_persist(unsigned slot, const uint8_t *record, size_t bytes) {
    for (unsigned i = 0; i < TRIES; i++) {
        if (memory_write(slot, record, bytes)) {
            return;
        }
    }
    fault();
}

/* A chip that does not take it shows another time than the record's, and is judged by that. */
void platform_set_clock(int64_t rtc_s) {
    for (unsigned i = 0; i < TRIES && !clock_chip_set((uint32_t)rtc_s); i++) {
    }
}

static int64_t clock_now(void) {
    uint32_t unix_s;
    for (unsigned i = 0; i < TRIES; i++) {
        if (clock_chip_read(&unix_s)) {
            return unix_s;
        }
    }
    return RTC_LOST;
}

/* One slot. What is not a sound record, empty included, is read again: a disturbed bus must not put the other slot's
   older record in its place. */
static bool slot_read(unsigned slot, uint8_t *record, size_t *count) {
    bool answered = false;
    for (unsigned i = 0; i < TRIES; i++) {
        answered = memory_read(slot, record, MEMORY_BYTES_MAX, count);
        if (answered && *count > 0 && interlock_record_bytes(record, *count) == *count) {
            break;
        }
    }
    return answered;
}

/* Each power-on is recorded before anything is said, so what the slots hold is never the same twice; and it holds
   keys, so nobody else can tell. Where nothing may be written, the oscillator's bits have to do. */
static void begin(void) {
    static uint8_t slots[2][MEMORY_BYTES_MAX];
    uint8_t fresh[32], noise[32] = {0};
    size_t bytes[2] = {0, 0};
    if (!slot_read(0, slots[0], &bytes[0]) || !slot_read(1, slots[1], &bytes[1])) {
        bytes[0] = bytes[1] = 0; /* a slot that does not answer may be the newer one */
    }
    for (unsigned i = 0; i < 8 * sizeof noise; i++) {
        noise[i / 8] = (uint8_t)(noise[i / 8] << 1 | (REG(ROSC_RANDOMBIT) & 1u));
    }
    sha256(fresh, (struct Piece[]){{noise, sizeof noise}, {slots[0], bytes[0]}, {slots[1], bytes[1]}}, 3);
    interlock_start(slots[0], bytes[0], slots[1], bytes[1], fresh);
}

/* At most one frame: what follows waits until the loop has come round. */
static void hear(void) {
    static uint8_t piece[PIECE];
    static size_t count;
    for (int byte; (byte = serial_get()) >= 0;) {
        piece[count++] = (uint8_t)byte;
        if (byte == 0 || count == PIECE) {
            interlock_receive(piece, count);
            count = 0;
            return;
        }
    }
}

void foreground(void) {
    int64_t rtc_s = RTC_LOST, tick_ms = 0, clock_ms = 0;
    crypto_check();
    begin();
    for (;;) {
        platform_progress();
        hear();
        if (uptime_ms() >= clock_ms) {
            clock_ms = uptime_ms() + CLOCK_MS;
            rtc_s = clock_now();
        }
        const int64_t up_ms = uptime_ms(); /* a bus that is held has taken 30 ms meanwhile */
        if (up_ms >= tick_ms) {
            struct Senses senses;
            tick_ms = up_ms + TICK_MS;
            lines_read(&senses);
            interlock_tick(&senses, rtc_s, up_ms);
        }
        __asm volatile("wfi");
    }
}
