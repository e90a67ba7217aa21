/* The tick interrupt: every 500 us it decides again whether each permit may have its next edge, and makes that
   edge itself. No edge comes from anything that could outlive a hang (no PWM, PIO or DMA). It alone feeds the
   watchdog, and only while the foreground makes progress. */
#include "chip.h"
#include "pins.h"
#include "platform.h"

void tick_interrupt(void);

#define LINK (1u << PIN_PERMIT_LINK)
#define DRIVES (1u << PIN_PERMIT_DRIVES)
#define EDGES_MS 2 /* edges in a millisecond */
#define WATCHDOG_RESETS 0x1fffcu /* PSM bits: all but the two oscillators; with 0 silicon resets nothing */

static volatile uint32_t progress_us;
static volatile int64_t edges; /* int64_t: it never comes round */

uint32_t now_us(void) { return REG(TIMER_NOW); }

/* Two words, and a tick may come between them. */
int64_t uptime_ms(void) {
    int64_t first, again = edges;
    do {
        first = again;
        again = edges;
    } while (first != again);
    return first / EDGES_MS;
}

void platform_progress(void) { progress_us = now_us(); }

static void watchdog_feed(void) { REG(WATCHDOG_LOAD) = 2u * WATCHDOG_US; } /* erratum E1: it counts twice */

/* Which of the dynamic outputs may have an edge now. It only takes away from what was ordered. */
static uint32_t fed(const struct Senses *senses, const struct Drive *orders) {
    if (senses->cut_pressed || (orders->permit_link && orders->permit_drives)) {
        return 0;
    }
    if (orders->permit_link) {
        return senses->drives_live || !senses->k3_on_link ? 0 : LINK;
    }
    if (orders->permit_drives) {
        return senses->k1_conducting || senses->k2_conducting || senses->k3_on_link ? 0 : DRIVES;
    }
    return 0;
}

void tick_interrupt(void) {
    struct Drive orders = {0};
    struct Senses senses;
    uint32_t wave = 0;
    REG(TIMER_INTR) = 1;
    REG(TIMER_ALARM0) += EDGE_US; /* from the last due time: no drift */
    if (now_us() - progress_us > FOREGROUND_US) {
        REG(TIMER_INTE) = 0; /* never again: the watchdog ends this life within 50 ms */
    } else {
        lines_read(&senses);
        edges = edges + 1;
        orders = safety_step(&senses, edges / EDGES_MS);
        wave = fed(&senses, &orders);
        watchdog_feed();
    }
    GPIO_OUT_CLR = (LINK | DRIVES) & ~wave;
    GPIO_OUT_XOR = wave;
    lines_write(&orders);
}

void tick_start(void) {
    platform_progress();
    REG(PSM_WDSEL) = WATCHDOG_RESETS;
    if (REG(PSM_WDSEL) != WATCHDOG_RESETS) {
        stay_dark(DARK_WATCHDOG);
    }
    watchdog_feed();
    REG(WATCHDOG_CTRL) = 1u << 30; /* and no pause by a debugger */
    NVIC_PRIORITY(0) = 0xffffff00u; /* the timer before everything */
    NVIC_PRIORITY(IRQ_UART0 / 4) = 0xffffffffu;
    REG(TIMER_INTE) = 1;
    REG(TIMER_ALARM0) = now_us() + EDGE_US;
    NVIC_ENABLE = 1u << IRQ_TIMER0;
}
