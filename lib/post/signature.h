#pragma once

// The three headers of Standard Webhooks 1.0: webhook-id, webhook-timestamp, webhook-signature.
//
//   webhook-signature: v1,<base64 of HMAC-SHA256(id "." timestamp "." body)>
//
// While a secret is being changed there are two signatures, a blank between them. Any thread.

#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "lib/sys/hmac.h"

enum {
    SIGNATURE_KEYS_MAX = 2,
    SIGNATURE_TIME_LEN_MAX = 20,
    SIGNATURE_TEXT_LEN_MAX = SIGNATURE_KEYS_MAX * (HMAC_TEXT_LEN + sizeof "v1, ")
};

struct signature_input {
    struct slice id;
    when_ms at; // cut to seconds
    struct slice body;
    struct slice keys[SIGNATURE_KEYS_MAX]; // the bytes of the secrets; empty: none
};

struct signature {
    char time[SIGNATURE_TIME_LEN_MAX + 1];
    char text[SIGNATURE_TEXT_LEN_MAX + 1];
};

// Without a key the text is empty.
void signature_make(const struct signature_input *input, struct signature *out_signature);
