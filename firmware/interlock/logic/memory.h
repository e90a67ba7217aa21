/* The memory that survives: a record is magic, fields, CRC-32, in the slot its sequence names (PROTOCOL 8). */
#ifndef MEMORY_H
#define MEMORY_H
#include "state.h"

bool memory_load(const uint8_t *slot_a, size_t a_bytes, const uint8_t *slot_b, size_t b_bytes);
void memory_save(void);
#endif
