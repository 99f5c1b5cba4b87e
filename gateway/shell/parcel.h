#pragma once

// Messages under way to the broker, each with the questions it carries. The courier's thread owns
// them all.

#include "gateway/shell/ask.h"
#include "lib/base/arena.h"

struct parcel {
    struct parcel *previous;
    struct parcel *next;
    struct ask_line asks;
    enum ask_kind kind;
    uint32_t job_count;
    bool was_sent;
    uint64_t corr;
    size_t envelope_len;
    size_t block_len;
    uint8_t *bytes; // envelope, block: the same at every repetition
};

// All zero: none.
struct parcels {
    struct parcel *first;
    uint32_t submit_count; // of kind ASK_SUBMIT
};

// NULL: there is not enough memory.
struct parcel *parcel_new(struct parcels *parcels, enum ask_kind kind);
// Frees it. Its questions are not touched.
void parcel_remove(struct parcels *parcels, struct parcel *parcel);

// Fixes its bytes; `arena` is for coding.
//   ERR_NO_MEMORY, and what wire_encode() says
MUST_USE err parcel_fill(struct parcel *parcel, const struct msg *msg, struct arena *arena);
