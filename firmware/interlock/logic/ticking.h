#ifndef TICKING_H
#define TICKING_H
#include "state.h"

void tick(const struct Senses *senses, int64_t rtc_s, int64_t uptime_ms);
#endif
