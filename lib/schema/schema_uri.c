// Splits into the five components of RFC 3986 and joins them again.

#include "lib/schema/schema_uri.h"

// Those not given have no data; an empty one has.
struct uri {
    struct slice scheme, authority, path, query, fragment;
};

struct uri_out {
    char *data;
    size_t cap, len;
    bool is_full;
};

static void put(struct uri_out *out, struct slice part)
{
    if (out->is_full || out->cap - out->len <= part.len) {
        out->is_full = true;
        return;
    }
    if (part.len > 0)
        memcpy(out->data + out->len, part.data, part.len);
    out->len += part.len;
    out->data[out->len] = '\0';
}

// The bytes before the first of `ends`, taken off `text`.
static struct slice take_until(struct slice *text, const char *ends)
{
    size_t len = 0;
    while (len < text->len && strchr(ends, text->data[len]) == NULL)
        len++;
    struct slice taken = slice_of(text->data, len);
    *text = slice_of(text->data + len, text->len - len);
    return taken;
}

static bool takes(struct slice *text, char first)
{
    if (text->len == 0 || text->data[0] != (uint8_t)first)
        return false;
    *text = slice_of(text->data + 1, text->len - 1);
    return true;
}

static bool is_alpha(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct uri split(struct slice text)
{
    struct uri uri = {0};
    struct slice left = text;
    struct slice scheme = take_until(&left, ":/?#");
    if (scheme.len > 0 && is_alpha(scheme.data[0]) && takes(&left, ':'))
        uri.scheme = scheme;
    else
        left = text;
    if (left.len >= 2 && left.data[0] == '/' && left.data[1] == '/') {
        left = slice_of(left.data + 2, left.len - 2);
        uri.authority = take_until(&left, "/?#");
    }
    uri.path = take_until(&left, "?#");
    if (takes(&left, '?'))
        uri.query = take_until(&left, "#");
    if (takes(&left, '#'))
        uri.fragment = left;
    return uri;
}

// Drops the last segment of what has been written since `start`, with its slash.
static void drop_segment(struct uri_out *out, size_t start)
{
    while (out->len > start && out->data[out->len - 1] != '/')
        out->len--;
    if (out->len > start)
        out->len--;
    out->data[out->len] = '\0';
}

// Removes "." and ".." from a path, segment by segment.
static void put_path(struct uri_out *out, struct slice path)
{
    size_t start = out->len;
    while (path.len > 0 && !out->is_full) {
        struct slice slash = slice_of(path.data, path.data[0] == '/' ? 1 : 0);
        struct slice left = slice_of(path.data + slash.len, path.len - slash.len);
        struct slice segment = take_until(&left, "/");
        bool is_last = left.len == 0;
        if (slice_is_text(segment, "..")) {
            drop_segment(out, start);
            if (is_last)
                put(out, slash);
        } else if (slice_is_text(segment, ".")) {
            if (is_last)
                put(out, slash);
        } else {
            put(out, slash);
            put(out, segment);
        }
        path = left;
    }
}

// The path of a relative reference, below the base's.
static void put_merged(struct uri_out *out, const struct uri *base, struct slice path)
{
    char joined[1024];
    struct uri_out merged = {.data = joined, .cap = sizeof joined};
    struct slice folder = base->path;
    while (folder.len > 0 && folder.data[folder.len - 1] != '/')
        folder.len--;
    if (base->authority.data != NULL && base->path.len == 0)
        folder = slice_of_text("/");
    put(&merged, folder);
    put(&merged, path);
    out->is_full |= merged.is_full;
    if (!merged.is_full)
        put_path(out, slice_of(joined, merged.len));
}

static void put_path_of(struct uri_out *out, const struct uri *base, const struct uri *wanted)
{
    bool is_whole = wanted->scheme.data != NULL || wanted->authority.data != NULL;
    if (is_whole || (wanted->path.len > 0 && wanted->path.data[0] == '/'))
        put_path(out, wanted->path);
    else if (wanted->path.len > 0)
        put_merged(out, base, wanted->path);
    else
        put(out, base->path);
}

bool schema_uri_resolve(const char *base, const char *reference, char *out, size_t cap,
                        struct slice *out_fragment)
{
    struct uri from = split(slice_of_text(base));
    struct uri wanted = split(slice_of_text(reference));
    struct uri_out to = {.data = out, .cap = cap};
    out[0] = '\0';
    bool has_scheme = wanted.scheme.data != NULL;
    struct slice scheme = has_scheme ? wanted.scheme : from.scheme;
    if (scheme.data != NULL) {
        put(&to, scheme);
        put(&to, slice_of_text(":"));
    }
    bool has_authority = has_scheme || wanted.authority.data != NULL;
    struct slice authority = has_authority ? wanted.authority : from.authority;
    if (authority.data != NULL) {
        put(&to, slice_of_text("//"));
        put(&to, authority);
    }
    put_path_of(&to, &from, &wanted);
    bool keeps_query = !has_authority && wanted.path.len == 0 && wanted.query.data == NULL;
    struct slice query = keeps_query ? from.query : wanted.query;
    if (query.data != NULL) {
        put(&to, slice_of_text("?"));
        put(&to, query);
    }
    *out_fragment = wanted.fragment;
    return !to.is_full;
}

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool schema_uri_decode(char *text, size_t *len)
{
    size_t to = 0;
    for (size_t at = 0; at < *len; at++) {
        if (text[at] != '%') {
            text[to++] = text[at];
            continue;
        }
        if (*len - at < 3 || hex_of(text[at + 1]) < 0 || hex_of(text[at + 2]) < 0)
            return false;
        text[to++] = (char)(hex_of(text[at + 1]) * 16 + hex_of(text[at + 2]));
        at += 2;
    }
    *len = to;
    return true;
}
