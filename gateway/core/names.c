#include "gateway/core/names.h"

// First by hash, which is quicker.
int names_compare(const struct names *names, struct names_key a, struct names_key b)
{
    if (a.hash != b.hash)
        return a.hash < b.hash ? -1 : 1;
    return names->compare(names->ctx, a, b);
}

static void sift_down(const struct names *names, struct names_key *keys, uint32_t from,
                      uint32_t count)
{
    for (uint32_t child = 2 * from + 1; child < count; child = 2 * from + 1) {
        if (child + 1 < count && names_compare(names, keys[child], keys[child + 1]) < 0)
            child++;
        if (names_compare(names, keys[from], keys[child]) >= 0)
            return;
        struct names_key swap = keys[from];
        keys[from] = keys[child];
        keys[child] = swap;
        from = child;
    }
}

// Sorts (heap sort) and looks at neighbours.
bool names_has_double(const struct names *names, struct names_key *keys, uint32_t count)
{
    for (uint32_t i = count / 2; i-- > 0;)
        sift_down(names, keys, i, count);
    for (uint32_t left = count; left-- > 1;) {
        struct names_key swap = keys[0];
        keys[0] = keys[left];
        keys[left] = swap;
        sift_down(names, keys, 0, left);
    }
    for (uint32_t i = 1; i < count; i++) {
        if (names_compare(names, keys[i - 1], keys[i]) == 0)
            return true;
    }
    return false;
}
