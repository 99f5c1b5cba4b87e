#pragma once

// From the object a client posts to a job with an id, the same for single and bulk requests. Any
// thread.

#include "gateway/core/submit.h"
#include "gateway/store/keys.h"

struct gateway;
struct http_request;

// submit_read(), then the rules of proto/check.h and those of the sender for a webhook's url.
MUST_USE err posting_read(struct doc_value object, const struct submit_options *options,
                          const struct doc_room *room, struct msg_submit_job *out_job,
                          struct submit_fault *out_fault);

// Gives the job its id: derived when it has a key, else new.
void posting_mint(const struct gateway *gateway, struct slice tenant, struct msg_submit_job *job);

// A new id when the broker has refused the one before for its time, and said its own: then nothing
// is stored under that one. False: nothing is to be done.
bool posting_mint_again(const struct gateway *gateway, struct slice tenant,
                        struct msg_submit_job *job, const struct msg_submitted_job *said);

// The request's traceparent; empty when it has none that looks like one, for tracing must not fail a
// job. Borrowed.
struct slice posting_trace(const struct http_request *request);

// The id of a batch: derived from its key, or new when the key is empty.
struct id posting_batch_id(const struct gateway *gateway, struct slice tenant, struct slice key);

// That of the broker: identity_fingerprint().
uint64_t posting_fingerprint(const struct msg_submit_job *job);

// Writes down what the broker has said of a key, and which store it speaks of.
void posting_remember(const struct gateway *gateway, struct keys_note *note);

// What this gateway remembers by itself of the submission that `asked` names (id, kind,
// fingerprint), as long as the broker's store is the one that took it.
//   ERR_NOT_FOUND    nothing
//   ERR_KEY_REUSED   another submission had the key
MUST_USE err posting_recall(const struct gateway *gateway, const struct keys_note *asked,
                            struct keys_note *out_note);
