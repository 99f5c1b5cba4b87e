#pragma once

// Webhooks at the broker's borders: which of them are taken, and what a notifier is told to send.

#include "broker/store/store.h"

// OK, or ERR_WEBHOOK with a sentence.
MUST_USE err intent_judge(struct slice webhook, const char **out_detail);
// The ends that it wants told, bits 1 << enum job_state; 0: there is none.
uint32_t intent_events(struct slice webhook);

// What the delivery `job` is to send, its body read already: written to `room`, which has
// MSG_INTENT_LEN_MAX bytes, and borrowed from there.
struct slice intent_of(struct store_view *view, const struct msg_job *job, uint8_t *room);
