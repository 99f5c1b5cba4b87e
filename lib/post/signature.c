// One signature for each key.

#include "lib/post/signature.h"

#include <inttypes.h>
#include <stdio.h>

enum { MS_PER_SECOND = 1000 };

void signature_make(const struct signature_input *input, struct signature *out_signature)
{
    struct signature signature = {0};
    size_t len = 0;
    (void)snprintf(signature.time, sizeof signature.time, "%" PRId64,
                   (int64_t)input->at / MS_PER_SECOND);
    const struct slice pieces[] = {input->id, slice_of_text("."), slice_of_text(signature.time),
                                   slice_of_text("."), input->body};
    for (uint32_t i = 0; i < SIGNATURE_KEYS_MAX; i++) {
        uint8_t hmac[HMAC_LEN];
        char text[HMAC_TEXT_LEN + 1];
        if (input->keys[i].len == 0)
            continue;
        hmac_sha256(input->keys[i], pieces, sizeof pieces / sizeof pieces[0], hmac);
        hmac_text(hmac, text);
        len += (size_t)snprintf(signature.text + len, sizeof signature.text - len, "%sv1,%s",
                                len > 0 ? " " : "", text);
    }
    *out_signature = signature;
}
