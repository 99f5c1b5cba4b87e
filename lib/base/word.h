#pragma once

// ASCII words as header names and media types are compared: without regard to case, blanks
// around them cut off (RFC 9110). Pure.

#include "lib/base/slice.h"

// A to Z become a to z; every other byte stays.
uint8_t word_lower(uint8_t byte);
// `wanted` is given in lower case.
bool word_is(struct slice text, const char *wanted);
// Without blanks and tabs on either side.
struct slice word_trim(struct slice text);
