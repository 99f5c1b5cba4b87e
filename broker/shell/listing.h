#pragma once

// The filter of a LIST on its way to the reader thread, which outlives the message it came in.

#include "proto/msg.h"

struct listing {
    struct msg_list list; // its names point into `names`
    uint8_t names[3][MSG_NAME_LEN_MAX];
};

// Copies. NULL when there is no memory.
struct listing *listing_new(const struct msg_list *list);
// NULL is allowed.
void listing_free(struct listing *listing);
