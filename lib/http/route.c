// Paths against the table of routes.

#include "lib/http/route.h"

// Takes the text up to the next slash off the front.
static struct slice next_segment(struct slice *rest)
{
    const uint8_t *slash = rest->len > 0 ? memchr(rest->data, '/', rest->len) : NULL;
    size_t len = slash != NULL ? (size_t)(slash - rest->data) : rest->len;
    struct slice segment = slice_of(rest->data, len);
    size_t taken = slash != NULL ? len + 1 : len;
    if (taken > 0)
        *rest = slice_of(rest->data + taken, rest->len - taken);
    return segment;
}

static bool path_fits(const char *pattern, struct slice path, struct slice *out_segment)
{
    struct slice wanted = slice_of_text(pattern);
    struct slice segment = {0};
    // One pass per segment; both run dry together or the path does not fit.
    while (wanted.len > 0 && path.len > 0) {
        bool wanted_ends = memchr(wanted.data, '/', wanted.len) == NULL;
        bool path_ends = memchr(path.data, '/', path.len) == NULL;
        struct slice a = next_segment(&wanted);
        struct slice b = next_segment(&path);
        if (wanted_ends != path_ends)
            return false;
        if (slice_is_text(a, "*") && b.len > 0)
            segment = b;
        else if (!slice_equal(a, b))
            return false;
        if (wanted_ends) {
            *out_segment = segment;
            return true;
        }
    }
    if (wanted.len != path.len)
        return false;
    *out_segment = segment;
    return true;
}

static bool method_fits(const char *wanted, struct slice method)
{
    return slice_is_text(method, wanted) ||
           (slice_is_text(method, "HEAD") && strcmp(wanted, "GET") == 0);
}

struct route_match route_find(const struct route_table *table, struct slice method,
                              struct slice path)
{
    struct route_match match = {.error = ERR_NOT_FOUND};
    for (uint32_t i = 0; i < table->count; i++) {
        struct slice segment = {0};
        if (!path_fits(table->routes[i].path, path, &segment))
            continue;
        if (method_fits(table->routes[i].method, method))
            return (struct route_match){.error = OK, .route = i, .segment = segment};
        match.error = ERR_METHOD;
    }
    return match;
}

static void append(char *room, size_t room_len, const char *text)
{
    size_t used = strlen(room);
    size_t len = strlen(text);
    if (len < room_len - used)
        memcpy(room + used, text, len + 1);
}

void route_allowed(const struct route_table *table, struct slice path, char *room, size_t room_len)
{
    CHECK(room_len > 0);
    room[0] = '\0';
    for (uint32_t i = 0; i < table->count; i++) {
        struct slice segment = {0};
        if (!path_fits(table->routes[i].path, path, &segment))
            continue;
        append(room, room_len, room[0] != '\0' ? ", " : "");
        append(room, room_len, table->routes[i].method);
        if (strcmp(table->routes[i].method, "GET") == 0)
            append(room, room_len, ", HEAD");
    }
}
