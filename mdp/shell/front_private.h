#pragma once

// What the files of the front share. Included by mdp/shell/front.c and request.c only.

#include "mdp/core/bodies.h"
#include "mdp/shell/asker.h"
#include "mdp/shell/front.h"
#include "mdp/shell/hands.h"

struct parts_door;

// What a client waits for.
//
//   plain    ─▶ SUBMITS ─▶ RUNS ─▶ answered
//   titanic  ─▶ STORES ─▶ answered     ─▶ FETCHES ─▶ answered
//            ─▶ DELETES ─▶ CANCELS ─▶ DELETES_AGAIN ─▶ answered
enum request_step {
    REQUEST_FREE,
    REQUEST_SUBMITS,
    REQUEST_RUNS,
    REQUEST_STORES,
    REQUEST_FETCHES,
    REQUEST_DELETES,
    REQUEST_CANCELS,
    REQUEST_DELETES_AGAIN,
};

struct request {
    enum request_step step;
    uint32_t generation; // of its place: an answer to an earlier one is known by it
    struct mdp_style style;
    uint8_t route[HANDS_ROUTE_LEN_MAX];
    size_t route_len;
    char service[MDP_SERVICE_LEN_MAX + 1]; // as the client named it
    struct id job_id;
    uint32_t version;
};

// Its client waits for what a worker says of its job, and not for a word of Titanic.
static inline bool request_is_plain(const struct request *request)
{
    return request->step == REQUEST_SUBMITS || request->step == REQUEST_RUNS;
}

struct front {
    const struct front_options *options;
    struct parts_door *door;
    struct asker *asker;
    struct hands *hands;
    struct request requests[FRONT_REQUESTS_MAX];
    int signals;
    bool is_stopping;
    when_ms now;
};

// --- front.c ---

void front_answer(struct front *front, const struct request *request, const struct slice *body,
                  uint32_t count);

// --- request.c ---

// A client asks.
void request_take(struct front *front, struct slice route, const struct mdp_message *message);
// An asker_answer; `ctx` is the front.
void request_answered(void *ctx, uint64_t user, const struct msg *answer);
