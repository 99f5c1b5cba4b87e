#pragma once

// Shared by the files of libweft; not installed, and hidden in the library.

#include "lib/base/err.h"
#include "lib/base/id.h"
#include "lib/base/slice.h"
#include "worker/sdk/weft/weft.h"

// Fills in `error` (may be NULL) and gives the number. `text` is a sentence; NULL: that of the error.
int weft_private_fail(struct weft_error *error, err number, const char *text);

// A struct of the caller, which may be of an older library: what it lacks is zero. NULL is all zero. False when
// its size was not set, so that nothing of it would be heeded, or when it is of a later library and says something
// that this one does not know.
#define WEFT_PRIVATE_OR_LATER "; what it has beyond this library's fields must be zero"
bool weft_private_read(const void *given, void *out, size_t size);

// Empty for NULL.
struct slice weft_private_slice(const char *text);
// False unless `text` is an id.
bool weft_private_id(const char *text, struct id *out_id);
