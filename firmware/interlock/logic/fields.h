/* Bytes in and out, with their bounds (PROTOCOL 3.2). A reader that was asked for too much is `bad` for good. */
#ifndef FIELDS_H
#define FIELDS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Writer {
    uint8_t *data;
    size_t at, room; /* what does not fit is dropped; the tables' bounds leave room for all */
};

struct Reader {
    const uint8_t *data;
    size_t at, bytes;
    bool bad;
};

void put_integer(struct Writer *w, int64_t value, unsigned bytes);
void put_bytes(struct Writer *w, const uint8_t *data, size_t bytes);
int64_t get_integer(struct Reader *r, unsigned bytes); /* 8 bytes above 2^63 read as negative: out of every bound */
int64_t get_signed_word(struct Reader *r); /* 4 bytes, two's complement */
void get_bytes(struct Reader *r, uint8_t *data, size_t bytes);
uint8_t checked(struct Reader *r, uint8_t code, bool member); /* the code, which has to be a member of its list */
size_t get_blob(struct Reader *r, uint8_t *data, size_t least, size_t most);
size_t get_count(struct Reader *r, size_t most);
#endif
