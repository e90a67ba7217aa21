/* Sense and order lines. A broken sense wire reads as the dangerous state (conducting, live, pressed), so it
   permits nothing; the key switch reads as not turned. Dynamic outputs are tick.c's. */
#include "chip.h"
#include "pins.h"
#include "platform.h"

#define BIT(pin) (1u << (pin))
#define BAY_MASK ((1u << BAYS) - 1u)
#define LEVELS (BIT(PIN_K3_ON_LINK) | BIT(PIN_CONTROLLER_POWER) | BIT(PIN_BOOT_SEALING) | BAY_MASK << PIN_BAY_1)

static void output(unsigned pin) {
    REG(PAD(pin)) = PAD_INPUT | PAD_4MA | PAD_PULL_DOWN; /* the input stays on: orders can be read back */
    GPIO_OUT_CLR = BIT(pin);
    GPIO_OE_SET = BIT(pin);
    REG(IO_CTRL(pin)) = FUNCTION_SIO;
}

static void input(unsigned pin, uint32_t pull) {
    GPIO_OE_CLR = BIT(pin);
    REG(PAD(pin)) = PAD_INPUT | PAD_SCHMITT | pull;
    REG(IO_CTRL(pin)) = FUNCTION_SIO;
}

void lines_start(void) {
    output(PIN_PERMIT_LINK);
    output(PIN_PERMIT_DRIVES);
    output(PIN_K3_ON_LINK);
    output(PIN_CONTROLLER_POWER);
    output(PIN_BOOT_SEALING);
    for (unsigned bay = 0; bay < BAYS; bay++) {
        output(PIN_BAY_1 + bay);
        input(PIN_SENSE_BAY_1 + bay, PAD_PULL_UP);
    }
    for (unsigned pin = PIN_SENSE_K1; pin <= PIN_SENSE_SUPPLY; pin++) {
        input(pin, pin == PIN_SENSE_KEY ? PAD_PULL_DOWN : PAD_PULL_UP);
    }
}

void lines_read(struct Senses *senses) {
    const uint32_t in = GPIO_IN;
    senses->k1_conducting = in & BIT(PIN_SENSE_K1);
    senses->k2_conducting = in & BIT(PIN_SENSE_K2);
    senses->k3_on_link = in & BIT(PIN_SENSE_K3);
    senses->cut_pressed = in & BIT(PIN_SENSE_CUT);
    senses->key_turned = in & BIT(PIN_SENSE_KEY);
    senses->controller_supplied = in & BIT(PIN_SENSE_SUPPLY);
    senses->drives_live = in >> PIN_SENSE_BAY_1 & BAY_MASK;
}

/* What is taken away goes first. */
void lines_write(const struct Drive *orders) {
    uint32_t on = (orders->drive_mask & BAY_MASK) << PIN_BAY_1;
    on |= orders->k3_on_link ? BIT(PIN_K3_ON_LINK) : 0;
    on |= orders->controller_power ? BIT(PIN_CONTROLLER_POWER) : 0;
    on |= orders->boot_sealing ? BIT(PIN_BOOT_SEALING) : 0;
    GPIO_OUT_CLR = LEVELS & ~on;
    GPIO_OUT_SET = on;
}
