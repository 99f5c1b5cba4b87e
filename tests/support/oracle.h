#pragma once

// jansson's opinion on a JSON text, where it and our reader must agree. They may differ about what
// is a limit and not grammar: depth, the number of names, the range of numbers, zeros in names.

#include "lib/base/err.h"
#include "lib/base/slice.h"

#include <jansson.h>

static inline bool oracle_agrees(struct slice text, err ours)
{
    json_error_t error;
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *tree = json_loadb((const char *)text.data, text.len, flags, &error);
    bool is_good = tree != NULL;
    json_decref(tree);
    if (ours == ERR_TOO_LARGE)
        return true;
    // It passes over zeros between values.
    if (is_good)
        return ours == OK || memchr(text.data, 0, text.len) != NULL;
    enum json_error_code code = json_error_code(&error);
    bool is_limit = code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
                    code == json_error_stack_overflow;
    return is_limit || ours == ERR_MALFORMED;
}
