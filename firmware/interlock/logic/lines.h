/* Reading exactly one spelling of a text: a cursor that is `bad` for good after the first surprise. */
#ifndef LINES_H
#define LINES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Text {
    const uint8_t *at, *end;
    bool bad;
};

bool accepts(struct Text *t, const char *literal); /* moves on when it is there */
void expect(struct Text *t, const char *literal);
bool require(struct Text *t, bool holds);
int64_t read_number(struct Text *t);                     /* no leading zeros, at most ten digits */
int64_t read_digits(struct Text *t, unsigned count);     /* exactly so many */
void read_hex(struct Text *t, uint8_t *out, size_t bytes); /* lower case */
void read_base64(struct Text *t, uint8_t *out, size_t bytes); /* the padded standard alphabet */
#endif
