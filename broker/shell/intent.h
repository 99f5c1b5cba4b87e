#pragma once

// Webhooks at the broker's borders: what of a job's webhook the core is told, and what a notifier is
// told to send.

#include "broker/store/store.h"

// What the core decides by of the job's webhook, which has been judged.
void intent_read(struct msg_submit_job *job);

// What the delivery `job`, its body read already, is to send, and the trace of the job that it tells of.
// The intent is written to `room`, which has MSG_INTENT_LEN_MAX bytes, and borrowed from there, the trace
// from `view`. `now` is store time.
void intent_give(struct store_view *view, when_ms now, uint8_t *room, struct msg_job *job);
