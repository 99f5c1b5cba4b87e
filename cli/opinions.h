#pragma once

// `weft push --bulk --dry-run --simulate`: the lines that would be accepted, and what workers say of each.

#include "cli/ask.h"
#include "lib/client/opinion.h"

#include <stdio.h>

struct opinions {
    struct msg_submit_job *jobs; // copies; what they borrow is the caller's
    uint32_t *lines;             // by job
    uint8_t *states;             // by job: enum trial_state
    struct opinion *items;       // by job
    uint32_t count;
    uint32_t cap; // 0: workers are not asked
};

// ERR_NO_MEMORY   opinions_deinit() is still to be called
MUST_USE err opinions_init(struct opinions *opinions, uint32_t cap);
void opinions_deinit(struct opinions *opinions);

// Nothing happens when workers are not asked.
void opinions_add(struct opinions *opinions, const struct msg_submit_job *job, uint32_t line);
void opinions_ask(struct opinions *opinions, struct ask *ask, uint32_t for_ms);

// Does somebody offer to say something about it?
bool opinions_is_offered(const struct opinions *opinions, uint32_t place);

// How many would succeed, fail, or are without a word, as the rest of a line.
void opinions_tell_counts(const struct opinions *opinions, FILE *out);
// Each line that would fail, as a complaint.
void opinions_complain(const struct opinions *opinions, const char *program);
