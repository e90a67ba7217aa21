/* From reset to the foreground: vectors, clocks, self-test. Every fault of the core ends in `fault`. */
#include "chip.h"
#include "digest.h"
#include "platform.h"

extern const uint8_t image_begin[], image_bytes[]; /* memory.ld; the addresses of _bytes are numbers */
extern uint32_t stack_bottom[], stack_bytes[], stack_top[];
void reset_handler(void);
void start(void);
void tick_interrupt(void);
void serial_interrupt(void);

#define FILL 0xa5a5a5a5u /* start.S */

_Noreturn void fault(void) {
    __asm volatile("cpsid i");
    for (;;) {
    }
}

struct vectors {
    uint32_t *stack;
    void (*handler[47])(void);
};
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    stack_top,
    {[0] = reset_handler, [1] = fault, [2] = fault, [10] = fault, [13] = fault, [14] = fault,
     [15 + IRQ_TIMER0] = tick_interrupt, [15 + IRQ_UART0] = serial_interrupt}};

_Noreturn void stay_dark(enum dark why) {
    __asm volatile("cpsid i");
    REG(WATCHDOG_CTRL) = 0; /* a reset would only try again; dark is the answer */
    REG(WATCHDOG_SCRATCH0) = (uint32_t)why;
    for (;;) {
        __asm volatile("wfi");
    }
}

/* 12 MHz crystal x 125 = 1500 MHz, / 6 / 2 = 125 MHz. */
static void clocks_start(void) {
    REG(XOSC_STARTUP) = 47; /* x 256 cycles: 1 ms, 2.16.3 */
    REG(XOSC_CTRL) = (0xfabu << 12) | 0xaa0u;
    while (!(REG(XOSC_STATUS) >> 31)) {
    }
    REG(CLK_REF_CTRL) = 2; /* crystal */
    while (!(REG(CLK_REF_SELECTED) & 4u)) {
    }
    CLEAR(CLK_SYS_CTRL) = 1; /* away from the PLL while it is set up */
    while (!(REG(CLK_SYS_SELECTED) & 1u)) {
    }
    CLEAR(RESETS_RESET) = 1u << 12;
    while (!(REG(RESETS_DONE) & (1u << 12))) {
    }
    REG(PLL_CS) = 1;
    REG(PLL_FBDIV) = 125;
    CLEAR(PLL_PWR) = 0x21; /* power and oscillator on */
    while (!(REG(PLL_CS) >> 31)) {
    }
    REG(PLL_PRIM) = (6u << 16) | (2u << 12);
    CLEAR(PLL_PWR) = 0x08; /* divider on */
    REG(CLK_SYS_CTRL) = 0;
    REG(CLK_SYS_CTRL) = 1;
    while (!(REG(CLK_SYS_SELECTED) & 2u)) {
    }
    REG(CLK_PERI_CTRL) = 1u << 11;
    REG(WATCHDOG_TICK) = (1u << 9) | 12u; /* 1 MHz for timer and watchdog */
}

/* Stays dark when a bit of the image is not as it was built. */
static void image_check(void) {
    const size_t bytes = (size_t)image_bytes;
    const uint8_t *kept = image_begin + bytes;
    uint32_t crc = kept[0] | (uint32_t)kept[1] << 8 | (uint32_t)kept[2] << 16 | (uint32_t)kept[3] << 24;
    if (crc32(image_begin, bytes) != crc) {
        stay_dark(DARK_IMAGE);
    }
}

/* Bytes of the deepest stack since reset. */
size_t stack_used(void) {
    const size_t words = (size_t)stack_bytes / sizeof *stack_bottom;
    size_t unused = 0;
    while (unused < words && stack_bottom[unused] == FILL) {
        unused++;
    }
    return (words - unused) * sizeof *stack_bottom;
}

void start(void) {
    const uint32_t need = 1u << 3 | 1u << 5 | 1u << 8 | 1u << 21 | 1u << 22; /* I2C0 IO pads timer UART0 */
    clocks_start();
    image_check();
    CLEAR(RESETS_RESET) = need;
    while ((REG(RESETS_DONE) & need) != need) {
    }
    lines_start();
    bus_start();
    serial_start();
    tick_start();
    __asm volatile("cpsie i");
    foreground();
    fault();
}
