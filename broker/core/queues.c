// The tables of tenants and queues.

#include "broker/core/queues.h"

#include "lib/base/check.h"

size_t queues_size(const struct limits *limits)
{
    return names_size(limits->tenant_count_max) + names_size(limits->queue_count_max);
}

void queues_init(struct queues *queues, void *memory, const struct limits *limits, uint64_t seed)
{
    names_init(&queues->tenants, memory, limits->tenant_count_max, seed);
    names_init(&queues->names, (uint8_t *)memory + names_size(limits->tenant_count_max),
               limits->queue_count_max, seed);
}

static struct slice tenant_of(struct queue_name name)
{
    return name.tenant.len > 0 ? name.tenant : slice_of_text("default");
}

uint32_t queues_find(const struct queues *queues, struct queue_name name)
{
    uint32_t tenant = names_find(&queues->tenants, 0, tenant_of(name));
    if (tenant == NAMES_NONE)
        return QUEUES_NONE;
    return names_find(&queues->names, (uint16_t)tenant, name.queue);
}

const char *queues_refusal(const struct queues *queues, struct queue_name name)
{
    if (queues_find(queues, name) != QUEUES_NONE)
        return NULL;
    if (!names_has_room(&queues->names))
        return "queue_count_max: too many different queues";
    bool is_new = names_find(&queues->tenants, 0, tenant_of(name)) == NAMES_NONE;
    return is_new && !names_has_room(&queues->tenants) ? "tenant_count_max: too many tenants"
                                                       : NULL;
}

uint32_t queues_add(struct queues *queues, struct queue_name name)
{
    CHECK(queues_refusal(queues, name) == NULL);
    CHECK(queues_find(queues, name) == QUEUES_NONE);
    uint32_t tenant = names_find(&queues->tenants, 0, tenant_of(name));
    if (tenant == NAMES_NONE)
        tenant = names_add(&queues->tenants, 0, tenant_of(name));
    return names_add(&queues->names, (uint16_t)tenant, name.queue);
}

struct queue_name queues_name(const struct queues *queues, uint32_t queue)
{
    return (struct queue_name){.tenant = names_at(&queues->tenants, queues_tenant(queues, queue)),
                               .queue = names_at(&queues->names, queue)};
}

uint16_t queues_tenant(const struct queues *queues, uint32_t queue)
{
    return names_scope(&queues->names, queue);
}
