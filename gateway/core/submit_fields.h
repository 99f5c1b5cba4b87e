#pragma once

// The fields of a submission, one row each: what kind of value each takes, and where in the job it goes. What
// fields mean together is submit.c's. Pure.

#include "gateway/core/doc.h"
#include "gateway/core/submit_fault.h"
#include "gateway/core/webhook.h"
#include "proto/msg.h"

struct labels;

struct submit_fields_context {
    struct arena *arena;
    struct msg_submit_job *job;
    struct webhook_secret *webhook_secret; // may be NULL
};

// The objects that have fields.
enum submit_fields_of { SUBMIT_FIELDS_JOB, SUBMIT_FIELDS_RETRY, SUBMIT_FIELDS_UNIQUE };

// Reads one member of such an object into the job. Fields that are objects themselves are only known here.
//   ERR_BAD_FIELD   it is no field of that object, or has a value that is not allowed
MUST_USE err submit_fields_read(const struct submit_fields_context *context,
                                enum submit_fields_of object, const struct doc_member *member,
                                struct submit_fault *fault);

// The rule for the value of a field that is an object.
const char *submit_fields_rule(enum submit_fields_of object);

// Puts tags, or metadata, into the job beside what it has of the other; NULL or the rule they break.
const char *submit_fields_put_labels(const struct submit_fields_context *context,
                                     const struct labels *given, bool is_tags);
