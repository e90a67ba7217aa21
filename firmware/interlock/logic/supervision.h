/* Sense against order: what conducts although nothing feeds it, what does not move (PROTOCOL 5.6). */
#ifndef SUPERVISION_H
#define SUPERVISION_H
#include "state.h"

void watch(void);
uint8_t outlasted(void);
#endif
