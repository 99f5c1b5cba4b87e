// The streaming form, so that a body is not copied to stand behind what is signed with it.

#include "lib/sys/hmac.h"

#include "lib/base/check.h"

#include <sodium.h>

static_assert(HMAC_LEN == crypto_auth_hmacsha256_BYTES, "the hash has this length");
static_assert(HMAC_TEXT_LEN + 1 ==
                  sodium_base64_ENCODED_LEN(HMAC_LEN, sodium_base64_VARIANT_ORIGINAL),
              "and its text that");

void hmac_sha256(struct slice key, const struct slice *pieces, uint32_t count,
                 uint8_t out[HMAC_LEN])
{
    crypto_auth_hmacsha256_state state;
    int rc = crypto_auth_hmacsha256_init(&state, key.data, key.len);
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        if (pieces[i].len > 0)
            rc = crypto_auth_hmacsha256_update(&state, pieces[i].data, pieces[i].len);
    }
    if (rc == 0)
        rc = crypto_auth_hmacsha256_final(&state, out);
    CHECK(rc == 0);
    sodium_memzero(&state, sizeof state);
}

void hmac_text(const uint8_t hmac[HMAC_LEN], char out[HMAC_TEXT_LEN + 1])
{
    (void)sodium_bin2base64(out, HMAC_TEXT_LEN + 1, hmac, HMAC_LEN, sodium_base64_VARIANT_ORIGINAL);
}
