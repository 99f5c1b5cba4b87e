// A list: schedules of one broker share few zones, and each looks its own up once.

#include "broker/shell/zones.h"

#include "lib/sys/zonefile.h"

#include <stdlib.h>

struct known_zone {
    uint8_t name[ZONE_NAME_MAX];
    size_t name_len;
    struct zone *zone;
};

struct zones {
    struct known_zone items[ZONES_MAX];
    uint32_t count;
};

struct zones *zones_new(void)
{
    return calloc(1, sizeof(struct zones));
}

void zones_free(struct zones *zones)
{
    if (zones == NULL)
        return;
    for (uint32_t i = 0; i < zones->count; i++)
        free(zones->items[i].zone);
    free(zones);
}

static err add(struct zones *zones, struct slice name, const struct zone **out_zone)
{
    if (zones->count == ZONES_MAX)
        return ERR_FULL;
    struct zone *zone = malloc(sizeof *zone);
    if (zone == NULL)
        return ERR_NO_MEMORY;
    err e = zonefile_read(name, zone);
    if (e != OK) {
        free(zone);
        return e;
    }
    struct known_zone *known = &zones->items[zones->count++];
    memcpy(known->name, name.data, name.len);
    known->name_len = name.len;
    known->zone = zone;
    *out_zone = zone;
    return OK;
}

err zones_find(struct zones *zones, struct slice name, const struct zone **out_zone)
{
    for (uint32_t i = 0; i < zones->count; i++) {
        const struct known_zone *known = &zones->items[i];
        if (slice_equal(slice_of(known->name, known->name_len), name)) {
            *out_zone = known->zone;
            return OK;
        }
    }
    return add(zones, name, out_zone);
}
