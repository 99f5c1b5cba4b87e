#pragma once

// When to tell that the other side is not there: once for each absence, and not for one so short
// that nobody needs to know. Pure. Not thread-safe.

#include "lib/base/when.h"

#include <stdbool.h>

enum { ABSENCE_TELL_MS = 2000 };

// All zero: nobody has looked yet.
struct absence {
    when_ms since; // while is_absent
    bool is_absent;
    bool is_told;
};

// To be asked whenever something may have changed, and at absence_next(). True when it is time to
// tell.
bool absence_is_news(struct absence *absence, when_ms now, bool is_there);
// When absence_is_news() may be true by time alone, or WHEN_NEVER.
when_ms absence_next(const struct absence *absence);
