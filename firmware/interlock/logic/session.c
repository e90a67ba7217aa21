#include "session.h"
#include <string.h>
#include "digest.h"
#include "frame.h"
#include "interlock.h"
#include "step.h"

struct Channel { /* one agreed session; `seen` bit i: counter newest_in - i was received */
    bool open;
    uint8_t session[8], key[32];
    int64_t next_out, newest_in;
    uint64_t seen;
};

static struct {
    uint8_t pairing_key[32], entropy[8];
    uint32_t nonces_made;
    struct Channel current, offered;
    uint8_t buffer[STUFFED_BYTES_MAX];
    size_t bytes;
    bool overlong;
} line;

void session_start(const uint8_t pairing_key[32], const uint8_t entropy[8]) {
    memset(&line, 0, sizeof line);
    memcpy(line.pairing_key, pairing_key, 32);
    memcpy(line.entropy, entropy, 8);
}

static void derive(uint8_t out[32], const char *label, size_t bytes, const uint8_t *one, const uint8_t *two,
                   size_t two_bytes) {
    struct Piece pieces[] = {{label, bytes}, {one, 8}, {two, two_bytes}};
    hmac_sha256(out, line.pairing_key, pieces, one == NULL ? 1 : 3);
}

/* NONE and LOST let the message through; `lost` is the number of frames that are missing. */
static uint8_t accept_counter(struct Channel *channel, int64_t counter, int64_t *lost) {
    int64_t ahead = counter - channel->newest_in;
    if (ahead <= 0) {
        uint64_t bit = -ahead < REORDER_WINDOW ? UINT64_C(1) << -ahead : 0;
        if (bit == 0 || channel->seen & bit) return CAUSE_WIRE_REPEATED;
        channel->seen |= bit;
        return CAUSE_WIRE_REORDERED;
    }
    channel->seen = (ahead < REORDER_WINDOW ? channel->seen << ahead : 0) | 1;
    channel->newest_in = counter;
    *lost = ahead - 1;
    return ahead > 1 ? CAUSE_WIRE_LOST : CAUSE_NONE;
}

static void on_channel(struct Channel *channel, const struct Frame *got) {
    int64_t lost = 0;
    if (!frame_authentic(got, channel->key)) {
        step_fault(CAUSE_WIRE_FORGED, 1);
        return;
    }
    uint8_t trouble = accept_counter(channel, got->counter, &lost);
    if (trouble != CAUSE_NONE && trouble != CAUSE_WIRE_LOST) {
        step_fault(trouble, 1);
        return;
    }
    if (channel == &line.offered) {
        line.current = line.offered;
        line.offered.open = false;
    }
    if (trouble == CAUSE_WIRE_LOST) step_fault(CAUSE_WIRE_LOST, lost);
    step_message(got->payload, got->payload_bytes);
}

static void on_hello(const struct Frame *got) {
    static union Message message;
    uint8_t key[32], count[4];
    derive(key, "iwato wire hello v1", 19, NULL, NULL, 0);
    if (!frame_authentic(got, key)) {
        step_fault(CAUSE_WIRE_FORGED, 1);
        return;
    }
    if (get_message(got->payload, got->payload_bytes, &message) != CAUSE_NONE ||
        memcmp(message.Hello.nonce, got->session, 8) != 0 || got->counter != 0) {
        step_fault(CAUSE_WIRE_MALFORMED, 1);
        return;
    }
    struct Writer w = {count, 0, 4};
    put_integer(&w, ++line.nonces_made, 4);
    derive(key, "iwato wire answer v1", 20, line.entropy, count, 4);
    line.offered = (struct Channel){.open = true, .newest_in = -1};
    memcpy(line.offered.session, key, 8);
    derive(line.offered.key, "iwato wire session v1", 21, message.Hello.nonce, line.offered.session, 8);
    step_message(got->payload, got->payload_bytes);
}

static bool belongs(const struct Channel *channel, const struct Frame *got) {
    return channel->open && memcmp(got->session, channel->session, 8) == 0;
}

static void open_frame(void) {
    struct Frame got;
    if (!frame_unseal(&got, line.buffer, line.bytes)) step_fault(CAUSE_WIRE_CORRUPT, 1);
    else if (got.direction == FROM_INTERLOCK) step_fault(CAUSE_WIRE_REFLECTED, 1);
    else if (belongs(&line.current, &got)) on_channel(&line.current, &got);
    else if (belongs(&line.offered, &got)) on_channel(&line.offered, &got);
    else if (got.payload[0] == MESSAGE_Hello) on_hello(&got);
    else step_fault(CAUSE_WIRE_STRANGER, 1);
}

void interlock_receive(const uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] == 0) {
            if (!line.overlong && line.bytes > 0) open_frame();
            line.overlong = false;
            line.bytes = 0;
        } else if (!line.overlong && line.bytes == STUFFED_BYTES_MAX) {
            line.overlong = true;
            line.bytes = 0;
            step_fault(CAUSE_WIRE_TOO_LONG, 1);
        } else if (!line.overlong) {
            line.buffer[line.bytes++] = data[i];
        }
    }
}

void session_send(uint8_t *payload, size_t bytes) {
    static uint8_t wire[STUFFED_BYTES_MAX + 2];
    bool answer = payload[0] == MESSAGE_HelloAck;
    struct Channel *channel = answer ? &line.offered : &line.current;
    if (!channel->open || channel->next_out > INT64_C(0xFFFFFFFF)) return;
    if (answer) memcpy(payload + bytes - 8, channel->session, 8); /* the last field is the session's to fill */
    platform_send(wire, frame_seal(wire, channel->key, channel->session, channel->next_out++, payload, bytes));
}
