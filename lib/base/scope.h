#pragma once

// What whoever asks may do, at both doors: the scopes of a token and of a key. Pure.

#include "lib/base/slice.h"

enum scope {
    SCOPE_SUBMIT = 1u << 0,
    SCOPE_READ = 1u << 1,
    SCOPE_WORK = 1u << 2,
    SCOPE_ADMIN = 1u << 3,
};
enum { SCOPE_COUNT = 4, SCOPE_ALL = (1u << SCOPE_COUNT) - 1 };

enum { SCOPE_TEXT_LEN = 32 }; // all of them, with the zero

// "submit,read": false when a word is no scope, stands there twice, or there is none.
bool scope_read(struct slice text, uint32_t *out_scopes);
void scope_put(uint32_t scopes, char out[SCOPE_TEXT_LEN]);
// Of one bit. Static.
const char *scope_name(uint32_t scope);
