// The table of types.

#include "broker/core/types.h"

#include "broker/core/queues.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"

size_t types_size(const struct limits *limits)
{
    return names_size(limits->tenant_count_max) + names_size(limits->type_count_max) +
           limits->type_count_max * sizeof(struct type_row);
}

void types_init(struct types *types, void *memory, const struct limits *limits, uint64_t seed)
{
    uint8_t *at = memory;
    *types = (struct types){0};
    names_init(&types->tenants, at, limits->tenant_count_max, seed);
    at += names_size(limits->tenant_count_max);
    names_init(&types->names, at, limits->type_count_max, seed);
    at += names_size(limits->type_count_max);
    types->rows = (struct type_row *)(void *)at;
}

uint32_t types_find(const struct types *types, struct slice tenant, struct slice type)
{
    if (types->names.count == 0)
        return TYPES_NONE; // nobody sets anything for most brokers
    uint32_t scope = names_find(&types->tenants, 0, origin_tenant(tenant));
    return scope == NAMES_NONE ? TYPES_NONE : names_find(&types->names, (uint16_t)scope, type);
}

const char *types_refusal(const struct types *types, struct slice tenant, struct slice type)
{
    if (types_find(types, tenant, type) != TYPES_NONE)
        return NULL;
    if (names_room(&types->names) == 0 || types->no_next > UINT16_MAX)
        return "type_count_max: too many types have defaults";
    bool is_new = names_find(&types->tenants, 0, origin_tenant(tenant)) == NAMES_NONE;
    return is_new && names_room(&types->tenants) == 0 ? "tenant_count_max: too many tenants" : NULL;
}

static uint32_t add(struct types *types, struct slice tenant, struct slice type)
{
    CHECK(types_refusal(types, tenant, type) == NULL);
    uint32_t scope = names_find(&types->tenants, 0, origin_tenant(tenant));
    if (scope == NAMES_NONE)
        scope = names_add(&types->tenants, 0, origin_tenant(tenant));
    uint32_t place = names_add(&types->names, (uint16_t)scope, type);
    types->rows[place] = (struct type_row){.no = (uint16_t)types->no_next++,
                                           .tenant = names_at(&types->tenants, scope),
                                           .type = names_at(&types->names, place)};
    return place;
}

// Their numbers are those that they have of a queue.
struct msg_defaults types_after(const struct types *types, uint32_t type,
                                const struct msg_type_set *set)
{
    struct msg_queue_settings kept = {0};
    const struct msg_queue_settings given = {.defaults = set->defaults};
    if (set->named == 0)
        return set->defaults;
    if (type != TYPES_NONE)
        kept.defaults = *types_defaults(types, type);
    return queues_merged(&kept, &given, set->named).defaults;
}

const struct type_row *types_set(struct types *types, const struct msg_type_set *set)
{
    uint32_t place = types_find(types, set->tenant, set->type);
    if (place == TYPES_NONE)
        place = add(types, set->tenant, set->type);
    types->rows[place].defaults = types_after(types, place, set);
    types->rows[place].schema_hash = set->schema_hash;
    return &types->rows[place];
}

bool types_is(const struct types *types, uint32_t type, const struct msg_type_set *set)
{
    CHECK(type < types->names.count);
    const struct type_row *row = &types->rows[type];
    const struct msg_defaults after = types_after(types, type, set);
    return row->schema_hash == set->schema_hash &&
           memcmp(&row->defaults, &after, sizeof row->defaults) == 0;
}

const struct msg_defaults *types_defaults(const struct types *types, uint32_t type)
{
    CHECK(type < types->names.count);
    return &types->rows[type].defaults;
}

uint64_t types_schema(const struct types *types, uint32_t type)
{
    CHECK(type < types->names.count);
    return types->rows[type].schema_hash;
}

static bool is_name(struct slice name)
{
    return name.len > 0 && name.len <= MSG_NAME_LEN_MAX;
}

err types_load(struct types *types, const struct type_row *row)
{
    if (!is_name(row->type) || row->tenant.len > MSG_NAME_LEN_MAX || row->no < types->no_next ||
        types_find(types, row->tenant, row->type) != TYPES_NONE)
        return ERR_DAMAGED;
    if (types_refusal(types, row->tenant, row->type) != NULL)
        return ERR_FULL;
    types->no_next = row->no; // a damaged row keeps its number
    uint32_t place = add(types, row->tenant, row->type);
    types->rows[place].defaults = row->defaults;
    types->rows[place].schema_hash = row->schema_hash;
    return OK;
}
