#include "lines.h"

bool require(struct Text *t, bool holds) {
    t->bad = t->bad || !holds;
    return !t->bad;
}

bool accepts(struct Text *t, const char *literal) {
    const uint8_t *at = t->at;
    for (; *literal != 0; literal++, at++)
        if (at == t->end || *at != (uint8_t)*literal) return false;
    t->at = at;
    return true;
}

void expect(struct Text *t, const char *literal) { require(t, accepts(t, literal)); }

static bool digit(const struct Text *t) { return t->at < t->end && *t->at >= '0' && *t->at <= '9'; }

int64_t read_digits(struct Text *t, unsigned count) {
    int64_t value = 0;
    for (unsigned i = 0; i < count && require(t, digit(t)); i++) value = value * 10 + (*t->at++ - '0');
    return t->bad ? 0 : value;
}

int64_t read_number(struct Text *t) {
    unsigned count = 0;
    struct Text ahead = *t;
    if (accepts(t, "0")) return 0;
    for (; count < 10 && digit(&ahead); ahead.at++) count++;
    return require(t, count > 0) ? read_digits(t, count) : 0;
}

void read_hex(struct Text *t, uint8_t *out, size_t bytes) {
    for (size_t i = 0; i < 2 * bytes; i++) {
        if (!require(t, t->at < t->end)) return;
        uint8_t c = *t->at++;
        require(t, (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'));
        out[i / 2] = (uint8_t)(out[i / 2] << 4 | (c <= '9' ? c - '0' : (c - 'a' + 10) & 15));
    }
}

static uint8_t sextet(struct Text *t) {
    if (!require(t, t->at < t->end)) return 0;
    uint8_t c = *t->at++;
    if (c >= 'A' && c <= 'Z') return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9') return (uint8_t)(c - '0' + 52);
    require(t, c == '+' || c == '/');
    return c == '+' ? 62 : 63;
}

void read_base64(struct Text *t, uint8_t *out, size_t bytes) {
    uint32_t held = 0, bits = 0;
    for (size_t i = 0; i < bytes; i++) {
        while (bits < 8) {
            held = held << 6 | sextet(t);
            bits += 6;
        }
        bits -= 8;
        out[i] = (uint8_t)(held >> bits);
        held &= (UINT32_C(1) << bits) - 1;
    }
    require(t, held == 0); /* spare bits would be a second spelling */
    for (size_t i = 0; i < (3 - bytes % 3) % 3; i++) expect(t, "=");
}
