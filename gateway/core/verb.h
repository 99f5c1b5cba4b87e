#pragma once

// The last segment of a path that says what is done with something: "{name}:verb". Pure.

#include "lib/base/slice.h"

#include <stdint.h>

struct verb {
    const char *name; // NULL ends a table of them
    uint32_t kind;    // an enum's value, not 0
};

// Splits at the first colon: what stands before it is `out_name`, and the kind of the verb behind it is
// returned; 0: it is none of `verbs`. Without a colon `out_name` has no data.
uint32_t verb_split(struct slice segment, const struct verb *verbs, struct slice *out_name);
