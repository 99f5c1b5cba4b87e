// Bits, one for each member (in the order of iteration) or item of a value.

#include "lib/schema/schema_private.h"

#include <stdlib.h>

static size_t words_of(size_t count)
{
    return count / 64 + 1;
}

bool schema_marks_init(struct marks *marks, size_t count)
{
    *marks = (struct marks){.count = count};
    if (count <= 64) {
        marks->bits = &marks->few;
        return true;
    }
    marks->bits = calloc(words_of(count), sizeof *marks->bits);
    return marks->bits != NULL;
}

void schema_marks_deinit(struct marks *marks)
{
    if (marks->bits != &marks->few)
        free(marks->bits);
    marks->bits = NULL;
}

void schema_marks_join(struct marks *marks, const struct marks *other)
{
    CHECK(marks->count == other->count);
    if (marks->count <= 64) {
        marks->few |= other->few;
        return;
    }
    for (size_t i = 0; i < words_of(marks->count); i++)
        marks->bits[i] |= other->bits[i];
}
