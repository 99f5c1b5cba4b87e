#pragma once

// Writes one value, JSON or MessagePack, into the caller's room, correctly escaped and counted.
// Errors stick: when something did not fit, `full` is set and the rest is dropped. Pure.

#include "lib/base/slice.h"

enum out_format { OUT_JSON, OUT_MSGPACK };

enum { OUT_DEPTH_MAX = 66 };

struct out_level {
    bool is_object;
    uint32_t count;  // values (of an object: members)
    size_t count_at; // MessagePack: where the number of members is put at the end
};

struct out {
    uint8_t *data; // the caller's room
    size_t cap;
    size_t len;
    bool full;
    enum out_format format;
    struct out_level levels[OUT_DEPTH_MAX];
    uint32_t depth;
    bool has_name; // the next value belongs to the name just written
};

void out_open_object(struct out *out);
void out_open_array(struct out *out);
// Ends the innermost container.
void out_close(struct out *out);
// Inside an object, before each value.
void out_name(struct out *out, struct slice name);

// Text; bytes that are not UTF-8 become question marks.
void out_text(struct out *out, struct slice text);
void out_unsigned(struct out *out, uint64_t value);
void out_signed(struct out *out, int64_t value);
void out_bool(struct out *out, bool value);
void out_null(struct out *out);
// JSON: base64 in a string.
void out_bytes(struct out *out, struct slice bytes);
// A value that is in the format already and has been judged.
void out_raw(struct out *out, struct slice value);

// A name and its value.
void out_put_text(struct out *out, const char *name, struct slice text);
void out_put_unsigned(struct out *out, const char *name, uint64_t value);
void out_put_bool(struct out *out, const char *name, bool value);
// As a text: for what may have more digits than a double holds, and is nobody's to reckon with.
void out_put_digits(struct out *out, const char *name, uint64_t value);

struct slice out_slice(const struct out *out);
