// Zones that were asked for: the table holds more than the database has.

#include "broker/shell/zones.h"

#include "lib/base/check.h"
#include "lib/sys/zonefile.h"
#include "tests/support/test.h"

#include <stdio.h>

static unsigned read_count;

// Instead of the system's database, which is too small to fill the table.
err zonefile_read(struct slice name, struct zone *out_zone)
{
    read_count++;
    if (slice_is_text(name, "Europe/Atlantis"))
        return ERR_NOT_FOUND;
    zone_set_utc(out_zone);
    return OK;
}

static err find(struct zones *zones, unsigned number)
{
    char name[ZONE_NAME_MAX];
    const struct zone *zone = NULL;
    int len = snprintf(name, sizeof name, "Test/Zone%u", number);
    CHECK(len > 0);
    err e = zones_find(zones, slice_of(name, (size_t)len), &zone);
    EXPECT_EQ(zone != NULL, e == OK);
    return e;
}

TEST(zones, a_full_table_refuses_new_names_and_knows_the_others)
{
    struct zones *zones = zones_new();
    EXPECT(zones != NULL);
    read_count = 0;
    const struct zone *none = NULL;
    EXPECT_EQ(zones_find(zones, slice_of_text("Europe/Atlantis"), &none), ERR_NOT_FOUND);
    for (unsigned i = 0; i < ZONES_MAX; i++)
        EXPECT_EQ(find(zones, i), OK); // one that is not there takes no place
    EXPECT_EQ(find(zones, ZONES_MAX), ERR_FULL);
    EXPECT_EQ(find(zones, 0), OK);
    EXPECT_EQ(find(zones, ZONES_MAX - 1), OK);
    EXPECT_EQ(read_count, ZONES_MAX + 1); // each once
    zones_free(zones);
}
