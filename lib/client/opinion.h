#pragma once

// What a worker says of one record of a dry run, kept beyond the message that brought it. Not thread-safe.

#include "lib/peer/trials.h"
#include "proto/msg.h"

#include <stddef.h>

enum { OPINION_BYTES_MAX = 4 * 1024 * 1024 }; // of what is kept of one dry run

struct opinion {
    bool is_alone;    // by itself the record would not be accepted, or is known: nobody was asked
    bool is_left_out; // the worker's words were too many
    enum simulation simulation;
    struct body result;         // in `bytes`
    struct msg_failure failure; // the same
    uint8_t *bytes;             // from malloc(); freed by opinion_deinit()
};

// Keeps what `answer` (NULL: there is none) tells of the one job that was asked about, and adds its bytes to *kept,
// unless that is more than OPINION_BYTES_MAX then. What it means for the next question.
enum trial_word opinion_take(struct opinion *opinion, const struct msg *answer, size_t *kept);

void opinion_deinit(struct opinion *opinion);

// Bytes that were kept.
size_t opinion_len(const struct opinion *opinion);

// As the broker would have told it of the record alone; what was not asked is late. Borrows from `opinion`.
struct msg_forecast opinion_forecast(const struct opinion *opinion, bool is_asked);

// Does anybody offer to say something about the record?
bool opinion_is_offered(const struct opinion *opinion, bool is_asked);
