#pragma once

// What is said of the endpoints that webhooks go to. Part of proto/msg.h. Pure.

#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg_words.h"

#define HOOK_QUEUE "weft.webhooks" // where deliveries wait, of each tenant
#define HOOK_TYPE "webhook"        // what they are
#define HOOK_TAG "endpoint:"       // and the endpoint that they go to, as far as a tag holds its id
#define HOOK_GONE "http_410"       // the error's kind of one whose receiver wants no more
#define HOOK_REFUSED "endpoint"    // … of one that was given to the sender without a url
#define HOOK_DEFAULT "default"     // the endpoint whose secret signs for a url alone

// Is it one of the fabric's own queues, which take no jobs from outside?
static inline bool msg_hook_is_reserved(struct slice queue)
{
    return queue.len >= 5 && memcmp(queue.data, "weft.", 5) == 0;
}

enum webhook_act {
    WEBHOOK_NONE = 0,
    WEBHOOK_SET = 1, // makes it, or replaces it whole but for its secrets
    WEBHOOK_ROTATE = 2,
    WEBHOOK_ENABLE = 3,
    WEBHOOK_DISABLE = 4,
    WEBHOOK_TEST = 5,
    WEBHOOK_DELETE = 6,
};

// Ends of jobs, as bits of events.
enum { HOOK_ENDS = 1u << JOB_SUCCEEDED | 1u << JOB_DEAD | 1u << JOB_CANCELLED | 1u << JOB_EXPIRED };
// Bits beside them: the progress of a job that runs; …
enum { WEBHOOK_PROGRESS = 1u << JOB_RUNNING, WEBHOOK_BATCH_FINISHED = 1u << 10 };
// All that a job may want told of itself.
enum { HOOK_EVENTS = HOOK_ENDS | WEBHOOK_PROGRESS };

// What a user says of an endpoint.
struct msg_webhook {
    struct slice webhook_id;
    struct slice url;     // empty: it only signs for urls in jobs
    uint32_t events;      // bits
    struct slice types;   // separated by commas; empty: all
    struct slice tags;    // the same: jobs with one of them
    struct slice headers; // lines "name: value"
};

struct msg_webhook_set {
    enum webhook_act act;
    struct msg_webhook
        given; // but for SET only its id counts, and of DISABLE its url: only while it is this one
    struct slice secret; // sealed
    uint32_t overlap_s;
    struct slice reason;
    struct id test_id;
    struct slice actor; // who asks, for the log
    // Not on the wire: filled by the broker's intake.
    struct slice tenant; // empty: "default"
    err verdict;         // OK, or why intake refuses it
    struct slice detail; // of a refusal
};

struct msg_webhook_status {
    struct slice webhook_id; // empty: a list
    struct slice after;      // of a list: ids after this one
    uint32_t limit;          // of a list; 0: MSG_HOOKS_MAX
};

// An endpoint as it stands.
struct msg_webhook_line {
    struct msg_webhook given;
    bool disabled;
    struct slice reason;
    uint32_t generation;
    when_ms created_at;
    when_ms rotated_at;
    when_ms before_until; // 0: no secret before signs too
};

// One, or a page of a list by id.
struct msg_webhook_status_is {
    err error;
    struct slice detail;
    const struct msg_webhook_line *webhooks;
    uint32_t count;
    bool is_more;
    bool signs; // the secret that was asked for is the one that signs now
};
