// The table of names.

#include "broker/core/names.h"

#include "lib/base/check.h"
#include "lib/base/prng.h"

static_assert(MSG_NAME_LEN_MAX <= UINT8_MAX, "lengths of names are kept in one byte");

static size_t items_size(uint32_t cap)
{
    // Rounded up so that the index behind it is aligned.
    return ((size_t)cap * sizeof(struct name) + 15) / 16 * 16;
}

size_t names_size(uint32_t cap)
{
    return items_size(cap) + (index_size(cap) + 15) / 16 * 16 + 16;
}

void names_init(struct names *names, void *memory, uint32_t cap, uint64_t seed)
{
    CHECK(cap <= UINT16_MAX);
    *names = (struct names){
        .items = memory, .cap = cap, .free = NAMES_NONE, .dropped = NAMES_NONE, .seed = seed};
    index_init(&names->by_name, (uint8_t *)memory + items_size(cap), cap);
    names->last_found = (uint32_t *)(void *)((uint8_t *)memory + names_size(cap) - 16);
    *names->last_found = NAMES_NONE;
}

static uint64_t hash_of(const struct names *names, uint16_t scope, struct slice name)
{
    uint64_t hash = prng_mix(names->seed ^ scope);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    return prng_mix(hash);
}

bool names_is_known(const struct names *names, uint32_t no)
{
    return no < names->count && names->items[no].len > 0;
}

static bool is_at(const struct names *names, uint32_t no, uint16_t scope, struct slice name)
{
    const struct name *item = &names->items[no];
    return item->scope == scope && slice_equal(slice_of(item->text, item->len), name);
}

uint32_t names_find(const struct names *names, uint16_t scope, struct slice name)
{
    uint32_t last = *names->last_found;
    if (names_is_known(names, last) && is_at(names, last, scope, name))
        return last;
    uint32_t at = index_first(&names->by_name, hash_of(names, scope, name));
    while (at != INDEX_NONE && !is_at(names, at, scope, name))
        at = index_next(&names->by_name, at);
    if (at == INDEX_NONE)
        return NAMES_NONE;
    *names->last_found = at;
    return at;
}

uint32_t names_room(const struct names *names)
{
    return names->cap - names->count + names->free_count;
}

static void put(struct names *names, uint32_t no, uint16_t scope, struct slice name)
{
    CHECK(name.len > 0 && name.len <= MSG_NAME_LEN_MAX);
    names->items[no] = (struct name){.scope = scope, .len = (uint8_t)name.len};
    memcpy(names->items[no].text, name.data, name.len);
    index_add(&names->by_name, no, hash_of(names, scope, name));
}

// --- unused numbers: lists through `scope` ---

static_assert(UINT16_MAX == (uint16_t)NAMES_NONE, "the end of a list fits");

static uint32_t next_of(const struct names *names, uint32_t no)
{
    uint16_t next = names->items[no].scope;
    return next == UINT16_MAX ? NAMES_NONE : next;
}

static void push(struct names *names, uint32_t *list, uint32_t no)
{
    names->items[no].len = 0;
    names->items[no].scope = (uint16_t)*list;
    *list = no;
}

static void make_free(struct names *names, uint32_t no)
{
    push(names, &names->free, no);
    names->free_count++;
}

uint32_t names_add(struct names *names, uint16_t scope, struct slice name)
{
    CHECK(names_room(names) > 0);
    uint32_t no = names->free;
    if (no == NAMES_NONE) {
        no = names->count++;
    } else {
        names->free = next_of(names, no);
        names->free_count--;
    }
    put(names, no, scope, name);
    return no;
}

void names_add_at(struct names *names, uint32_t no, uint16_t scope, struct slice name)
{
    CHECK(no >= names->count && no < names->cap);
    while (names->count < no)
        make_free(names, names->count++);
    names->count++;
    put(names, no, scope, name);
}

void names_drop(struct names *names, uint32_t no)
{
    index_drop(&names->by_name, no, hash_of(names, names_scope(names, no), names_at(names, no)));
    push(names, &names->dropped, no);
}

void names_reuse(struct names *names)
{
    while (names->dropped != NAMES_NONE) {
        uint32_t no = names->dropped;
        names->dropped = next_of(names, no);
        make_free(names, no);
    }
}

struct slice names_at(const struct names *names, uint32_t no)
{
    CHECK(names_is_known(names, no));
    return slice_of(names->items[no].text, names->items[no].len);
}

uint16_t names_scope(const struct names *names, uint32_t no)
{
    CHECK(names_is_known(names, no));
    return names->items[no].scope;
}
