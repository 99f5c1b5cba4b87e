#pragma once

// The known name that somebody probably meant. Pure.

#include "lib/base/slice.h"

// The nearest of `names` by edit distance; NULL when none is near enough (at most two edits, and
// less than half of the name).
const char *nearest_of(struct slice name, const char *const *names, uint32_t count);
