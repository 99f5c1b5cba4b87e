// libsodium's BLAKE2b and its random bytes.

#include "lib/sys/blake.h"

#include "lib/base/check.h"

#include <pthread.h>
#include <sodium.h>

enum { DIGEST_LEN = 16 };

static void start_sodium(void)
{
    int rc = sodium_init();
    CHECK(rc >= 0);
}

// Makes random bytes safe from any thread, and hashing quick: without it libsodium does not ask
// what the processor can do.
static void ensure_sodium(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int rc = pthread_once(&once, start_sodium);
    CHECK(rc == 0);
}

static void add(crypto_generichash_blake2b_state *state, struct slice bytes)
{
    if (bytes.len == 0)
        return;
    int rc = crypto_generichash_blake2b_update(state, bytes.data, bytes.len);
    CHECK(rc == 0);
}

uint64_t blake_u64(struct slice a, struct slice b)
{
    ensure_sodium();
    crypto_generichash_blake2b_state state;
    int rc = crypto_generichash_blake2b_init(&state, NULL, 0, DIGEST_LEN);
    CHECK(rc == 0);
    add(&state, a);
    add(&state, b);
    uint8_t digest[DIGEST_LEN];
    rc = crypto_generichash_blake2b_final(&state, digest, DIGEST_LEN);
    CHECK(rc == 0);
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | digest[i];
    return value;
}

void blake_hash16(struct slice bytes, uint8_t out_hash[16])
{
    ensure_sodium();
    int rc = crypto_generichash_blake2b(out_hash, DIGEST_LEN, bytes.data, bytes.len, NULL, 0);
    CHECK(rc == 0);
}

void blake_hash32(struct slice bytes, uint8_t out_hash[32])
{
    ensure_sodium();
    int rc = crypto_generichash_blake2b(out_hash, 32, bytes.data, bytes.len, NULL, 0);
    CHECK(rc == 0);
}

bool blake_is_same(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void blake_random(void *out, size_t len)
{
    ensure_sodium();
    randombytes_buf(out, len);
}
