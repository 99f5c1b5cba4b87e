#pragma once

// Both ends of a list that grows: of items 1, 2, … count the first ones and the last ones are
// kept, so that a list without bound takes room within one. Pure.

#include <stdint.h>

struct ends {
    uint32_t first; // how many from the beginning
    uint32_t last;  // how many from the end
};

// The item that goes when `item` comes; 0: none.
uint32_t ends_dropped(const struct ends *ends, uint32_t item);
// The kept item after `item` (0: the first one) in a list of `count`; 0: there is none.
uint32_t ends_next(const struct ends *ends, uint32_t item, uint32_t count);
