#pragma once

// UTF-8 (RFC 3629): what the contract's `string` fields carry. Handlers write what they like to
// stderr, and a protobuf library of another language refuses a whole message for one wrong byte,
// so what we pass on is repaired first. Pure.

#include "lib/base/slice.h"

// Length of the longest beginning that is valid: text.len when all of it is.
size_t utf8_valid_len(struct slice text);

// Puts '?' in the place of every byte that belongs to no valid sequence. The length stays.
void utf8_repair(uint8_t *data, size_t len);
