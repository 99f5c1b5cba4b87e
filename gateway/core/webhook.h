#pragma once

// Who is told of a job's end, as the field `webhook` of a submission says it, or of a batch's
// (`batch_webhook`), and secrets as people see them. docs/webhooks.md is the user's page. Pure.

#include "gateway/core/doc.h"
#include "gateway/core/out.h"
#include "proto/hook.h"

struct submit_fault;

// As Standard Webhooks writes them: "whsec_" and base64 of 24 to 64 bytes.
enum {
    WEBHOOK_SECRET_LEN_MIN = 24,
    WEBHOOK_SECRET_LEN_MAX = 64,
    WEBHOOK_SECRET_TEXT_LEN_MAX = 6 + (WEBHOOK_SECRET_LEN_MAX + 2) / 3 * 4,
};

// By what something is to be signed, as the user says.
struct webhook_secret {
    bool is_new;                           // one is to be made
    uint8_t bytes[WEBHOOK_SECRET_LEN_MAX]; // the one that was given, or has been made
    uint32_t len;                          // 0: neither
};

// Zero-terminated. Returns its length.
size_t webhook_secret_text(const struct webhook_secret *secret,
                           char out[WEBHOOK_SECRET_TEXT_LEN_MAX + 1]);
// Of a secret's text, or "new". Each of these gives NULL, or the rule that the value breaks.
const char *webhook_secret_of(struct slice text, struct webhook_secret *out_secret);
const char *webhook_read_secret(struct doc_value value, struct arena *arena,
                                struct webhook_secret *out_secret);

// Words as bits (1u << enum job_state, WEBHOOK_BATCH_FINISHED); of a job at least one. After a refusal *out_near is what was
// probably meant, or NULL.
enum webhook_whose { WEBHOOK_OF_JOB, WEBHOOK_OF_ENDPOINT };
struct webhook_words {
    enum webhook_whose whose;
    const struct slice *items;
    uint32_t count;
};
const char *webhook_events_of(const struct webhook_words *words, uint32_t *out_events,
                              const char **out_near);
const char *webhook_read_events(struct doc_value value, struct arena *arena,
                                enum webhook_whose whose, uint32_t *out_events,
                                const char **out_near);
// The word of one bit; NULL: there is none. Static.
const char *webhook_event_word(uint32_t event);

// "events": bits as words.
void webhook_put_events(struct out *out, uint32_t bits);
// "webhook" as it is kept, unless there is none: never a secret.
void webhook_put(struct out *out, struct slice packed);

// Whether the parts belong together; NULL, or the rule about "webhook" that they break.
const char *webhook_judge(const struct hook *hook, const struct webhook_secret *secret);

// What is read, and where to.
struct webhook_place {
    struct slice *packed;          // proto/hook.h, without a secret; in the arena
    struct webhook_secret *secret; // NULL: none may be given
    bool is_of_batch;              // `batch_webhook`: told once, so it has no events
};
// After an error `fault` names the field.
//   ERR_BAD_FIELD   also: neither a url nor an endpoint
//   ERR_TOO_LARGE   no room in the arena
MUST_USE err webhook_read(struct doc_value object, const struct doc_room *room,
                          const struct webhook_place *place, struct submit_fault *fault);
