#include "digest.h"
#include <string.h>
#include "bearssl_hash.h"
#include "interlock.h"

void sha256(uint8_t out[32], const struct Piece *pieces, size_t count) {
    br_sha256_context context;
    br_sha256_init(&context);
    for (size_t i = 0; i < count; i++) br_sha256_update(&context, pieces[i].data, pieces[i].bytes);
    br_sha256_out(&context, out);
}

void sha512(uint8_t out[64], const struct Piece *pieces, size_t count) {
    br_sha512_context context;
    br_sha512_init(&context);
    for (size_t i = 0; i < count; i++) br_sha512_update(&context, pieces[i].data, pieces[i].bytes);
    br_sha512_out(&context, out);
}

void hmac_sha256(uint8_t out[32], const uint8_t key[32], const struct Piece *pieces, size_t count) {
    uint8_t pad[64], inner[32];
    br_sha256_context context;
    for (unsigned i = 0; i < 64; i++) pad[i] = (uint8_t)((i < 32 ? key[i] : 0) ^ 0x36);
    br_sha256_init(&context);
    br_sha256_update(&context, pad, 64);
    for (size_t i = 0; i < count; i++) br_sha256_update(&context, pieces[i].data, pieces[i].bytes);
    br_sha256_out(&context, inner);
    for (unsigned i = 0; i < 64; i++) pad[i] ^= 0x36 ^ 0x5c;
    sha256(out, (struct Piece[]){{pad, 64}, {inner, 32}}, 2);
}
