#pragma once

// Borrowed bytes. Who owns them, and until when, is said at each hand-over. Pure.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data; // may be NULL when len is 0
    size_t len;          // bytes
};

static inline struct slice slice_of(const void *data, size_t len)
{
    return (struct slice){.data = data, .len = len};
}

// Without the terminating zero. `text` must not be NULL.
static inline struct slice slice_of_text(const char *text)
{
    return slice_of(text, strlen(text));
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_is_text(struct slice a, const char *text)
{
    return slice_equal(a, slice_of_text(text));
}

// Copies at most `cap - 1` bytes and ends them with a zero; returns false when it had to cut.
static inline bool slice_to_text(struct slice a, char *out, size_t cap)
{
    size_t len = a.len < cap - 1 ? a.len : cap - 1;
    if (len > 0)
        memcpy(out, a.data, len);
    out[len] = '\0';
    return len == a.len;
}
