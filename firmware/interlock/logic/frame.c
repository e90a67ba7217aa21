#include "frame.h"
#include <string.h>
#include "digest.h"

/* A block of 254 bytes has no zero behind it; where the text ends with one, no empty block follows it unless
   a zero does, so the decoder refuses the spelling that the encoder would not make. */
static size_t unstuff(uint8_t *data, size_t bytes) {
    size_t from = 0, to = 0;
    while (from < bytes) {
        uint8_t code = data[from++];
        if (code == 0 || code - 1u > bytes - from) return 0;
        for (unsigned i = 1; i < code; i++) {
            if (data[from] == 0) return 0;
            data[to++] = data[from++];
        }
        if (code == 255 && from == bytes) return 0; /* the encoder ends with a short block */
        if (code != 255 && from < bytes) data[to++] = 0;
    }
    return to;
}

static size_t stuff(uint8_t *out, const uint8_t *raw, size_t bytes) {
    size_t code_at = 0, to = 1;
    for (size_t i = 0; i < bytes; i++) {
        if (raw[i] != 0) out[to++] = raw[i];
        if (raw[i] == 0 || to - code_at == 255) {
            out[code_at] = (uint8_t)(to - code_at);
            code_at = to++;
        }
    }
    out[code_at] = (uint8_t)(to - code_at);
    return to;
}

bool frame_unseal(struct Frame *frame, uint8_t *stuffed, size_t bytes) {
    size_t raw = unstuff(stuffed, bytes), body = raw - 4;
    if (raw < RAW_BYTES_MIN || raw > RAW_BYTES_MAX) return false;
    struct Reader r = {stuffed, body, raw, false};
    if ((uint32_t)get_integer(&r, 4) != crc32(stuffed, body)) return false;
    frame->direction = stuffed[0] & 0x0F;
    if ((stuffed[0] & 0xF0) != FRAME_VERSION || frame->direction < 1 || frame->direction > 2) return false;
    r.at = 9;
    frame->counter = get_integer(&r, 4);
    frame->raw = stuffed;
    frame->session = stuffed + 1;
    frame->payload = stuffed + FRAME_HEADER_BYTES;
    frame->payload_bytes = body - MAC_BYTES - FRAME_HEADER_BYTES;
    return true;
}

bool frame_authentic(const struct Frame *frame, const uint8_t key[32]) {
    uint8_t mac[32], differ = 0;
    size_t bytes = FRAME_HEADER_BYTES + frame->payload_bytes;
    hmac_sha256(mac, key, (struct Piece[]){{frame->raw, bytes}}, 1);
    for (size_t i = 0; i < MAC_BYTES; i++) differ |= mac[i] ^ frame->raw[bytes + i];
    return differ == 0;
}

size_t frame_seal(uint8_t *wire, const uint8_t key[32], const uint8_t session[8], int64_t counter,
                  const uint8_t *payload, size_t bytes) {
    static uint8_t raw[RAW_BYTES_MAX];
    uint8_t mac[32];
    struct Writer w = {raw, 0, sizeof raw};
    put_integer(&w, FRAME_VERSION | FROM_INTERLOCK, 1);
    put_bytes(&w, session, 8);
    put_integer(&w, counter, 4);
    put_bytes(&w, payload, bytes);
    hmac_sha256(mac, key, (struct Piece[]){{raw, w.at}}, 1);
    put_bytes(&w, mac, MAC_BYTES);
    put_integer(&w, crc32(raw, w.at), 4);
    wire[0] = 0;
    size_t stuffed = stuff(wire + 1, raw, w.at);
    wire[1 + stuffed] = 0;
    return stuffed + 2;
}
