/* I2C master at 400 kHz. Every transfer ends within BUS_US; a chip that was cut off in the middle of an answer
   and holds the data line is clocked free (I2C specification 3.1.16). */
#include "chip.h"
#include "pins.h"
#include "platform.h"

#define SDA (1u << PIN_SDA)
#define SCL (1u << PIN_SCL)
#define IC(offset) REG(I2C + (offset))
#define STOP (1u << 9)
#define RESTART (1u << 10)
#define READ (1u << 8)
#define AHEAD 8u /* reads under way at most; the receive FIFO has 16 places */

static void wait_us(uint32_t us) {
    const uint32_t begin = now_us();
    while (now_us() - begin < us) {
    }
}

/* Nine clocks and a STOP by hand; a line is pulled low or let go, never driven high. */
static void clear(void) {
    REG(PAD(PIN_SDA)) = REG(PAD(PIN_SCL)) = PAD_INPUT | PAD_SCHMITT | PAD_PULL_UP | PAD_4MA;
    GPIO_OUT_CLR = SDA | SCL;
    GPIO_OE_CLR = SDA | SCL;
    REG(IO_CTRL(PIN_SDA)) = REG(IO_CTRL(PIN_SCL)) = FUNCTION_SIO;
    for (unsigned i = 0; i < 9 && !(GPIO_IN & SDA); i++) {
        GPIO_OE_SET = SCL;
        wait_us(5);
        GPIO_OE_CLR = SCL;
        wait_us(5);
    }
    GPIO_OE_SET = SDA;
    wait_us(5);
    GPIO_OE_CLR = SDA;
    wait_us(5);
}

void bus_start(void) {
    clear();
    SET(RESETS_RESET) = 1u << 3;
    CLEAR(RESETS_RESET) = 1u << 3;
    while (!(REG(RESETS_DONE) & (1u << 3))) {
    }
    REG(IO_CTRL(PIN_SDA)) = REG(IO_CTRL(PIN_SCL)) = FUNCTION_I2C;
    IC(0x6c) = 0;                                              /* off while it is set */
    IC(0x00) = 1u << 8 | 1u << 6 | 1u << 5 | 2u << 1 | 1u;     /* master, restart, fast, hold at full FIFO */
    IC(0x1c) = 125;                                            /* high 1.0 us and low 1.5 us at 125 MHz */
    IC(0x20) = 187;
    IC(0xa0) = 11; /* spikes of 88 ns are ignored */
    IC(0x7c) = 38; /* data is held for 300 ns */
    IC(0x3c) = 0;
    IC(0x38) = 0;
    IC(0x30) = 0; /* polled: no interrupts */
}

/* One turn of the transfer under way; true when it has ended, with its result. */
static bool moved(const uint8_t *out, size_t outs, uint8_t *in, size_t ins, size_t *sent, size_t *got) {
    const uint32_t status = IC(0x70);
    if (status & 8u) {
        const uint8_t byte = (uint8_t)IC(0x10);
        if (*got < ins) {
            in[(*got)++] = byte;
        }
    }
    if (*sent < outs + ins && (status & 2u) && (*sent < outs || *sent - outs - *got < AHEAD)) {
        uint32_t word = *sent < outs ? out[*sent] : READ;
        word |= *sent == outs && outs ? RESTART : 0;
        word |= *sent == outs + ins - 1 ? STOP : 0;
        IC(0x10) = word;
        (*sent)++;
    }
    return *sent == outs + ins && *got == ins && (IC(0x34) & 1u << 9); /* and the STOP was seen */
}

enum bus bus_transfer(uint8_t address, const uint8_t *out, size_t outs, uint8_t *in, size_t ins) {
    const uint32_t begin = now_us();
    size_t sent = 0, got = 0;
    IC(0x6c) = 0;
    while (IC(0x9c) & 1u) {
        if (now_us() - begin > BUS_US) {
            bus_start();
            return BUS_TIMEOUT;
        }
    }
    IC(0x04) = address;
    IC(0x6c) = 1;
    (void)IC(0x40); /* clears what was noted before */
    while (!moved(out, outs, in, ins, &sent, &got)) {
        if (IC(0x34) & 1u << 6) {
            (void)IC(0x54); /* clears the abort */
            return BUS_NACK;
        }
        if (now_us() - begin > BUS_US) {
            bus_start();
            return BUS_TIMEOUT;
        }
    }
    return BUS_OK;
}
