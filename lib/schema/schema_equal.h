#pragma once

// Equality as JSON Schema means it: 1 and 1.0 are equal, the order of members is of no interest.

#include "lib/schema/schema_private.h"

// False also when the budget has run out: then nothing is left of it.
bool schema_equal(json_t *a, json_t *b, struct budget *budget);

// 1: two items of the array are equal, and `out_pair` says which; 0: none are; -1: the budget has
// run out, or memory.
int schema_equal_pair(json_t *array, struct budget *budget, size_t out_pair[2]);
