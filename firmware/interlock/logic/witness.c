/* The right edge of the log's Merkle tree (RFC 6962), and cosignatures over its heads (PROTOCOL 7.1). */
#include <string.h>
#include "digest.h"
#include "step.h"

static void node(uint8_t out[32], const uint8_t left[32], const uint8_t right[32]) {
    static const uint8_t mark = 1;
    sha256(out, (struct Piece[]){{&mark, 1}, {left, 32}, {right, 32}}, 3);
}

static void append(struct Log *log, const uint8_t leaf[32]) {
    uint8_t edge[32];
    memcpy(edge, leaf, 32);
    for (int64_t size = log->size; (size & 1) != 0; size >>= 1) {
        log->edge_count--;
        node(edge, log->edge[log->edge_count], edge);
    }
    memcpy(log->edge[log->edge_count++], edge, 32);
    log->size++;
}

void log_root(uint8_t root[32]) {
    const struct Log *log = &box.memory.log;
    size_t left = log->edge_count;
    if (left == 0) {
        sha256(root, NULL, 0);
        return;
    }
    memcpy(root, log->edge[--left], 32);
    while (left-- > 0) node(root, log->edge[left], root);
}

static void put_text(struct Writer *w, const char *text) {
    for (; *text != 0; text++) put_integer(w, *text, 1);
}

static void put_decimal(struct Writer *w, int64_t value) {
    char text[21];
    size_t at = sizeof text;
    text[--at] = 0;
    do {
        text[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    put_text(w, text + at);
}

static void put_base64(struct Writer *w, const uint8_t hash[32]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < 33; i += 3) {
        uint32_t three = (uint32_t)hash[i] << 16 | (uint32_t)hash[i + 1] << 8 | (i + 2 < 32 ? hash[i + 2] : 0u);
        for (unsigned part = 0; part < 4; part++)
            put_integer(w, i == 30 && part == 3 ? '=' : letters[three >> (18 - 6 * part) & 63], 1);
    }
}

static void answer(void) {
    uint8_t text[192];
    const struct Log *log = &box.memory.log;
    struct Writer w = {text, 0, sizeof text};
    struct Cosigned said = {.size = log->size, .time_s = log->last_time_s};
    log_root(said.root);
    put_text(&w, "cosignature/v1\ntime ");
    put_decimal(&w, log->last_time_s);
    put_text(&w, "\niwato/");
    for (size_t i = 0; i < 16; i++)
        for (int shift = 4; shift >= 0; shift -= 4)
            put_integer(&w, "0123456789abcdef"[in_force()->vault_id[i] >> shift & 15], 1);
    put_text(&w, "\n");
    put_decimal(&w, log->size);
    put_text(&w, "\n");
    put_base64(&w, said.root);
    put_text(&w, "\n");
    ed25519_sign(said.signature, box.memory.factory.witness_seed, text, w.at);
    say(MESSAGE_Cosigned);
    put_Cosigned(&reply, &said);
}

uint8_t cosign(const struct Cosign *request) {
    struct Log *log = &box.memory.log;
    if (request->size == log->size && log->size > 0) {
        if (memcmp(request->leaf_hash, log->last_leaf, 32) != 0) return CAUSE_LOG_FORK;
    } else {
        if (request->size < 1 || request->size - 1 != log->size) return CAUSE_LOG_SIZE;
        append(log, request->leaf_hash);
        memcpy(log->last_leaf, request->leaf_hash, 32);
        log->last_time_s = larger(box.rtc_s, log->last_time_s);
        box.vital = true;
    }
    answer();
    return CAUSE_NONE;
}
