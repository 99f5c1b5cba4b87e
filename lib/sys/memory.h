#pragma once

// Memory that is not needed for a while. Any thread.

#include <stddef.h>

// Gives the whole pages within `size` bytes from `memory` back to the system: they read as zeros and
// cost nothing until they are written again. For large pieces from calloc() or mmap(); what they
// held is lost.
void memory_give_back(void *memory, size_t size);

// What free() has kept for the next malloc() goes back, too. Takes about a millisecond.
void memory_trim(void);
