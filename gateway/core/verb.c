#include "gateway/core/verb.h"

#include <stddef.h>
#include <string.h>

uint32_t verb_split(struct slice segment, const struct verb *verbs, struct slice *out_name)
{
    *out_name = (struct slice){0};
    const uint8_t *colon = segment.len > 0 ? memchr(segment.data, ':', segment.len) : NULL;
    if (colon == NULL)
        return 0;
    *out_name = slice_of(segment.data, (size_t)(colon - segment.data));
    struct slice word = slice_of(colon + 1, segment.len - out_name->len - 1);
    for (; verbs->name != NULL; verbs++)
        if (slice_is_text(word, verbs->name))
            return verbs->kind;
    return 0;
}
