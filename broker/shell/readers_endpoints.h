#pragma once

// WEBHOOK_STATUS, answered by the reader thread.

#include "broker/store/store.h"

// What the question carries; made by the link thread, freed by the reader.
struct readers_endpoints {
    struct slice tenant; // borrowed from what is kept for good
    bool is_list;
    uint32_t limit;
    uint8_t name_len; // of the one, or of that behind which a list begins
    uint8_t name[MSG_NAME_LEN_MAX];
};
// The question has been judged. NULL when there is no memory.
struct readers_endpoints *readers_endpoints_new(const struct msg *msg);
void readers_endpoints_free(struct readers_endpoints *endpoints);

// The answer borrows from the view and the arena, which must be empty.
void readers_endpoints_answer(const struct readers_endpoints *question, struct store_view *view,
                              struct arena *arena, when_ms now, struct msg *out_msg);
