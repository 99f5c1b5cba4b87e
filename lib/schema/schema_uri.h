#pragma once

// References between URIs, as RFC 3986 resolves them (5.2). Nothing is fetched or normalised. Pure.

#include "lib/base/slice.h"

// Resolves `reference` against `base` (which may be empty: then a relative one stays as it is) and
// writes the result without its fragment, zero-terminated. `out_fragment` lies in `reference`,
// without '#', still percent-encoded; its data is NULL when there is none.
// False when the result does not fit into `cap`.
bool schema_uri_resolve(const char *base, const char *reference, char *out, size_t cap,
                        struct slice *out_fragment);

// Replaces %XX in place, and returns the new length; false for a '%' without two hex digits.
bool schema_uri_decode(char *text, size_t *len);
