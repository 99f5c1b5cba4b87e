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
    return items_size(cap) + (index_size(cap) + 15) / 16 * 16;
}

void names_init(struct names *names, void *memory, uint32_t cap, uint64_t seed)
{
    CHECK(cap <= UINT16_MAX);
    *names = (struct names){.items = memory, .cap = cap, .seed = seed};
    index_init(&names->by_name, (uint8_t *)memory + items_size(cap), cap);
}

static uint64_t hash_of(const struct names *names, uint16_t scope, struct slice name)
{
    uint64_t hash = prng_mix(names->seed ^ scope);
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    return prng_mix(hash);
}

uint32_t names_find(const struct names *names, uint16_t scope, struct slice name)
{
    uint32_t at = index_first(&names->by_name, hash_of(names, scope, name));
    for (; at != INDEX_NONE; at = index_next(&names->by_name, at))
        if (names->items[at].scope == scope && slice_equal(names_at(names, at), name))
            return at;
    return NAMES_NONE;
}

bool names_has_room(const struct names *names)
{
    return names->count < names->cap;
}

uint32_t names_add(struct names *names, uint16_t scope, struct slice name)
{
    CHECK(names_has_room(names));
    CHECK(name.len > 0 && name.len <= MSG_NAME_LEN_MAX);
    uint32_t no = names->count++;
    names->items[no] = (struct name){.scope = scope, .len = (uint8_t)name.len};
    memcpy(names->items[no].text, name.data, name.len);
    index_add(&names->by_name, no, hash_of(names, scope, name));
    return no;
}

struct slice names_at(const struct names *names, uint32_t no)
{
    CHECK(no < names->count);
    return slice_of(names->items[no].text, names->items[no].len);
}

uint16_t names_scope(const struct names *names, uint32_t no)
{
    CHECK(no < names->count);
    return names->items[no].scope;
}
