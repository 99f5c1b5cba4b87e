#pragma once

// A strict reader of JSON (RFC 8259) that keeps no tree: it judges a text and hands out the
// members of an object as the bytes they were written in. Refused, besides what the grammar
// refuses: bytes that are not UTF-8, lone surrogates, nesting deeper than JSONTEXT_DEPTH_MAX.
// Pure.

#include "lib/base/bytes.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

enum { JSONTEXT_DEPTH_MAX = 64 };

// Without the blanks around it.
struct slice jsontext_trim(struct slice text);

// One value and nothing else but blanks around it.
bool jsontext_is_valid(struct slice text);

struct jsontext_member {
    struct slice name;  // between the quotes, as written
    struct slice value; // as written; a string with its quotes
};

// The members of the object that `text` is, in their order; borrowed from it.
//   ERR_MALFORMED   not valid, or no object
//   ERR_FULL        more than `cap`
MUST_USE err jsontext_members(struct slice text, struct jsontext_member *members, uint32_t cap,
                              uint32_t *out_count);

// The value of the member with this name, however the name is spelled there; the first one of several. The object
// may have any number of members.
//   ERR_MALFORMED   `text` is not valid, or no object
//   ERR_NOT_FOUND   it has no such member
MUST_USE err jsontext_find(struct slice text, struct slice name, struct slice *out_value);

// The meaning of a string value that came from jsontext_members(), cut after a whole character
// when it is longer than `cap`.
//   ERR_BAD_FIELD   no string
MUST_USE err jsontext_string(struct slice value, uint8_t *room, size_t cap, struct slice *out_text);

// Writes `text`, JSON in UTF-8, with each character that is not ASCII as \uXXXX (two of them beyond
// U+FFFF): at most three bytes for one of it. Such a text may stand in a header.
void jsontext_ascii(struct slice text, struct bytes_out *out);
