#pragma once

// Whom a request means: its Host. A page in a browser on this machine may have a name that its owner
// lets point at a loopback address; nothing but that name tells such a request from one that is meant
// for this gateway. Pure.

#include "lib/base/slice.h"

// Are these names, parted by commas, as somebody may give them: without ports, with at least one?
bool host_are_names(struct slice names);

// Does a Host mean this machine (a loopback address, "localhost", a name below it), or one of `names`?
// With any port. Case and a dot at the end do not count.
bool host_is_served(struct slice host, struct slice names);
