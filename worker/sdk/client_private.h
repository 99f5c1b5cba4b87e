#pragma once

// Shared by client.c and submit.c.

#include "lib/client/client.h"
#include "worker/sdk/sdk_private.h"
#include "worker/sdk/weft/client.h"

#include <sys/types.h>

struct weft_client {
    struct client *client;
    pid_t process; // that opened it: no other one may touch its socket
    char *tenant;
    uint32_t timeout_ms;
    uint32_t simulate_ms;
    // The texts of the last answer, each with a zero behind it.
    char *texts;
    size_t text_len;
    size_t text_cap;
    struct weft_status status;
    struct weft_batch batch;
    struct weft_events events;
    struct weft_event *event_items;
    const struct weft_event **event_places; // to each of them
    struct weft_verdict *verdicts;
    size_t verdict_count;
    struct opinion *opinions; // by verdict, of a dry run; the verdicts lend their results
};

// The verdicts, and what they lend.
void weft_private_drop_verdicts(struct weft_client *client);

// Asks, and puts a refusal into words.
int weft_private_ask(struct weft_client *client, struct msg *question, uint32_t wait_ms,
                     const struct msg **out_answer, struct weft_error *error);
