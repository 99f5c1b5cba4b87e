#pragma once

// Durations as people write them: a whole number and one unit, "250ms", "30s", "5m", "24h", "7d".
// Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

// The longest that is accepted: 36,600 days, a hundred years.
#define DURATION_MAX_MS ((when_ms)36600 * 24 * 3600 * 1000)

enum { DURATION_TEXT_LEN = 24 };

// Strict: digits and a unit, no sign, no space, no fraction, no leading zero but in "0s".
//   ERR_BAD_FIELD   anything else, or longer than DURATION_MAX_MS
MUST_USE err duration_parse(struct slice text, when_ms *out_span);

// The shortest text that parses to the same span ("90s", "1h"), zero-terminated. `span` is from 0
// to DURATION_MAX_MS.
void duration_format(when_ms span, char out[DURATION_TEXT_LEN + 1]);
