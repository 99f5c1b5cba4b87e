#pragma once

// Moments as text: RFC 3339, written in UTC with milliseconds, read with any offset. The years
// 1970 to 9999, the Gregorian calendar, no leap seconds. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

// 9999-12-31T23:59:59.999Z
#define MOMENT_MAX ((when_ms)253402300799999)

enum { MOMENT_TEXT_LEN = 24 };

// "2026-12-01T08:00:00.000Z", zero-terminated. `at` is from 0 to MOMENT_MAX.
void moment_format(when_ms at, char out[MOMENT_TEXT_LEN + 1]);

// "2026-12-01T08:00:00Z", with a fraction of 1 to 9 digits (cut to milliseconds) and "+01:00" or
// "-01:00" in the place of Z if wanted. T and Z in capitals.
//   ERR_BAD_FIELD   anything else: no such day, a 60th second, before 1970
MUST_USE err moment_parse(struct slice text, when_ms *out_at);
