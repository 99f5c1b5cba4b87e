#pragma once

// What the broker's core writes and says, as text for people: the lines of stories and of the
// simulator's transcripts. A new kind of write or answer gets its words here, once. Not
// thread-safe.

#include "broker/core/effects.h"

struct tell {
    char *text; // ends with '\0'
    size_t len;
    size_t cap;    // passing it is a bug of the caller
    when_ms epoch; // store time of the moment 0
    void *ctx;
    unsigned (*number_of)(void *ctx, const struct id *id); // jobs and batches are numbers
    void (*peer)(struct tell *tell, uint32_t peer);        // tells who that is
};

__attribute__((format(printf, 2, 3))) void tell_text(struct tell *tell, const char *form, ...);

// Each without time and newline.
void tell_write(struct tell *tell, const struct write *write);
void tell_msg(struct tell *tell, const struct msg *msg);
void tell_send(struct tell *tell, const struct send *send);
void tell_grant(struct tell *tell, const struct grant_send *grant);
