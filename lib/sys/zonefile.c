// One small file per zone, read whole.

#include "lib/sys/zonefile.h"

#include "lib/sys/file.h"

#define DATABASE "/usr/share/zoneinfo/"

err zonefile_read(struct slice name, struct zone *out_zone)
{
    if (slice_is_text(name, "UTC")) {
        zone_set_utc(out_zone);
        return OK;
    }
    if (!zone_is_name(name))
        return ERR_MALFORMED;
    char path[sizeof DATABASE + ZONE_NAME_MAX];
    memcpy(path, DATABASE, sizeof DATABASE - 1);
    (void)slice_to_text(name, path + sizeof DATABASE - 1, ZONE_NAME_MAX + 1);
    uint8_t bytes[8 * 1024];
    size_t len = 0;
    err e = file_read(path, bytes, sizeof bytes, &len);
    if (e == ERR_TOO_LARGE)
        return ERR_MALFORMED;
    // A directory of the database ("Europe") is no zone either.
    if (e == ERR_SYSTEM)
        return ERR_NOT_FOUND;
    return e == OK ? zone_decode(slice_of(bytes, len), out_zone) : e;
}

const char *zonefile_text(err e)
{
    if (e == ERR_NOT_FOUND)
        return "no such time zone; a name is like Europe/Berlin, and the broker's machine needs "
               "the package tzdata";
    return "not a time zone; a name is like Europe/Berlin";
}
