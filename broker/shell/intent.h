#pragma once

// Webhooks at the broker's borders: what of a job's webhook the core is told, and what a notifier is
// told to send.

#include "broker/store/store.h"

// What the core decides by of the job's webhook, which has been judged.
void intent_read(struct msg_submit_job *job);

// What the delivery `job` is to send, its body read already: written to `room`, which has
// MSG_INTENT_LEN_MAX bytes, and borrowed from there. `now` is store time.
struct slice intent_of(struct store_view *view, const struct msg_job *job, when_ms now,
                       uint8_t *room);
