// The table of schedules.

#include "broker/core/schedules.h"

#include "lib/base/origin.h"
#include "lib/base/prng.h"

static struct slice append(struct slice text, struct slice more, uint8_t *room)
{
    if (more.len > 0)
        memcpy(room + text.len, more.data, more.len);
    return slice_of(room, text.len + more.len);
}

struct slice schedules_name(struct slice tenant, struct slice id, uint8_t *room)
{
    CHECK(tenant.len <= MSG_NAME_LEN_MAX && id.len <= MSG_NAME_LEN_MAX);
    struct slice name = {.data = room};
    if (!origin_is_tenant(tenant, (struct slice){0}))
        name = append(append(name, tenant, room), slice_of_text("/"), room);
    return append(name, id, room);
}

struct slice schedules_tenant(struct slice name)
{
    const uint8_t *slash = name.len > 0 ? memchr(name.data, '/', name.len) : NULL;
    return slash != NULL ? slice_of(name.data, (size_t)(slash - name.data)) : (struct slice){0};
}

struct slice schedules_id(struct slice name)
{
    size_t before = schedules_tenant(name).len;
    return before > 0 ? slice_of(name.data + before + 1, name.len - before - 1) : name;
}

static size_t items_size(uint32_t cap)
{
    return ((size_t)cap * sizeof(struct schedule) + 15) / 16 * 16;
}

size_t schedules_size(uint32_t cap)
{
    return items_size(cap) + index_size(cap);
}

void schedules_init(struct schedules *schedules, void *memory, uint32_t cap, uint64_t seed)
{
    *schedules =
        (struct schedules){.items = memory, .cap = cap, .free = SCHEDULES_NONE, .seed = seed};
    index_init(&schedules->by_name, (uint8_t *)memory + items_size(cap), cap);
}

static uint64_t hash_of(const struct schedules *schedules, struct slice name)
{
    uint64_t hash = schedules->seed;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    return prng_mix(hash);
}

uint32_t schedules_find(const struct schedules *schedules, struct slice name)
{
    uint32_t at = index_first(&schedules->by_name, hash_of(schedules, name));
    while (at != INDEX_NONE && !slice_equal(schedules->items[at].row.name, name))
        at = index_next(&schedules->by_name, at);
    return at;
}

bool schedules_has_room(const struct schedules *schedules)
{
    return schedules->count < schedules->cap;
}

uint32_t schedules_add(struct schedules *schedules, struct slice name)
{
    CHECK(schedules_has_room(schedules) && name.len > 0 && name.len <= SCHEDULES_NAME_LEN_MAX);
    CHECK(schedules_find(schedules, name) == SCHEDULES_NONE);
    uint32_t place = schedules->free;
    if (place == SCHEDULES_NONE)
        place = schedules->used++;
    else
        schedules->free = schedules->items[place].next_free;
    struct schedule *schedule = &schedules->items[place];
    *schedule = (struct schedule){.is_used = true};
    memcpy(schedule->name, name.data, name.len);
    schedule->row.name = slice_of(schedule->name, name.len);
    schedules->count++;
    index_add(&schedules->by_name, place, hash_of(schedules, name));
    return place;
}

void schedules_drop(struct schedules *schedules, uint32_t place)
{
    struct schedule_row *row = schedules_at(schedules, place);
    index_drop(&schedules->by_name, place, hash_of(schedules, row->name));
    schedules->items[place] = (struct schedule){.next_free = schedules->free};
    schedules->free = place;
    schedules->count--;
}

struct schedule_row *schedules_at(struct schedules *schedules, uint32_t place)
{
    CHECK(place < schedules->used && schedules->items[place].is_used);
    return &schedules->items[place].row;
}

const struct schedule_row *schedules_peek(const struct schedules *schedules, uint32_t place)
{
    CHECK(place < schedules->used && schedules->items[place].is_used);
    return &schedules->items[place].row;
}

err schedules_load(struct schedules *schedules, const struct schedule_row *row)
{
    if (row->name.len == 0 || row->name.len > SCHEDULES_NAME_LEN_MAX ||
        schedules_find(schedules, row->name) != SCHEDULES_NONE)
        return ERR_DAMAGED;
    if (!schedules_has_room(schedules))
        return ERR_FULL;
    struct schedule_row *loaded = schedules_at(schedules, schedules_add(schedules, row->name));
    struct slice name = loaded->name;
    *loaded = *row;
    loaded->name = name;
    return OK;
}
