#pragma once

// Results and payloads as they may stand in an answer. Any thread.

#include "gateway/core/answer.h"

// Bytes that a value of `len` bytes may need when it is converted: escapes to six bytes, binary to
// base64.
size_t values_room(size_t len);

// The value as it may stand in an answer of this format; `room` holds what had to be converted.
struct answer_result values_answer(enum out_format format, const struct body *body,
                                   struct out *room);
