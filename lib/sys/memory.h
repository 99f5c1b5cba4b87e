#pragma once

// Memory that is not needed for a while, or perhaps never. Any thread.

#include <stddef.h>

// Gives the whole pages within `size` bytes from `memory` back to the system: they read as zeros and
// cost nothing until they are written again. For large pieces from calloc() or mmap(); what they
// held is lost.
void memory_give_back(void *memory, size_t size);

// Room for `size` bytes, aligned to 16 and zero, of which only what is written costs anything: for the largest message
// that may come, and seldom does. Past its end, give or take those 16, is no memory. From malloc() it would cost a
// sanitized build as much as its size. NULL when there is none.
void *memory_reserve(size_t size);
// What memory_reserve() gave for that `size`; NULL is allowed.
void memory_release(void *memory, size_t size);

// What free() has kept for the next malloc() goes back, too. Takes about a millisecond.
void memory_trim(void);
