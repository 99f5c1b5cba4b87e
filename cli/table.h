#pragma once

// What views of one thing have in common: its names and values in two columns, and its JSON. Prints on the stream given; a
// failed write shows in ferror(). Not thread-safe.

#include "gateway/core/out.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

#include <stdio.h>

// A line; none for an empty text, or a moment that is not set.
void table_text(FILE *out, const char *name, struct slice text);
void table_moment(FILE *out, const char *name, when_ms at);

// Room of `cap` bytes for JSON; false without memory, which the user has been told then.
bool table_begin_json(struct out *json, size_t cap);
// Prints it with a line feed, and gives the room back.
void table_end_json(struct out *json, FILE *out);
