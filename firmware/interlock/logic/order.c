/* What holders sign besides policies: orders, vetoes, overrides; fixed lines for each (PROTOCOL 7, 12, 13). */
#include <string.h>
#include "digest.h"
#include "lines.h"
#include "step.h"

/* One character of strict UTF-8 that is no control character; its length, 0 for anything else. */
static size_t character(const struct Text *t) {
    size_t left = (size_t)(t->end - t->at), bytes;
    uint32_t code, least;
    if (left == 0) return 0;
    uint8_t first = *t->at;
    if (first < 0x80) return first >= 0x20 && first != 0x7F;
    if (first >= 0xC2 && first < 0xE0) bytes = 2, code = first & 0x1Fu, least = 0x80;
    else if (first >= 0xE0 && first < 0xF0) bytes = 3, code = first & 0x0Fu, least = 0x800;
    else if (first >= 0xF0 && first < 0xF5) bytes = 4, code = first & 0x07u, least = 0x10000;
    else return 0;
    if (bytes > left) return 0;
    for (size_t i = 1; i < bytes; i++) {
        if ((t->at[i] & 0xC0) != 0x80) return 0;
        code = code << 6 | (t->at[i] & 0x3Fu);
    }
    bool surrogate = code >= 0xD800 && code < 0xE000;
    return code >= least && code <= 0x10FFFF && !surrogate ? bytes : 0;
}

static void read_words(struct Text *t) {
    size_t count = 0;
    for (size_t bytes; (bytes = character(t)) > 0 && count <= ORDER_TEXT_BYTES_MAX; count++) t->at += bytes;
    require(t, count >= 1 && count <= ORDER_TEXT_BYTES_MAX);
}

static bool leap(int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

/* YYYY-MM-DDTHH:MM:SSZ as Unix seconds. */
static int64_t read_moment(struct Text *t) {
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t year = read_digits(t, 4), month, day, hour, minute, second, past, days;
    expect(t, "-");
    month = read_digits(t, 2);
    expect(t, "-");
    day = read_digits(t, 2);
    expect(t, "T");
    hour = read_digits(t, 2);
    expect(t, ":");
    minute = read_digits(t, 2);
    expect(t, ":");
    second = read_digits(t, 2);
    expect(t, "Z");
    if (!require(t, year >= 1 && month >= 1 && month <= 12 && hour < 24 && minute < 60 && second < 60)) return 0;
    int64_t last = length[month - 1] + (month == 2 && leap(year));
    require(t, day >= 1 && day <= last);
    past = year - 1;
    days = past * 365 + past / 4 - past / 100 + past / 400 - 719162 + day - 1; /* 719162: 1970-01-01 */
    for (int64_t one = 1; one < month; one++) days += length[one - 1] + (one == 2 && leap(year));
    return days * DAY_S + hour * 3600 + minute * 60 + second;
}

static uint32_t read_holders(struct Text *t) {
    int64_t last = 0;
    uint32_t found = 0;
    do {
        int64_t number = read_number(t);
        if (!require(t, number > last && number <= HOLDERS_MAX)) return 0;
        found |= UINT32_C(1) << (number - 1);
        last = number;
    } while (accepts(t, ","));
    return found;
}

static uint8_t read_fault(struct Text *t) {
    if (accepts(t, "-")) return CAUSE_NONE;
    for (size_t i = 0; i < RELEASABLE_COUNT; i++)
        if (accepts(t, RELEASABLE[i].name)) return RELEASABLE[i].cause;
    require(t, false);
    return CAUSE_NONE;
}

static void read_line(struct Text *t, struct Order *order, uint8_t line) {
    switch (line) {
    case LINE_VAULT_ID: read_hex(t, order->vault_id, 16); break;
    case LINE_POLICY: expect(t, "sha256:"); read_hex(t, order->policy, 32); break;
    case LINE_PENDING: expect(t, "sha256:"); read_hex(t, order->pending, 32); break;
    case LINE_NONCE: read_hex(t, order->nonce, 16); break;
    case LINE_EXPIRES: order->expires_s = read_moment(t); break;
    case LINE_TIME:
        order->time_s = read_moment(t);
        require(t, order->time_s >= EPOCH_S && order->time_s <= CLOCK_S_MAX);
        break;
    case LINE_VETOED_BY: order->vetoes = read_holders(t); break;
    case LINE_SECURED:
        order->secured = accepts(t, "yes");
        if (!order->secured) expect(t, "no");
        break;
    case LINE_FAULT: order->fault = read_fault(t); break;
    case LINE_GROUP:
        order->group = (uint8_t)read_digits(t, 1);
        require(t, order->group >= 1);
        break;
    default: read_words(t); break;
    }
}

bool order_read(struct Order *order, uint8_t kind, const uint8_t *text, size_t bytes) {
    struct Text t = {text, text + bytes, bytes > ORDER_BYTES_MAX};
    memset(order, 0, sizeof *order);
    expect(&t, ORDER_HEADS[kind]);
    for (const uint8_t *line = ORDER_LINES[kind]; *line != LINE_NONE && !t.bad; line++) {
        expect(&t, LINE_WORDS[*line]);
        read_line(&t, order, *line);
        expect(&t, "\n");
    }
    sha256(order->digest, (struct Piece[]){{text, bytes}}, 1);
    order->kind = kind;
    return !t.bad && t.at == t.end;
}
