// A table of names that only grows.

#include "broker/shell/tenants.h"

#include "broker/core/names.h"

#include <stdlib.h>

struct tenants {
    struct names names;
    void *memory;
};

struct tenants *tenants_new(uint32_t count_max, uint64_t seed)
{
    struct tenants *tenants = calloc(1, sizeof *tenants);
    if (tenants == NULL)
        return NULL;
    tenants->memory = calloc(1, names_size(count_max));
    if (tenants->memory == NULL) {
        free(tenants);
        return NULL;
    }
    names_init(&tenants->names, tenants->memory, count_max, seed);
    return tenants;
}

void tenants_free(struct tenants *tenants)
{
    if (tenants == NULL)
        return;
    free(tenants->memory);
    free(tenants);
}

err tenants_keep(struct tenants *tenants, struct slice name, struct slice *out_name)
{
    if (name.len == 0 || slice_is_text(name, "default")) {
        *out_name = (struct slice){0};
        return OK;
    }
    uint32_t no = names_find(&tenants->names, 0, name);
    if (no == NAMES_NONE && names_room(&tenants->names) == 0)
        return ERR_FULL;
    if (no == NAMES_NONE)
        no = names_add(&tenants->names, 0, name);
    *out_name = names_at(&tenants->names, no);
    return OK;
}
