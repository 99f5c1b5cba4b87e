#pragma once

// Secrets of webhooks on their way to the broker: checked against the rules of the sender, made when
// one is wanted, and sealed under the key that `weft notify` has too. Any thread.

#include "gateway/core/submit.h"
#include "lib/sys/seal.h"

struct sealer {
    struct seal_key key;
    bool has_key;
};

// Reads the key. Without one the gateway serves all the same, but for secrets; the log says so when
// the file is there and cannot be used.
void sealer_open(struct sealer *sealer, const char *path);
void sealer_close(struct sealer *sealer);

// Whose secret it is.
struct sealer_name {
    const char *field; // that has it: "webhook."
    struct slice tenant;
    const struct id *id; // of the job, or of the batch, whose secret all its jobs share
};

// Makes the secret when it is to be made: the same each time for the same name, so that whoever
// repeats a submission is told it again.
//   ERR_UNSUPPORTED   there is one, and no key; `fault` says what to do
MUST_USE err sealer_make(const struct sealer *sealer, const struct sealer_name *name,
                         struct webhook_secret *secret, struct submit_fault *fault);
// Puts the secret, sealed, into a webhook that has been judged; the bytes are in the arena. Without
// one nothing changes.
//   ERR_NO_MEMORY
MUST_USE err sealer_seal(const struct sealer *sealer, const struct webhook_secret *secret,
                         struct arena *arena, struct slice *webhook);

// Seals a secret of an endpoint into `room`.
//   ERR_UNSUPPORTED   there is no key; `fault` says what to do
MUST_USE err sealer_put(const struct sealer *sealer, const struct webhook_secret *secret,
                        uint8_t room[SEAL_LEN_MAX], struct slice *out_sealed,
                        struct submit_fault *fault);

// The same of an endpoint's url and headers as below.
//   ERR_BAD_FIELD
MUST_USE err sealer_judge_endpoint(const struct msg_webhook *given, struct submit_fault *fault);
// Refuses the url of a webhook in the field of this name ("webhook.") that the sender could not use,
// whatever it allows.
//   ERR_BAD_FIELD
MUST_USE err sealer_judge_url(const char *field, struct slice webhook, struct submit_fault *fault);
