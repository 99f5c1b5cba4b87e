#pragma once

// Values from one format to the other, for results that are stored in one and asked for in the
// other. The msgpack-c seam. Any thread.

#include "gateway/core/out.h"

#include "lib/base/err.h"

// Judges `text` and writes it as MessagePack. Numbers that are no 64-bit integers become floats.
//   ERR_MALFORMED   not JSON
//   ERR_NO_MEMORY   no room to judge it
// After an error what was written is to be dropped.
MUST_USE err convert_json(struct slice text, struct out *out);

// Judges `bytes` and writes it as JSON. Binary becomes base64, what JSON has no form for (not a
// number, infinity) null.
//   ERR_MALFORMED   not MessagePack, or an extension, which has no form in JSON
//   ERR_TOO_LARGE   too deep or too many values
//   ERR_NO_MEMORY
MUST_USE err convert_msgpack(struct slice bytes, struct out *out);

// True when `text` is one JSON value that may stand in an answer.
bool convert_is_json(struct slice text);
