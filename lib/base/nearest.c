// Edit distance: letters that are missing, too many, wrong, or two that have changed places.

#include "lib/base/nearest.h"

enum { NAME_LEN_MAX = 32, NEAR = 2 };

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool are_swapped(struct slice a, struct slice b, size_t i, size_t j)
{
    return i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1];
}

static size_t distance(struct slice a, struct slice b)
{
    size_t rows[3][NAME_LEN_MAX + 1]; // of i, i - 1 and i - 2, in turn
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            row[j] = above[j - 1] + (a.data[i - 1] != b.data[j - 1]);
            row[j] = least_of(row[j], least_of(above[j], row[j - 1]) + 1);
            if (are_swapped(a, b, i, j))
                row[j] = least_of(row[j], rows[(i + 1) % 3][j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

const char *nearest_of(struct slice name, const char *const *names, uint32_t count)
{
    const char *found = NULL;
    size_t least = NEAR + 1;
    if (name.len > NAME_LEN_MAX)
        return NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct slice known = slice_of_text(names[i]);
        if (known.len > NAME_LEN_MAX)
            continue;
        size_t d = distance(name, known);
        if (d < least && 2 * d < known.len) {
            least = d;
            found = names[i];
        }
    }
    return found;
}

static void put_text(struct bytes_out *out, const char *text)
{
    bytes_put(out, text, strlen(text));
}

void nearest_tell(struct bytes_out *out, struct slice name, const char *const *names,
                  uint32_t count)
{
    const char *near = nearest_of(name, names, count);
    if (near != NULL) {
        put_text(out, "; did you mean ");
        put_text(out, near);
        put_text(out, "?");
        return;
    }
    put_text(out, count > 0 ? "; known: " : "; there are none");
    for (uint32_t i = 0; i < count; i++) {
        put_text(out, i > 0 ? ", " : "");
        put_text(out, names[i]);
    }
}
