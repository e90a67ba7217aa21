/* What the RP2040 offers to the interlock's logic, and what it wants from it. Decides nothing itself but to
   take away: CUT, both permits at once, a foreign line that is live, and a silent foreground. */
#ifndef IWATO_PLATFORM_H
#define IWATO_PLATFORM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EDGE_US 500u         /* us between two edges of a dynamic output: 1 kHz */
#define STEP_EDGES 20u       /* edges between two safety steps: 10 ms */
#define WATCHDOG_US 50000u   /* us; 20-interlock */
#define FOREGROUND_US 600000u /* us; the longest signature takes 331 ms, 20-interlock */
#define BUS_US 5000u         /* us for one transfer; 64 bytes take 1.7 ms at 400 kHz */
#define SLOT_BYTES 0x4000u   /* bytes of one of two memory slots; the chip has 32 KiB */

struct senses {
    bool k1_conducting, k2_conducting, k3_on_link, cut_pressed, key_turned, controller_supplied;
    uint32_t drives_live; /* bit 0: bay 1 */
};
struct orders { /* all false: nothing is fed */
    bool permit_link, permit_drives, k3_on_link, controller_power, boot_sealing;
    uint32_t drive_mask;
};

/* The logic's part. `safety_step` runs in the tick interrupt every 10 ms and may not wait. */
void safety_step(uint32_t uptime_ms, const struct senses *senses, struct orders *orders);
void foreground(void);

enum dark { /* why the chip stays dark, in WATCHDOG scratch 0, for a probe */
    DARK_RAM = 0x4441524bu, DARK_IMAGE, DARK_WATCHDOG, DARK_CRYPTO
};
_Noreturn void stay_dark(enum dark why);

void clocks_start(void);
void image_check(void);
uint32_t crc32_of(const uint8_t *data, size_t count);
size_t stack_used(void);

void lines_start(void);
void lines_read(struct senses *senses);
void lines_write(const struct orders *orders);

void tick_start(void);
void progress(void); /* the foreground is alive; 0.6 s without it ends everything */
uint32_t now_us(void);

void serial_start(void);
int serial_get(void);                                /* a byte, or -1 */
bool serial_put(const uint8_t *data, size_t count); /* all or nothing; never waits */
uint32_t serial_lost(void);                          /* bytes that had no room */

enum bus { BUS_OK, BUS_NACK, BUS_TIMEOUT };
void bus_start(void);
enum bus bus_transfer(uint8_t address, const uint8_t *out, size_t outs, uint8_t *in, size_t ins);

bool clock_chip_read(uint32_t *unix_s);  /* false: no answer, no sense, or the oscillator had stopped */
bool clock_chip_set(uint32_t unix_s);    /* and reads back */
size_t memory_read(unsigned slot, uint8_t *record, size_t room); /* 0: empty, too long or no answer */
bool memory_write(unsigned slot, const uint8_t *record, size_t count); /* and reads back */
#endif
