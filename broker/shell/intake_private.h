#pragma once

// Only for broker/shell/intake*.c: a message on its way in.

#include "broker/shell/broker.h"

enum taken {
    TAKEN_KEPT, // the message belongs to the batch now
    TAKEN_DONE, // nothing borrows from it any more
    TAKEN_HELD, // the batch has no room; try again with the next one
};

struct arrival {
    struct link_message *frames;
    struct msg msg;
    uint32_t peer;
    uint32_t retry_after_ms; // told with a refusal; 0: nothing is known
};

// Answers with an ERROR. `detail` may be NULL.
enum taken intake_refuse(struct broker *broker, const struct arrival *arrival, err error,
                         const char *detail);

// --- intake_watch.c ---

enum taken intake_watch(struct broker *broker, const struct arrival *arrival);

// --- intake_ask.c ---

// What the readers answer: STATUS, LIST and all else that changes nothing.
enum taken intake_ask(struct broker *broker, const struct arrival *arrival);
// A page of jobs, or only how many fit.
enum taken intake_ask_for(struct broker *broker, const struct arrival *arrival,
                          enum watch_kind kind, const struct msg_list *list);
