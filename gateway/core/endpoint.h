#pragma once

// Registered endpoints of webhooks over HTTP: the objects a client sends, and the answers.
// docs/webhooks.md is the user's page. Pure.

#include "gateway/core/out.h"
#include "gateway/core/submit.h"

// An endpoint as somebody wants it, and the secret that it gets when it is new.
struct endpoint_put {
    struct msg_webhook given; // its id is the caller's
    struct webhook_secret secret;
};

// Each reads an object; what the fields may say beyond their kinds is proto/check_hook.h's and
// lib/post/core/target.h's. Everything borrows from the object's bytes and the arena. The last
// parameter but one is untouched on error. Errors of submit_read().
MUST_USE err endpoint_read(struct doc_value object, const struct doc_room *room,
                           struct endpoint_put *out_put, struct submit_fault *out_fault);

struct endpoint_rotation {
    struct webhook_secret secret;
    uint32_t overlap_s; // the one before signs too, for so long; ENDPOINT_OVERLAP_S when not given
};
enum { ENDPOINT_HEADERS_MAX = 24 }; // the sender has room for a few more, its own
enum { ENDPOINT_OVERLAP_S = 24 * 3600, ENDPOINT_OVERLAP_S_MAX = 30 * 24 * 3600 };
MUST_USE err endpoint_read_rotation(struct doc_value object, const struct doc_room *room,
                                    struct endpoint_rotation *out_rotation,
                                    struct submit_fault *out_fault);

// Why it is disabled, for people.
MUST_USE err endpoint_read_reason(struct doc_value object, const struct doc_room *room,
                                  struct slice *out_reason, struct submit_fault *out_fault);

// 200 or 201: the endpoint as it stands. `secret` is told when it was made, NULL: not; whether it was
// kept is told when it is asked for.
enum endpoint_secret { ENDPOINT_SECRET_UNASKED, ENDPOINT_SECRET_TAKEN, ENDPOINT_SECRET_KEPT };
struct endpoint_told {
    const struct msg_webhook_line *line;
    enum endpoint_secret fate;
    const struct webhook_secret *secret;
};
void endpoint_answer(struct out *out, const struct endpoint_told *told);
// 200: a page of them, and the cursor of the next.
void endpoint_answer_list(struct out *out, const struct msg_webhook_status_is *is);
// 202: the delivery that tries it.
void endpoint_answer_test(struct out *out, struct slice webhook_id, const struct id *delivery_id);
// Bytes that the answers need at the most, for each endpoint.
enum {
    ENDPOINT_ANSWER_LEN = 2048 +
                          6 * (MSG_URL_LEN_MAX + 2 * MSG_HOOK_LIST_LEN_MAX + MSG_REASON_LEN_MAX) +
                          2 * MSG_HOOK_HEADERS_LEN_MAX
};
