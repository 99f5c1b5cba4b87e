#pragma once

// The flags of `weft push` and `weft run` about who is told of the end of the job, or of the batch,
// and the key under which secrets are sealed. Not thread-safe.

#include "gateway/core/webhook.h"
#include "lib/sys/config.h"
#include "lib/sys/seal.h"
#include "proto/msg.h"

#define HOOKS_KEY_FILE                                                                             \
    {                                                                                              \
        .key = "webhook-key", .type = CONFIG_STRING, .default_text = "weft-data/webhook.key",      \
        .help = "file under whose key secrets of webhooks are sealed: that of 'weft notify'"       \
    }

enum { HOOKS_PROBLEM_LEN = 256 };

enum hooks_whose { HOOKS_OF_JOB, HOOKS_OF_BATCH };

struct hooks {
    enum hooks_whose whose; // set first
    struct webhook_secret secret;
    uint8_t packed[MSG_HOOK_LEN_MAX]; // what the job's `webhook` or `batch_webhook` points to
};

// --webhook or --batch-webhook and its companions, into the job; nothing when none was given. The secret is not in it
// yet.
//   ERR_BAD_FIELD   see `problem`
MUST_USE err hooks_read(struct hooks *hooks, const struct config *config,
                        struct msg_submit_job *job, char problem[HOOKS_PROBLEM_LEN]);
// Makes the secret when one is wanted, the same each time for the same batch or, without one, job, and
// seals it into the webhook of the job. Without a secret nothing is done and no key needed.
//   ERR_BAD_FIELD   the key cannot be used: see `problem`
MUST_USE err hooks_seal(struct hooks *hooks, const struct config *config,
                        struct msg_submit_job *job, char problem[HOOKS_PROBLEM_LEN]);

// Words of events, separated by commas.
//   ERR_BAD_FIELD   see `problem`, which has the rule alone
MUST_USE err hooks_events(const char *text, enum webhook_whose whose, uint32_t *out_events,
                          char problem[HOOKS_PROBLEM_LEN]);

// The key of --webhook-key; false after a complaint of `program`.
bool hooks_key(const struct config *config, const char *program, struct seal_key *out_key);

// Tells a secret that was made, on standard error; nothing of one that was given.
void hooks_tell(const struct webhook_secret *secret, const char *program);
