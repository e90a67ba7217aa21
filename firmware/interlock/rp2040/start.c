/* From reset to the foreground: vectors, clocks, self-test. Every fault ends in `fault`: interrupts off, so no
   edge leaves the chip, and the watchdog that nobody feeds resets everything. */
#include "chip.h"
#include "platform.h"

extern const uint8_t _image_begin[], _image_end[];
extern uint32_t _stack_bottom[], _stack_top[];
void reset_handler(void);
void start(void);
void tick_interrupt(void);
void serial_interrupt(void);

#define FILL 0xa5a5a5a5u /* start.S */

static void fault(void) {
    __asm volatile("cpsid i");
    for (;;) {
    }
}

struct vectors {
    uint32_t *stack;
    void (*handler[47])(void);
};
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
    _stack_top,
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
void clocks_start(void) {
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

uint32_t crc32_of(const uint8_t *data, size_t count) {
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = 0xffffffffu;
    while (count--) {
        crc ^= *data++;
        crc = crc >> 4 ^ nibble[crc & 15u];
        crc = crc >> 4 ^ nibble[crc & 15u];
    }
    return ~crc;
}

/* Stays dark when a bit of the image is not as it was built. */
void image_check(void) {
    const uint8_t *kept = _image_end;
    uint32_t crc = kept[0] | (uint32_t)kept[1] << 8 | (uint32_t)kept[2] << 16 | (uint32_t)kept[3] << 24;
    if (crc32_of(_image_begin, (size_t)(_image_end - _image_begin)) != crc) {
        stay_dark(DARK_IMAGE);
    }
}

/* Bytes of the deepest stack since reset. */
size_t stack_used(void) {
    const uint32_t *word = _stack_bottom;
    while (word < _stack_top && *word == FILL) {
        word++;
    }
    return (size_t)(_stack_top - word) * sizeof *word;
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
