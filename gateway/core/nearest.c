// Edit distance (Levenshtein) with one row.

#include "gateway/core/nearest.h"

enum { NAME_LEN_MAX = 32, NEAR = 2 };

static size_t distance(struct slice a, struct slice b)
{
    size_t row[NAME_LEN_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = diagonal + (a.data[i - 1] != b.data[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len];
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
