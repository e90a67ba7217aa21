/* The tick interrupt: every 500 us it decides again whether each permit may have its next edge, and makes that
   edge itself. No edge comes from anything that could outlive a hang (no PWM, PIO or DMA). It alone feeds the
   watchdog, and only while the foreground makes progress. */
#include "chip.h"
#include "pins.h"
#include "platform.h"

void tick_interrupt(void);

#define LINK (1u << PIN_PERMIT_LINK)
#define DRIVES (1u << PIN_PERMIT_DRIVES)
#define WATCHDOG_RESETS 0x1fffcu /* PSM bits: all but the two oscillators; with 0 silicon resets nothing */

static volatile uint32_t progress_us;
static struct orders orders;
static uint32_t edges, uptime_ms, ms_rest_us;

uint32_t now_us(void) { return REG(TIMER_NOW); }

void progress(void) { progress_us = now_us(); }

static void watchdog_feed(void) { REG(WATCHDOG_LOAD) = 2u * WATCHDOG_US; } /* erratum E1: it counts twice */

/* Which of the dynamic outputs may have an edge now. It only takes away from what was ordered. */
static uint32_t fed(const struct senses *senses) {
    if (senses->cut_pressed || (orders.permit_link && orders.permit_drives)) {
        return 0;
    }
    if (orders.permit_link) {
        return senses->drives_live || !senses->k3_on_link ? 0 : LINK;
    }
    if (orders.permit_drives) {
        return senses->k1_conducting || senses->k2_conducting || senses->k3_on_link ? 0 : DRIVES;
    }
    return 0;
}

void tick_interrupt(void) {
    struct senses senses;
    REG(TIMER_INTR) = 1;
    REG(TIMER_ALARM0) += EDGE_US; /* from the last due time: no drift */
    if (now_us() - progress_us > FOREGROUND_US) {
        const struct orders none = {0};
        REG(TIMER_INTE) = 0; /* never again: the watchdog ends this life within 50 ms */
        GPIO_OUT_CLR = LINK | DRIVES;
        lines_write(&none);
        return;
    }
    lines_read(&senses);
    const uint32_t wave = fed(&senses);
    GPIO_OUT_CLR = (LINK | DRIVES) & ~wave;
    GPIO_OUT_XOR = wave;
    watchdog_feed();
    ms_rest_us += EDGE_US;
    if (ms_rest_us >= 1000u) {
        ms_rest_us -= 1000u;
        uptime_ms++;
    }
    if (++edges >= STEP_EDGES) {
        edges = 0;
        safety_step(uptime_ms, &senses, &orders);
        lines_write(&orders);
    }
}

void tick_start(void) {
    progress();
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
