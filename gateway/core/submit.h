#pragma once

// From the object a client posts to the job the broker is asked to store: names, kinds and ranges
// of the fields of docs/http-api.md. The payload stays the bytes it was sent in. What a field may
// say beyond that (which characters a type may have) is proto/check.h's. Pure.

#include "gateway/core/doc.h"
#include "gateway/core/submit_fault.h"
#include "gateway/core/webhook.h"
#include "proto/msg.h"

struct submit_options {
    bool is_record;                        // of a batch: "key" is allowed
    const struct msg_submit_job *defaults; // for what the object does not give; NULL: nothing
    struct webhook_secret *secret; // filled in when the webhook has one; NULL: it may have none
    bool is_body;                  // of a request for one job: of many it says where they go
    bool opens_batch; // its first record, whose `batch_webhook` submit_read_batch() has read
};

// Fills in what the object gives; ids, batch and traceparent are the caller's. Everything borrows
// from the object's bytes and the arena. `out_job` is untouched on error.
//   ERR_MALFORMED     not of the format
//   ERR_BAD_FIELD     a field that is unknown, or has a value that is not allowed
//   ERR_TOO_LARGE     too deep, too many names
MUST_USE err submit_read(struct doc_value object, const struct submit_options *options,
                         const struct doc_room *room, struct msg_submit_job *out_job,
                         struct submit_fault *out_fault);

// `batch_webhook` of the first record of a batch, whether or not the record is good otherwise: the
// batch is to be told of even if that one is refused. An empty slice when the record has none, or cannot be
// read at all; then submit_read() says why.
//   ERR_BAD_FIELD, ERR_TOO_LARGE
MUST_USE err submit_read_batch(struct doc_value object, const struct doc_room *room,
                               const struct webhook_place *place, struct submit_fault *fault);

// One member of an object that gives defaults for jobs. False when it is no field of that kind;
// else *out_error is what reading it into `defaults` came to.
bool submit_read_default(const struct doc_member *member, const struct doc_room *room,
                         struct msg_defaults *defaults, struct submit_fault *fault, err *out_error);
// One member of a "retry" object, into `defaults`.
MUST_USE err submit_read_retry(const struct doc_member *part, const struct doc_room *room,
                               struct msg_defaults *defaults, struct submit_fault *fault);
