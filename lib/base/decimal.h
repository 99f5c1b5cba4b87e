#pragma once

// Numbers as people read them. Pure.

#include <stddef.h>
#include <stdint.h>

enum { DECIMAL_LEN_MAX = 20 }; // of 64 bits

// The shortest spelling, without an end mark; its length, at least 1. `out_text` has room for DECIMAL_LEN_MAX.
size_t decimal_put(uint64_t number, void *out_text);
