#pragma once

// Time zones of this system: the zone database in /usr/share/zoneinfo (Debian's package tzdata).
// Any thread.

#include "lib/base/zone.h"

// The zone of this name. "UTC" is known without a database.
//   ERR_NOT_FOUND   no such zone (or no database)
//   ERR_MALFORMED   not a zone's name, or the file is not what it should be
//   ERR_DISK, ERR_SYSTEM
MUST_USE err zonefile_read(struct slice name, struct zone *out_zone);

// What such an error means to a user, with the fix; static.
const char *zonefile_text(err e);
