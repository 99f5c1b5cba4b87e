#pragma once

// Fields of a small protobuf message that stays one piece of bytes, read and written by hand:
// numbers and bytes, nothing else. Strict: a number has no needless groups. Pure.

#include "lib/base/bytes.h"

struct field {
    uint32_t number;
    bool is_bytes;
    uint64_t value;     // of a number
    struct slice bytes; // borrowed
};

// The next one; what is not one makes `in` bad, and the field zero.
struct field field_get(struct bytes_in *in);

void field_put_bytes(struct bytes_out *out, uint32_t number, struct slice bytes);
// As proto3 does it: a zero is left out.
void field_put_number(struct bytes_out *out, uint32_t number, uint64_t value);
void field_put_text(struct bytes_out *out, uint32_t number, struct slice text);
// Bytes that the number, the length and the bytes take.
size_t field_len(uint32_t number, size_t len);
// The number and the length alone.
void field_put_head(struct bytes_out *out, uint32_t number, size_t len);
