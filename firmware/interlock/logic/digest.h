/* Hashes and signatures, over BearSSL (SHA-2, P-256) and Monocypher (Ed25519's curve). */
#ifndef DIGEST_H
#define DIGEST_H
#include "tables.h"

struct Piece {
    const void *data;
    size_t bytes;
};

void sha256(uint8_t out[32], const struct Piece *pieces, size_t count);
void sha512(uint8_t out[64], const struct Piece *pieces, size_t count);
void hmac_sha256(uint8_t out[32], const uint8_t key[32], const struct Piece *pieces, size_t count);
uint32_t crc32(const uint8_t *data, size_t bytes);

void ed25519_public(uint8_t out[32], const uint8_t seed[32]);
void ed25519_sign(uint8_t out[64], const uint8_t seed[32], const uint8_t *text, size_t bytes);

/* Whether the key may be enrolled at all; whether its holder signed `text` (PROTOCOL 6.3). */
bool key_sound(const struct HolderKey *key);
bool sshsig_verify(const struct HolderKey *key, const char *name, const uint8_t *text, size_t bytes,
                   const uint8_t signature[64]);
#endif
