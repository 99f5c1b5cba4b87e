#pragma once

// Durations ("250ms", "30s", "5m", "24h", "7d") and moments (RFC 3339) as clients write and read
// them. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

enum { MOMENT_TEXT_LEN = 24 };

// Whole numbers with one unit. At most 100 years.
//   ERR_BAD_FIELD   anything else
MUST_USE err moment_span(struct slice text, when_ms *out_span);

// "2026-12-01T08:00:00Z", with a fraction and any offset; the years 1970 to 9999. What is finer
// than a millisecond is cut off.
//   ERR_BAD_FIELD   anything else
MUST_USE err moment_read(struct slice text, when_ms *out_at);

// "2026-12-01T08:00:00.000Z", zero-terminated. `at` is not negative and before the year 10000.
void moment_write(when_ms at, char out[MOMENT_TEXT_LEN + 1]);
