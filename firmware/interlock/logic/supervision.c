#include "supervision.h"

static const struct {
    uint8_t cause;
    int64_t limit_ms;
} KINDS[MISMATCHES] = {{CAUSE_LINK_WITHOUT_ORDER, MISMATCH_MS},
                       {CAUSE_DRIVE_WITHOUT_ORDER, MISMATCH_MS},
                       {CAUSE_CHANGEOVER_STUCK, MISMATCH_MS},
                       {CAUSE_SUPPLY_STUCK, SUPPLY_MS}};

void watch(void) {
    const struct Senses *senses = &box.senses;
    const struct Drive *orders = &box.orders;
    uint32_t fed = orders->permit_drives ? orders->drive_mask : 0;
    const bool differs[MISMATCHES] = {link_touched(senses) && !orders->permit_link,
                                      (senses->drives_live & ~fed) != 0,
                                      senses->k3_on_link != orders->k3_on_link,
                                      senses->controller_supplied && !orders->controller_power};
    for (size_t i = 0; i < MISMATCHES; i++) {
        int64_t *since_ms = &box.mismatch_since_ms[i];
        if (!differs[i]) *since_ms = NEVER;
        else if (*since_ms == NEVER) *since_ms = box.uptime_ms;
    }
}

uint8_t outlasted(void) {
    for (size_t i = 0; i < MISMATCHES; i++) {
        int64_t since_ms = box.mismatch_since_ms[i];
        if (since_ms != NEVER && box.uptime_ms - since_ms > KINDS[i].limit_ms) return KINDS[i].cause;
    }
    return CAUSE_NONE;
}
