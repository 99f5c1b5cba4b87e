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

static void hash(struct slice a, struct slice b, uint8_t out[DIGEST_LEN])
{
    ensure_sodium();
    crypto_generichash_blake2b_state state;
    int rc = crypto_generichash_blake2b_init(&state, NULL, 0, DIGEST_LEN);
    CHECK(rc == 0);
    add(&state, a);
    add(&state, b);
    rc = crypto_generichash_blake2b_final(&state, out, DIGEST_LEN);
    CHECK(rc == 0);
}

uint64_t blake_u64(struct slice a, struct slice b)
{
    uint8_t digest[DIGEST_LEN];
    hash(a, b, digest);
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | digest[i];
    return value;
}

void blake_hash16(struct slice bytes, uint8_t out_hash[16])
{
    hash(bytes, (struct slice){0}, out_hash);
}

void blake_random(void *out, size_t len)
{
    ensure_sodium();
    randombytes_buf(out, len);
}
