/* One frame: header, payload, MAC, CRC, then COBS between two zeros (PROTOCOL 2). */
#ifndef FRAME_H
#define FRAME_H
#include "tables.h"

enum { FROM_CONTROLLER = 1, FROM_INTERLOCK = 2 };

struct Frame { /* nothing in it may be believed before frame_authentic said yes */
    const uint8_t *raw, *session, *payload;
    size_t payload_bytes;
    uint8_t direction;
    int64_t counter;
};

/* Undoes COBS in place; false for noise, a cut, a wrong length, a second spelling. */
bool frame_unseal(struct Frame *frame, uint8_t *stuffed, size_t bytes);
bool frame_authentic(const struct Frame *frame, const uint8_t key[32]);
/* `wire` has room for STUFFED_BYTES_MAX + 2; how many bytes were made. */
size_t frame_seal(uint8_t *wire, const uint8_t key[32], const uint8_t session[8], int64_t counter,
                  const uint8_t *payload, size_t bytes);
#endif
