// Ids from canonical bytes, hashes and randomness.

#include "lib/sys/mint.h"

#include "lib/sys/blake.h"

uint16_t mint_slot(const struct origin *origin)
{
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_slot(&out, origin);
    CHECK(!out.full);
    uint8_t hash[16];
    blake_hash16(slice_of(out.data, out.len), hash);
    return (uint16_t)(hash[0] << 4 | hash[1] >> 4);
}

struct id mint_keyed_in(uint16_t slot, const struct origin *origin, struct slice key)
{
    CHECK(key.len > 0);
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_key(&out, origin, key);
    CHECK(!out.full);
    uint8_t hash[16];
    blake_hash16(slice_of(out.data, out.len), hash);
    return id_v8(slot, hash);
}

struct id mint_keyed(const struct origin *origin, struct slice key)
{
    return mint_keyed_in(mint_slot(origin), origin, key);
}

void mint_content(const struct mint_content *content, char out_key[MINT_CONTENT_LEN + 1])
{
    static const char prefix[] = "content-";
    static const char digits[] = "0123456789abcdef";
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    uint8_t hash[16];
    blake_hash16(content->payload, hash);
    origin_put_content(&out, content->queue, content->type, content->kind, hash);
    CHECK(!out.full);
    blake_hash16(slice_of(out.data, out.len), hash);
    memcpy(out_key, prefix, sizeof prefix - 1);
    char *at = out_key + sizeof prefix - 1;
    for (size_t i = 0; i < sizeof hash; i++) {
        *at++ = digits[hash[i] >> 4];
        *at++ = digits[hash[i] & 15];
    }
    *at = '\0';
}

uint64_t mint_concurrency(const struct origin *origin, struct slice key)
{
    CHECK(key.len > 0);
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_concurrency(&out, origin, key);
    CHECK(!out.full);
    uint64_t hash = blake_u64(slice_of(out.data, out.len), (struct slice){0});
    return hash != 0 ? hash : 1;
}

struct id mint_unique(const struct origin *origin, struct slice key)
{
    CHECK(key.len > 0);
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_unique(&out, origin, key);
    CHECK(!out.full);
    struct id hash;
    blake_hash16(slice_of(out.data, out.len), hash.bytes);
    return hash;
}

struct id mint_moment(const struct origin *origin, struct slice schedule, when_ms moment)
{
    uint8_t room[ORIGIN_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    origin_put_moment(&out, origin, schedule, moment);
    CHECK(!out.full);
    uint8_t hash[16];
    blake_hash16(slice_of(out.data, out.len), hash);
    return id_v8(mint_slot(origin), hash);
}

struct id mint_fresh(when_ms wall, const struct origin *origin)
{
    uint64_t random;
    blake_random(&random, sizeof random);
    return id_v7(wall, mint_slot(origin), random);
}
