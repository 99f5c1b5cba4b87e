#pragma once

// Names of tenants, each kept once and for good, so that a worker, a question that waits and a
// message may borrow them. The link thread owns it.

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct tenants;

// NULL when there is no memory.
struct tenants *tenants_new(uint32_t count_max, uint64_t seed);
void tenants_free(struct tenants *tenants);

// `name` is empty or has been judged. The tenant "default" is told as the empty name, so that what
// belongs to it costs nothing.
//   ERR_FULL   there are as many as there may be
MUST_USE err tenants_keep(struct tenants *tenants, struct slice name, struct slice *out_name);
