#pragma once

// Time zones that have been asked for, each read from the system once. What the rules of a zone
// were at the first question holds until the broker starts again. One thread per struct.

#include "lib/base/zone.h"

struct zones;

// NULL when there is no memory.
struct zones *zones_new(void);
void zones_free(struct zones *zones);

// Borrowed until zones_free().
//   those of zonefile_read(); ERR_FULL when ZONES_MAX different ones are known; ERR_NO_MEMORY
MUST_USE err zones_find(struct zones *zones, struct slice name, const struct zone **out_zone);

// More than the database has, links included.
enum { ZONES_MAX = 640 };
