#include <stdint.h>
#include "string.h"

void *memset(void *to, int value, size_t count) {
    uint8_t *byte = to;
    while (count--) {
        *byte++ = (uint8_t)value;
    }
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) { return memmove(to, from, count); }

void *memmove(void *to, const void *from, size_t count) {
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((uintptr_t)target <= (uintptr_t)source) {
        while (count--) {
            *target++ = *source++;
        }
    } else {
        while (count--) {
            target[count] = source[count];
        }
    }
    return to;
}

int memcmp(const void *left, const void *right, size_t count) {
    const uint8_t *a = left, *b = right;
    for (; count; count--, a++, b++) {
        if (*a != *b) {
            return *a - *b;
        }
    }
    return 0;
}
