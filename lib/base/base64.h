#pragma once

// Base64 (RFC 4648, section 4), with padding. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"

// Characters that `len` bytes become.
static inline size_t base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

// `out` has base64_len() characters; no zero is put behind them.
void base64_put(struct slice bytes, char *out);

// Only what base64_put() gives is read: padded, with no blanks and no bits that say nothing.
//   ERR_MALFORMED
//   ERR_TOO_LARGE   more than `cap` bytes
MUST_USE err base64_get(struct slice text, uint8_t *room, size_t cap, size_t *out_len);
