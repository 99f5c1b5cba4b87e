#pragma once

// Questions that are no submissions, as messages, and their answers. A new kind is a line in each
// table.

#include "gateway/shell/ask.h"

// The message of an ask of any kind but ASK_SUBMIT; its `corr` is not set.
struct msg question_of(const struct ask *ask);

// What `msg` answers to a question of this kind; an error when it is no answer to it.
struct ask_result question_answer(enum ask_kind kind, const struct msg *msg);
