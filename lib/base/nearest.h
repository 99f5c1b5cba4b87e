#pragma once

// The known name that somebody probably meant. Pure.

#include "lib/base/bytes.h"
#include "lib/base/slice.h"

#include <stdint.h>

// The nearest of `names` by edit distance; NULL when none is near enough (at most two edits, and
// less than half of the name).
const char *nearest_of(struct slice name, const char *const *names, uint32_t count);

// The rest of a sentence about a `name` that is none of `names`: "; did you mean status?", or which there are.
void nearest_tell(struct bytes_out *out, struct slice name, const char *const *names,
                  uint32_t count);
