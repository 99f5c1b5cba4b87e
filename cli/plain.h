#pragma once

// Text that somebody else wrote, for a terminal: a control character in it would be obeyed, as if the command had meant it
// (ECMA-48: C0, DEL and C1). Each shows as '?', and so does each byte that is not UTF-8; tabs stay. Not thread-safe.

#include "lib/base/slice.h"

#include <stdio.h>

// A failed write shows in ferror().
void plain_put(FILE *out, struct slice text);

// The same, ended by NUL, cut between two characters if it is too long. `cap` is at least 1. A column of it
// ("%-16s") never has more bytes.
void plain_copy(struct slice text, char *out, size_t cap);
