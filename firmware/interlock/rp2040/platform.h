/* What the RP2040 offers to the interlock's logic, and what it wants from it. Decides nothing itself but to
   take away: CUT, both permits at once, a foreign line that is live, and a silent foreground. */
#ifndef IWATO_PLATFORM_H
#define IWATO_PLATFORM_H
#include "interlock.h"

#define EDGE_US 500u         /* us between two edges of a dynamic output: 1 kHz */
#define WATCHDOG_US 50000u   /* us; 20-interlock */
#define FOREGROUND_US 600000u /* us; the longest signature takes 331 ms, 20-interlock */
#define BUS_US 5000u         /* us for one transfer; 64 bytes take 1.7 ms at 400 kHz */
#define SLOT_BYTES 0x4000u   /* bytes of one of two memory slots; the chip has 32 KiB */

/* The image's part. `safety_step` runs in the tick interrupt before every edge, may not wait, and says what is fed. */
struct Drive safety_step(const struct Senses *senses, int64_t uptime_ms);
void foreground(void);

enum dark { /* why the chip stays dark, in WATCHDOG scratch 0, for a probe */
    DARK_RAM = 0x4441524bu, DARK_IMAGE, DARK_WATCHDOG, DARK_CRYPTO
};
_Noreturn void stay_dark(enum dark why);
_Noreturn void fault(void); /* interrupts off: no edge leaves the chip, and the watchdog resets everything */

void crypto_check(void); /* stays dark when a known answer does not come out */
size_t stack_used(void);

void lines_start(void);
void lines_read(struct Senses *senses);
void lines_write(const struct Drive *orders);

void tick_start(void); /* and 0.6 s without platform_progress() end everything */
uint32_t now_us(void);
int64_t uptime_ms(void); /* since the tick was started */

void serial_start(void);
int serial_get(void);                                /* a byte, or -1 */
bool serial_put(const uint8_t *data, size_t count); /* all or nothing; never waits */
uint32_t serial_lost(void);                          /* bytes that had no room */

enum bus { BUS_OK, BUS_NACK, BUS_TIMEOUT };
void bus_start(void);
enum bus bus_transfer(uint8_t address, const uint8_t *out, size_t outs, uint8_t *in, size_t ins);

bool clock_chip_read(uint32_t *unix_s);  /* false: no answer, no sense, or the oscillator had stopped */
bool clock_chip_set(uint32_t unix_s);    /* and reads back */
bool memory_read(unsigned slot, uint8_t *record, size_t room, size_t *count); /* false: no answer; 0: empty */
bool memory_write(unsigned slot, const uint8_t *record, size_t count); /* and reads back */
#endif
