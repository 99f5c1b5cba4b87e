#pragma once

// Queues and types over HTTP: the settings a client puts, and the answers. docs/queues.md is the user's page.
// Pure.

#include "gateway/core/answer.h"
#include "gateway/core/submit.h"

// Reads the object; the broker judges what the fields say. `out_settings` is untouched on error.
// Errors of submit_read().
MUST_USE err queue_read(struct doc_value object, const struct doc_room *room,
                        struct msg_queue_settings *out_settings, struct submit_fault *out_fault);
// The same object as a JSON Merge Patch (RFC 7396): only what it names is meant, and null takes it
// away. Into `settings` and `named`, which are untouched on error.
//   ERR_BAD_FIELD   also when it names nothing
MUST_USE err queue_read_change(struct doc_value object, const struct doc_room *room,
                               struct msg_queue_set *out_set, struct submit_fault *out_fault);

// "in", "out", "both"; "no" for none. Static.
const char *queue_direction(enum direction direction);

// 200: the queue as it stands.
void queue_answer(struct out *out, const struct msg_queue *queue);
// 200: a page of them, and the cursor of the next.
void queue_answer_list(struct out *out, const struct msg_queue_status_is *is);

// What is set for a type, alike: into `defaults` and `schema`, which stays in the object.
MUST_USE err queue_read_type(struct doc_value object, const struct doc_room *room,
                             struct msg_type_set *out_set, struct submit_fault *out_fault);
// As queue_read_change(); the schema is one thing, set or taken away whole.
MUST_USE err queue_read_type_change(struct doc_value object, const struct doc_room *room,
                                    struct msg_type_set *out_set, struct submit_fault *out_fault);
// A schema has to be in the format of `out`.
void queue_answer_type(struct out *out, const struct msg_type *type);
void queue_answer_types(struct out *out, const struct msg_type_status_is *is);
