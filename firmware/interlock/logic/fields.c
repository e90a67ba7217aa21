#include "fields.h"
#include <string.h>

void put_integer(struct Writer *w, int64_t value, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)((uint64_t)value >> (8 * i));
        put_bytes(w, &byte, 1);
    }
}

void put_bytes(struct Writer *w, const uint8_t *data, size_t bytes) {
    if (bytes > w->room - w->at) return;
    memcpy(w->data + w->at, data, bytes);
    w->at += bytes;
}

void get_bytes(struct Reader *r, uint8_t *data, size_t bytes) {
    if (r->bad || bytes > r->bytes - r->at) {
        r->bad = true;
        memset(data, 0, bytes);
        return;
    }
    memcpy(data, r->data + r->at, bytes);
    r->at += bytes;
}

int64_t get_integer(struct Reader *r, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t byte;
        get_bytes(r, &byte, 1);
        value = value << 8 | byte;
    }
    return (int64_t)value;
}

int64_t get_signed_word(struct Reader *r) {
    int64_t value = get_integer(r, 4);
    return value < INT64_C(0x80000000) ? value : value - INT64_C(0x100000000);
}

uint8_t checked(struct Reader *r, uint8_t code, bool member) {
    if (!member) r->bad = true;
    return r->bad ? 0 : code;
}

size_t get_blob(struct Reader *r, uint8_t *data, size_t least, size_t most) {
    size_t bytes = (size_t)get_integer(r, 2);
    if (bytes < least || bytes > most) r->bad = true;
    if (r->bad) return 0;
    get_bytes(r, data, bytes);
    return bytes;
}

size_t get_count(struct Reader *r, size_t most) {
    size_t count = (size_t)get_integer(r, 1);
    if (count > most) r->bad = true;
    return r->bad ? 0 : count;
}
