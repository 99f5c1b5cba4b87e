#pragma once

// Types for which defaults are set. Pure. Not thread-safe. Borrowed names stay valid for the
// table's life.

#include "broker/core/limits.h"
#include "broker/core/names.h"
#include "broker/core/row.h"

#define TYPES_NONE UINT32_MAX

struct types {
    struct names tenants; // those that have set something
    struct names names;   // of types, each under its tenant
    struct type_row *rows;
    uint32_t no_next;
};

size_t types_size(const struct limits *limits);
// `memory` is types_size() bytes, aligned to 16.
void types_init(struct types *types, void *memory, const struct limits *limits, uint64_t seed);

// TYPES_NONE when nothing is set for it. An empty tenant is "default".
uint32_t types_find(const struct types *types, struct slice tenant, struct slice type);
// NULL, or the limit that leaves no room for this type, as a text.
const char *types_refusal(const struct types *types, struct slice tenant, struct slice type);
// There is room. Of `set` the schema is that which holds afterwards. The row as it is then.
const struct type_row *types_set(struct types *types, const struct msg_type_set *set);
// What the defaults are after `set`: those that it does not name stay. TYPES_NONE: nothing is set.
struct msg_defaults types_after(const struct types *types, uint32_t type,
                                const struct msg_type_set *set);
// Is all of it set so already?
bool types_is(const struct types *types, uint32_t type, const struct msg_type_set *set);
const struct msg_defaults *types_defaults(const struct types *types, uint32_t type);
// The hash of its schema; 0: it has none.
uint64_t types_schema(const struct types *types, uint32_t type);
// A stored row; they come in the order of their numbers.
//   ERR_FULL, ERR_DAMAGED
MUST_USE err types_load(struct types *types, const struct type_row *row);
