#pragma once

// Patterns of ECMA-262 (with the u flag) put in the words of PCRE2. Pure.

#include "lib/base/slice.h"

enum { SCHEMA_ECMA_GROWTH = 96 }; // bytes that one byte of a pattern can become

struct ecma {
    struct slice left; // of the pattern
    char *out;
    size_t len, cap;
    bool is_in_class;
    const char *why; // what was wrong, or NULL
};

// Writes the translation, without a terminator. Returns NULL, or what is wrong with the pattern.
// `cap` is at least SCHEMA_ECMA_GROWTH times the pattern's length.
const char *schema_ecma_translate(struct slice pattern, char *out, size_t cap, size_t *out_len);
