/* Which pin is which. hw/boards/emulated.toml, [interlock], names the same; a test compares them. */
#ifndef IWATO_PINS_H
#define IWATO_PINS_H
#define PIN_UART_TX 0
#define PIN_UART_RX 1
#define PIN_PERMIT_LINK 2
#define PIN_PERMIT_DRIVES 3
#define PIN_SDA 4
#define PIN_SCL 5
#define PIN_K3_ON_LINK 6
#define PIN_CONTROLLER_POWER 7
#define PIN_BOOT_SEALING 8
#define PIN_SENSE_K1 9
#define PIN_SENSE_K2 10
#define PIN_SENSE_K3 11
#define PIN_SENSE_CUT 12
#define PIN_SENSE_KEY 13
#define PIN_SENSE_SUPPLY 14
#define PIN_BAY_1 16 /* supply of bay 1; the other bays follow */
#define PIN_SENSE_BAY_1 22
#define BAYS 6
#endif
