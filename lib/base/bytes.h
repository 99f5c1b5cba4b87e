#pragma once

// Writing and reading explicit binary formats: fixed widths, big-endian, lengths checked before
// anything is believed. Errors stick, so that a whole record is written or read and then judged
// once. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct bytes_out {
    uint8_t *data; // the caller's room
    size_t cap;
    size_t len;
    bool full; // something did not fit; `len` stopped before it
};

void bytes_put(struct bytes_out *out, const void *data, size_t len);
void bytes_put_u8(struct bytes_out *out, uint8_t value);
void bytes_put_u16(struct bytes_out *out, uint16_t value);
void bytes_put_u32(struct bytes_out *out, uint32_t value);
void bytes_put_u64(struct bytes_out *out, uint64_t value);
// A u32 length, then the bytes.
void bytes_put_slice(struct bytes_out *out, struct slice value);
// For people: characters without length or end mark.
void bytes_put_text(struct bytes_out *out, const char *text);
void bytes_put_decimal(struct bytes_out *out, uint64_t number);

struct bytes_in {
    struct slice left; // what has not been read
    bool bad;          // something was missing; everything read since is zero or empty
};

// A borrowed view of the next `len` bytes.
struct slice bytes_get(struct bytes_in *in, size_t len);
uint8_t bytes_get_u8(struct bytes_in *in);
uint16_t bytes_get_u16(struct bytes_in *in);
uint32_t bytes_get_u32(struct bytes_in *in);
uint64_t bytes_get_u64(struct bytes_in *in);
struct slice bytes_get_slice(struct bytes_in *in);
// True when everything was there and nothing is left over.
bool bytes_is_whole(const struct bytes_in *in);
