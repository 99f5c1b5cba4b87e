#pragma once

// BLAKE2b (RFC 7693), by libsodium; the only file that includes it. Any thread.

#include "lib/base/id.h"

// The first 8 bytes of the 16-byte hash of `a` followed by `b`, big-endian.
uint64_t blake_u64(struct slice a, struct slice b);

// The 16-byte hash (digest length 16, no key, no salt).
void blake_hash16(struct slice bytes, uint8_t out_hash[16]);

// The 32-byte hash of a secret that is random itself, and so needs no salt.
void blake_hash32(struct slice bytes, uint8_t out_hash[32]);
// Whether `len` bytes are equal, in a time that does not tell where they differ.
bool blake_is_same(const void *a, const void *b, size_t len);

// Random bytes from the operating system.
void blake_random(void *out, size_t len);
