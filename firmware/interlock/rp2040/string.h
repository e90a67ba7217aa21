/* All of the C library that the firmware has: what a freestanding compiler may call by itself (C11 4p6, GCC 2.1). */
#ifndef IWATO_STRING_H
#define IWATO_STRING_H
#include <stddef.h>
void *memset(void *to, int value, size_t count);
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
int memcmp(const void *left, const void *right, size_t count);
#endif
