// Copies of filters.

#include "broker/shell/listing.h"

#include "lib/base/check.h"

#include <stdlib.h>

static struct slice keep(uint8_t *room, struct slice name)
{
    CHECK(name.len <= MSG_NAME_LEN_MAX);
    if (name.len > 0)
        memcpy(room, name.data, name.len);
    return slice_of(room, name.len);
}

struct listing *listing_new(const struct msg_list *list)
{
    struct listing *listing = malloc(sizeof *listing);
    if (listing == NULL)
        return NULL;
    listing->list = *list;
    listing->list.filter.queue = keep(listing->names[0], list->filter.queue);
    listing->list.filter.type = keep(listing->names[1], list->filter.type);
    listing->list.filter.tag = keep(listing->names[2], list->filter.tag);
    return listing;
}

void listing_free(struct listing *listing)
{
    free(listing);
}
