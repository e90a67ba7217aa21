/* Registers of the RP2040 that this firmware touches (RP2040 datasheet, section numbers beside each). */
#ifndef IWATO_CHIP_H
#define IWATO_CHIP_H
#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(address))
#define SET(address) REG((address) + 0x2000u) /* 2.1.2: atomic aliases */
#define CLEAR(address) REG((address) + 0x3000u)

#define CLK_REF_CTRL 0x40008030u /* 2.15.7 */
#define CLK_REF_SELECTED 0x40008038u
#define CLK_SYS_CTRL 0x4000803cu
#define CLK_SYS_SELECTED 0x40008044u
#define CLK_PERI_CTRL 0x40008048u
#define RESETS_RESET 0x4000c000u /* 2.14.3 */
#define RESETS_DONE 0x4000c008u
#define PSM_WDSEL 0x40010008u          /* 2.13.5 */
#define IO_CTRL(pin) (0x40014004u + 8u * (pin)) /* 2.19.6 */
#define PAD(pin) (0x4001c004u + 4u * (pin))
#define XOSC_CTRL 0x40024000u /* 2.16.7 */
#define XOSC_STATUS 0x40024004u
#define XOSC_STARTUP 0x4002400cu
#define ROSC_RANDOMBIT 0x4006001cu /* 2.17.8 */
#define PLL_CS 0x40028000u /* 2.18.4 */
#define PLL_PWR 0x40028004u
#define PLL_FBDIV 0x40028008u
#define PLL_PRIM 0x4002800cu
#define UART 0x40034000u /* 4.2.8 */
#define UART_DR 0x40034000u
#define UART_FR 0x40034018u
#define UART_IBRD 0x40034024u
#define UART_FBRD 0x40034028u
#define UART_LCR 0x4003402cu
#define UART_CR 0x40034030u
#define UART_IMSC 0x40034038u
#define UART_ICR 0x40034044u
#define I2C 0x40044000u /* 4.3.17 */
#define TIMER_ALARM0 0x40054010u /* 4.6.5 */
#define TIMER_NOW 0x40054028u
#define TIMER_INTR 0x40054034u
#define TIMER_INTE 0x40054038u
#define WATCHDOG_CTRL 0x40058000u /* 4.7.6 */
#define WATCHDOG_LOAD 0x40058004u
#define WATCHDOG_SCRATCH0 0x4005800cu
#define WATCHDOG_TICK 0x4005802cu
#define GPIO_IN REG(0xd0000004u) /* 2.3.1.7 */
#define GPIO_OUT_SET REG(0xd0000014u)
#define GPIO_OUT_CLR REG(0xd0000018u)
#define GPIO_OUT_XOR REG(0xd000001cu)
#define GPIO_OE_SET REG(0xd0000024u)
#define GPIO_OE_CLR REG(0xd0000028u)
#define NVIC_ENABLE REG(0xe000e100u)
#define NVIC_DISABLE REG(0xe000e180u)
#define NVIC_PRIORITY(word) REG(0xe000e400u + 4u * (word))

#define FUNCTION_UART 2u /* 2.19.2 */
#define FUNCTION_I2C 3u
#define FUNCTION_SIO 5u
#define IRQ_TIMER0 0u
#define IRQ_UART0 20u

#define PAD_SCHMITT 0x02u
#define PAD_PULL_DOWN 0x04u
#define PAD_PULL_UP 0x08u
#define PAD_INPUT 0x40u
#define PAD_4MA 0x10u
#endif
