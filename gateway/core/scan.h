#pragma once

// A strict reader of JSON (RFC 8259) that keeps no tree: it judges a text in one pass and hands
// out the members of an object, or the elements of an array, as the bytes they were sent in.
// Every path of the gateway uses it, so a text is judged the same everywhere. Refused, besides
// what the grammar refuses: bytes that are not UTF-8, lone surrogates, names that occur twice in
// one object (compared after decoding), nesting deeper than SCAN_DEPTH_MAX. Pure.

#include "gateway/core/names.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

enum {
    SCAN_DEPTH_MAX = 64,
    SCAN_TEXT_LEN_MAX = 1 << 30,
};

enum scan_kind {
    SCAN_NULL,
    SCAN_FALSE,
    SCAN_TRUE,
    SCAN_NUMBER,
    SCAN_STRING,
    SCAN_ARRAY,
    SCAN_OBJECT,
};

struct scan_value {
    enum scan_kind kind;
    struct slice raw; // as sent; a string with its quotes
};

struct scan_member {
    struct slice name; // between the quotes, as sent
    struct scan_value value;
};

struct scan {
    struct slice text;
    size_t at; // the next byte
    struct names_key
        *keys; // the caller's room: one place for each name of the objects open at once
    uint32_t key_cap;
    // After an error: what is wrong at text[at]. Static.
    const char *fault;
};

// Reads one value at `at`, blanks before it included; `at` is behind it afterwards.
//   ERR_MALFORMED   not JSON as described above
//   ERR_TOO_LARGE   too deep, or more names at once than key_cap
// After an error `at` stands where it was noticed and `fault` says what.
MUST_USE err scan_value(struct scan *scan, struct scan_value *out_value);

// The same for an object, whose members are given in their order.
//   ERR_BAD_FIELD   a value, but no object
//   ERR_FULL        more members than `cap`
MUST_USE err scan_members(struct scan *scan, struct scan_member *members, uint32_t cap,
                          uint32_t *out_count);

// Skips blanks; true when nothing else is left.
bool scan_is_end(struct scan *scan);

// Reads the elements of the array at `at` one by one: first with *at_start true. `out_more` is
// false at the end of the array, which is then behind `at`.
MUST_USE err scan_element(struct scan *scan, bool *at_start, bool *out_more,
                          struct scan_value *out_value);

// The meaning of a name or of what is between a string's quotes, both judged already.
//   ERR_TOO_LARGE   longer than `cap`
MUST_USE err scan_decode(struct slice raw, uint8_t *room, size_t cap, struct slice *out_text);

// The text between the quotes of a string value.
struct slice scan_inside(const struct scan_value *string);
