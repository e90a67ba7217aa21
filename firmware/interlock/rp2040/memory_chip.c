/* Two slots in an FRAM of 32 KiB (16-bit address, no write delay). A slot is a two-byte length and its
   complement, then the record. The length is taken away first and put back last, so a write that was cut at
   any byte leaves an empty slot; the record's own CRC is the logic's. */
#include "platform.h"

#define ADDRESS 0x50
#define HEAD 4u
#define PIECE 64u /* bytes at a time, 1.7 ms: the foreground says between them that it lives */

static bool put(uint32_t place, const uint8_t *data, size_t count) {
    uint8_t out[2 + PIECE] = {(uint8_t)(place >> 8), (uint8_t)place};
    uint8_t back[PIECE];
    for (size_t i = 0; i < count; i++) {
        out[2 + i] = data[i];
    }
    platform_progress();
    if (bus_transfer(ADDRESS, out, 2 + count, NULL, 0) != BUS_OK ||
        bus_transfer(ADDRESS, out, 2, back, count) != BUS_OK) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (back[i] != data[i]) {
            return false;
        }
    }
    return true;
}

static bool get(uint32_t place, uint8_t *data, size_t count) {
    const uint8_t out[2] = {(uint8_t)(place >> 8), (uint8_t)place};
    platform_progress();
    return bus_transfer(ADDRESS, out, 2, data, count) == BUS_OK;
}

bool memory_read(unsigned slot, uint8_t *record, size_t room, size_t *count) {
    const uint32_t place = slot * SLOT_BYTES;
    uint8_t head[HEAD];
    if (slot > 1 || !get(place, head, HEAD)) {
        return false;
    }
    const size_t length = (size_t)head[0] << 8 | head[1];
    const size_t check = (size_t)head[2] << 8 | head[3];
    *count = (length ^ check) == 0xffffu && length <= room && length <= SLOT_BYTES - HEAD ? length : 0;
    for (size_t at = 0; at < *count; at += PIECE) {
        if (!get(place + HEAD + at, record + at, *count - at < PIECE ? *count - at : PIECE)) {
            return false;
        }
    }
    return true;
}

bool memory_write(unsigned slot, const uint8_t *record, size_t count) {
    const uint32_t place = slot * SLOT_BYTES;
    const uint8_t none[HEAD] = {0};
    const uint8_t head[HEAD] = {(uint8_t)(count >> 8), (uint8_t)count, (uint8_t)~(count >> 8), (uint8_t)~count};
    if (slot > 1 || count == 0 || count > SLOT_BYTES - HEAD || !put(place, none, HEAD)) {
        return false;
    }
    for (size_t at = 0; at < count; at += PIECE) {
        if (!put(place + HEAD + at, record + at, count - at < PIECE ? count - at : PIECE)) {
            return false;
        }
    }
    return put(place, head, HEAD);
}
