#pragma once

// Spans of time as people write them: "250ms", "30s", "5m", "2h", "1d". Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

#define SPAN_MAX_MS ((when_ms)365 * 24 * 3600 * 1000)

// Digits and one unit, nothing else, at most SPAN_MAX_MS.
//   ERR_MALFORMED   anything else
MUST_USE err span_parse(struct slice text, when_ms *out_ms);

// Digits only, as they fit into 64 bits.
//   ERR_MALFORMED   anything else
MUST_USE err span_number(struct slice text, uint64_t *out_number);
