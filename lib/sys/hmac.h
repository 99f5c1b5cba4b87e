#pragma once

// HMAC-SHA256 (RFC 2104) by libsodium. Any thread.

#include "lib/base/slice.h"

enum { HMAC_LEN = 32, HMAC_TEXT_LEN = 44 };

// Of `count` pieces, one behind the other, under a key of any length.
void hmac_sha256(struct slice key, const struct slice *pieces, uint32_t count,
                 uint8_t out[HMAC_LEN]);
// In base64, zero-terminated.
void hmac_text(const uint8_t hmac[HMAC_LEN], char out[HMAC_TEXT_LEN + 1]);
