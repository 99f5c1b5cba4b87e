#pragma once

// QUEUE_STATUS and TYPE_STATUS, answered by the reader thread.

#include "broker/store/store.h"

// What the question carries; made by the link thread, freed by the reader.
struct readers_queues {
    struct slice tenant; // borrowed from what is kept for good
    bool is_type;
    uint32_t limit;
    uint8_t name_len; // 0: a list
    uint8_t after_len;
    uint8_t name[MSG_NAME_LEN_MAX];
    uint8_t after[MSG_NAME_LEN_MAX];
};
// The question has been judged. NULL when there is no memory.
struct readers_queues *readers_queues_new(const struct msg *msg);
void readers_queues_free(struct readers_queues *queues);

// The answer borrows from the view and the arena, which must be empty.
void readers_queues_answer(const struct readers_queues *question, struct store_view *view,
                           struct arena *arena, struct msg *out_msg);
