#pragma once

// Secrets at rest: sealed by libsodium's secretbox (XSalsa20, Poly1305) under a key that stands in a
// file of its own, which only its owner may read. Who has the sealed bytes but not the file knows
// nothing, and cannot change them unseen. Any thread.
//
//   sealed:   version 1 | nonce 24 | tag 16 | the secret, encrypted
//   key file: "weft-seal-1 " and 64 hexadecimal digits, a line

#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"

enum {
    SEAL_KEY_LEN = 32,
    SEAL_OVERHEAD = 1 + 24 + 16,
    SEAL_SECRET_LEN_MAX = 128,
    SEAL_LEN_MAX = SEAL_OVERHEAD + SEAL_SECRET_LEN_MAX,
};

struct seal_key {
    uint8_t bytes[SEAL_KEY_LEN];
};

// A new random key in a new file, readable by its owner only; flushed.
//   ERR_CONFLICT   the file is there already: what was sealed under it would be lost
//   ERR_DISK, ERR_SYSTEM   errno is kept
MUST_USE err seal_key_make(const char *path);
//   ERR_NOT_FOUND, ERR_DISK, ERR_SYSTEM
//   ERR_DAMAGED   it is not such a file
//   ERR_SCOPE     others than its owner may read or write it
MUST_USE err seal_key_read(const char *path, struct seal_key *out_key);
// Overwrites it, also when the compiler thinks that nobody looks.
void seal_key_forget(struct seal_key *key);

// A secret of its own for each name, the same whenever it is asked for under this key, so that it need
// not be kept to be told again. The length of `out` is SEAL_DERIVED_LEN.
enum { SEAL_DERIVED_LEN = 32 };
void seal_derive(const struct seal_key *key, struct slice tenant, const struct id *name,
                 uint8_t out[SEAL_DERIVED_LEN]);

// Seals 1 to SEAL_SECRET_LEN_MAX bytes under a fresh nonce. Returns the length of `out`.
size_t seal_put(const struct seal_key *key, struct slice secret, uint8_t out[SEAL_LEN_MAX]);
//   ERR_MALFORMED   too short, too long, or of another version
//   ERR_DAMAGED     not sealed under this key, or changed since
MUST_USE err seal_open(const struct seal_key *key, struct slice sealed,
                       uint8_t out_secret[SEAL_SECRET_LEN_MAX], size_t *out_len);
