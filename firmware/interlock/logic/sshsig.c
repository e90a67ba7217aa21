/* The signature blob is rebuilt from its parts; no PEM and no armor reach the interlock (PROTOCOL 6.3). */
#include <string.h>
#include "bearssl_ec.h"
#include "digest.h"
#include "interlock.h"
#include "monocypher.h"

static void secret_scalar(uint8_t scalar[32], uint8_t prefix[32], const uint8_t seed[32]) {
    uint8_t wide[64];
    sha512(wide, (struct Piece[]){{seed, 32}}, 1);
    crypto_eddsa_trim_scalar(scalar, wide);
    memcpy(prefix, wide + 32, 32);
}

void ed25519_public(uint8_t out[32], const uint8_t seed[32]) {
    uint8_t scalar[32], prefix[32];
    secret_scalar(scalar, prefix, seed);
    crypto_eddsa_scalarbase(out, scalar);
    platform_progress();
}

void ed25519_sign(uint8_t out[64], const uint8_t seed[32], const uint8_t *text, size_t bytes) {
    uint8_t scalar[32], prefix[32], public[32], wide[64], once[32], challenge[32];
    ed25519_public(public, seed);
    secret_scalar(scalar, prefix, seed);
    sha512(wide, (struct Piece[]){{prefix, 32}, {text, bytes}}, 2);
    crypto_eddsa_reduce(once, wide);
    crypto_eddsa_scalarbase(out, once);
    sha512(wide, (struct Piece[]){{out, 32}, {public, 32}, {text, bytes}}, 3);
    crypto_eddsa_reduce(challenge, wide);
    crypto_eddsa_mul_add(out + 32, challenge, scalar, once);
    platform_progress();
}

bool key_sound(const struct HolderKey *key) {
    uint8_t raw[65];
    memcpy(raw, key->raw, sizeof raw);
    if (key->kind == KEY_P256) {
        static const uint8_t one = 1; /* a multiplication by one tells whether the point is on the curve */
        return key->raw_bytes == 65 && br_ec_p256_m15.mul(raw, 65, &one, 1, BR_EC_secp256r1) == 1;
    }
    raw[31] &= 0x7F;
    for (size_t i = 0; i < sizeof SMALL_ORDER / 32; i++)
        if (memcmp(raw, SMALL_ORDER[i], 32) == 0) return false;
    return key->raw_bytes == 32;
}

static size_t put_string(uint8_t *at, const void *data, uint8_t bytes) {
    memset(at, 0, 3);
    at[3] = bytes;
    memcpy(at + 4, data, bytes);
    return 4u + bytes;
}

bool sshsig_verify(const struct HolderKey *key, const char *name, const uint8_t *text, size_t bytes,
                   const uint8_t signature[64]) {
    uint8_t blob[160], digest[64], name_bytes = 0;
    size_t at = 6;
    bool good;
    while (name[name_bytes] != 0) name_bytes++;
    sha512(digest, (struct Piece[]){{text, bytes}}, 1);
    static const uint8_t magic[6] = {'S', 'S', 'H', 'S', 'I', 'G'};
    memcpy(blob, magic, sizeof magic);
    at += put_string(blob + at, name, name_bytes);
    at += put_string(blob + at, "", 0);
    at += put_string(blob + at, "sha512", 6);
    at += put_string(blob + at, digest, 64);
    if (key->kind == KEY_P256) {
        uint8_t raw[65];
        memcpy(raw, key->raw, sizeof raw);
        br_ec_public_key point = {BR_EC_secp256r1, raw, 65};
        sha256(digest, (struct Piece[]){{blob, at}}, 1);
        good = br_ecdsa_i15_vrfy_raw(&br_ec_p256_m15, digest, 32, &point, signature, 64) == 1;
    } else {
        uint8_t challenge[32];
        sha512(digest, (struct Piece[]){{signature, 32}, {key->raw, 32}, {blob, at}}, 3);
        crypto_eddsa_reduce(challenge, digest);
        good = crypto_eddsa_check_equation(signature, key->raw, challenge) == 0;
    }
    platform_progress();
    return good;
}
