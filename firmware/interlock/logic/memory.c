#include "memory.h"
#include <string.h>
#include "digest.h"

static struct Fram second;

/* The record that `slot` begins with, and its length; 0 when it is torn, empty or foreign. */
static size_t decode(struct Fram *record, const uint8_t *slot, size_t bytes) {
    if (bytes < 12 || memcmp(slot, MEMORY_MAGIC, 8) != 0) return 0;
    struct Reader r = {slot, 8, bytes - 4, false};
    memset(record, 0, sizeof *record);
    get_Fram(&r, record);
    if (r.bad) return 0;
    struct Reader end = {slot, r.at, bytes, false};
    return (uint32_t)get_integer(&end, 4) == crc32(slot, r.at) ? end.at : 0;
}

size_t interlock_record_bytes(const uint8_t *slot, size_t bytes) { return decode(&second, slot, bytes); }

bool memory_load(const uint8_t *slot_a, size_t a_bytes, const uint8_t *slot_b, size_t b_bytes) {
    bool a = a_bytes > 0 && decode(&box.memory, slot_a, a_bytes) == a_bytes;
    bool b = b_bytes > 0 && decode(&second, slot_b, b_bytes) == b_bytes;
    if (b && (!a || second.sequence > box.memory.sequence)) box.memory = second;
    return a || b;
}

void memory_save(void) {
    static uint8_t record[MEMORY_BYTES_MAX];
    struct Writer w = {record, 0, sizeof record};
    box.memory.sequence++;
    put_bytes(&w, (const uint8_t *)MEMORY_MAGIC, 8);
    put_Fram(&w, &box.memory);
    put_integer(&w, crc32(record, w.at), 4);
    platform_persist((unsigned)(box.memory.sequence & 1), record, w.at);
    box.vital = box.journal_changed = false;
    box.saved_floor_s = box.memory.time_floor_s;
    box.saved_ms = box.uptime_ms;
}
