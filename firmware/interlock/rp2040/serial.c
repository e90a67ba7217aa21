/* The isolated serial line, 115,200 baud 8N1, through two rings that an interrupt fills and empties. What has
   no room is lost and counted; nothing waits. */
#include "chip.h"
#include "pins.h"
#include "platform.h"

void serial_interrupt(void);

#define HEARD 1024u /* bytes; the longest frame is 552, and the foreground may sign for 331 ms meanwhile */
#define SAID 2048u  /* bytes; several of the longest answers */
#define FLAG_RX_EMPTY (1u << 4)
#define FLAG_TX_FULL (1u << 5)
#define INT_RX (1u << 4)
#define INT_TX (1u << 5)
#define INT_RX_TIMEOUT (1u << 6)

static volatile uint8_t heard[HEARD], said[SAID];
static volatile uint32_t heard_in, heard_out, said_in, said_out, lost;

static void fill_transmitter(void) {
    while (said_out != said_in && !(REG(UART_FR) & FLAG_TX_FULL)) {
        REG(UART_DR) = said[said_out % SAID];
        said_out++;
    }
}

void serial_interrupt(void) {
    REG(UART_ICR) = INT_RX_TIMEOUT | INT_TX;
    while (!(REG(UART_FR) & FLAG_RX_EMPTY)) {
        const uint32_t byte = REG(UART_DR); /* with error bits 8-11; a spoilt byte fails the frame's CRC */
        if (byte >> 11 & 1u) {
            lost++; /* the receiver's own FIFO was full */
        }
        if (heard_in - heard_out < HEARD) {
            heard[heard_in % HEARD] = (uint8_t)byte;
            heard_in++;
        } else {
            lost++;
        }
    }
    fill_transmitter();
    if (said_out == said_in) {
        CLEAR(UART_IMSC) = INT_TX;
    }
}

void serial_start(void) {
    REG(PAD(PIN_UART_RX)) = PAD_INPUT | PAD_SCHMITT | PAD_PULL_UP;
    REG(IO_CTRL(PIN_UART_TX)) = FUNCTION_UART;
    REG(IO_CTRL(PIN_UART_RX)) = FUNCTION_UART;
    REG(UART_IBRD) = 67; /* 125 MHz / (16 x (67 + 52/64)) = 115,207 */
    REG(UART_FBRD) = 52;
    REG(UART_LCR) = 0x70; /* 8N1, FIFOs */
    REG(UART_CR) = 0x301;
    REG(UART_IMSC) = INT_RX | INT_RX_TIMEOUT;
    NVIC_ENABLE = 1u << IRQ_UART0;
}

int serial_get(void) {
    if (heard_in == heard_out) {
        return -1;
    }
    const int byte = heard[heard_out % HEARD];
    heard_out++;
    return byte;
}

bool serial_put(const uint8_t *data, size_t count) {
    if (SAID - (said_in - said_out) < count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        said[(said_in + i) % SAID] = data[i];
    }
    NVIC_DISABLE = 1u << IRQ_UART0; /* and only this one: no edge of a dynamic output waits for a byte */
    __asm volatile("dsb\n\tisb" ::: "memory");
    said_in += count;
    fill_transmitter(); /* the interrupt comes when the FIFO runs low, so somebody has to fill it first */
    SET(UART_IMSC) = INT_TX;
    NVIC_ENABLE = 1u << IRQ_UART0;
    return true;
}

uint32_t serial_lost(void) { return lost; }
