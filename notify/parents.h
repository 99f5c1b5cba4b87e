#pragma once

// Asks the broker for the jobs and batches that deliveries tell of, and tells it which endpoint wants
// nothing any more: by the gateway's courier, in its thread; what comes back is taken by the loop.
// Owned by the loop's thread.

#include "gateway/core/out.h"
#include "lib/base/err.h"
#include "lib/base/id.h"

struct parents;
struct link_curve;

struct parents_question {
    uint32_t slot;  // of the delivery …
    uint64_t token; // … and which of those that will sit there
    struct slice tenant;
    struct id id;
    bool is_batch;
    struct slice disable; // not empty: not a question, but the endpoint that is to be disabled …
    struct slice url;     // … while it has this one
};

struct parents_answer {
    uint32_t slot;
    uint64_t token;
    err error;     // ERR_NO_BROKER, ERR_TIMEOUT: not known; ERR_NOT_FOUND, ERR_GONE: there is none
    uint8_t *data; // the JSON of it, to be freed; NULL after an error
    size_t data_len;
    bool has_ended; // the job, or the batch
    bool is_on;     // the endpoint that was to be disabled: it has another url by now
};

//   ERR_BAD_FIELD, ERR_NO_MEMORY, ERR_SYSTEM
MUST_USE err parents_open(const char *endpoint, const struct link_curve *curve,
                          struct parents **out_parents);
void parents_close(struct parents *parents); // NULL is fine

// Copies the question.
//   ERR_NO_MEMORY
MUST_USE err parents_ask(struct parents *parents, const struct parents_question *question);
// Readable when parents_take() has something.
int parents_fd(const struct parents *parents);
bool parents_take(struct parents *parents, struct parents_answer *out_answer);
