#pragma once

// Looks through MessagePack before anything is unpacked: five bytes can claim eight gigabytes, so
// every length is compared with the bytes that are really there, and depth and elements are
// capped. Pure.

#include "gateway/core/names.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
    PACKED_DEPTH_MAX = 32,      // msgpack-c's own
    PACKED_ITEMS_MAX = 1 << 20, // values in one text
};

enum packed_kind {
    PACKED_NULL,
    PACKED_BOOL,
    PACKED_INTEGER,
    PACKED_FLOAT,
    PACKED_TEXT,
    PACKED_BINARY,
    PACKED_ARRAY,
    PACKED_OBJECT,
    PACKED_EXTENSION,
};

// The head of one value.
struct packed_head {
    enum packed_kind kind;
    size_t head_len; // bytes before the content
    uint32_t count;  // bytes of text, binary, extension (with its type); elements of an array;
                     // members of an object
    uint64_t number; // the bits of an integer, bool or float (always as 64 bits)
    bool is_negative;
};

//   ERR_MALFORMED   no value begins here, or its content is longer than `bytes`
MUST_USE err packed_head(struct slice bytes, struct packed_head *out_head);

// Judges the value that `bytes` begin with, to its last byte: text is UTF-8, objects have text as
// names.
//   ERR_MALFORMED   it is not, or not whole
//   ERR_TOO_LARGE   too deep, or too many values
MUST_USE err packed_value(struct slice bytes, size_t *out_len);

// Looks through a value that packed_value() has judged, to its last byte, once more. `keys` is room for the
// names of the objects open at once.
//   ERR_MALFORMED   a name occurs twice in one object
//   ERR_TOO_LARGE   more names at once than `cap`
MUST_USE err packed_names(struct slice bytes, struct names_key *keys, uint32_t cap);
