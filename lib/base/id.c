// UUIDs: layout, text, hash.

#include "lib/base/id.h"

static void set_version(struct id *id, unsigned version)
{
    id->bytes[6] = (uint8_t)((id->bytes[6] & 0x0fu) | (version << 4));
    id->bytes[8] = (uint8_t)((id->bytes[8] & 0x3fu) | 0x80u);
}

struct id id_v7(when_ms unix_ms, uint16_t slot, uint64_t random)
{
    CHECK(unix_ms >= 0 && unix_ms < (when_ms)1 << 48);
    CHECK(slot <= ID_SLOT_MAX);
    struct id id = {{0}};
    for (unsigned i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)((uint64_t)unix_ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(slot >> 8);
    id.bytes[7] = (uint8_t)slot;
    for (unsigned i = 0; i < 8; i++)
        id.bytes[8 + i] = (uint8_t)(random >> (56 - 8 * i));
    set_version(&id, 7);
    return id;
}

struct id id_v8(uint16_t slot, const uint8_t hash[16])
{
    CHECK(slot <= ID_SLOT_MAX);
    struct id id;
    memcpy(id.bytes, hash, sizeof id.bytes);
    id.bytes[0] = (uint8_t)(slot >> 4);
    id.bytes[1] = (uint8_t)((slot & 15u) << 4 | (id.bytes[1] & 15u));
    set_version(&id, 8);
    return id;
}

unsigned id_version(const struct id *id)
{
    return id->bytes[6] >> 4;
}

uint16_t id_slot(const struct id *id)
{
    if (id_version(id) == 7)
        return (uint16_t)((id->bytes[6] & 15u) << 8 | id->bytes[7]);
    return (uint16_t)(id->bytes[0] << 4 | id->bytes[1] >> 4);
}

when_ms id_time(const struct id *id)
{
    uint64_t ms = 0;
    for (unsigned i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return (when_ms)ms;
}

bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool id_is_zero(const struct id *id)
{
    static const struct id zero = {{0}};
    return id_equal(id, &zero);
}

uint64_t id_hash(const struct id *id, uint64_t seed)
{
    uint64_t high;
    uint64_t low;
    memcpy(&high, id->bytes, 8);
    memcpy(&low, id->bytes + 8, 8);
    // Two rounds of multiply and fold (the finaliser of splitmix64), the seed in both.
    uint64_t h = (low ^ seed) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    h = (h ^ high ^ (seed << 1)) * 0xbf58476d1ce4e5b9u;
    h ^= h >> 29;
    h *= 0x94d049bb133111ebu;
    return h ^ h >> 32;
}

void id_to_text(const struct id *id, char out[ID_TEXT_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";
    char *at = out;
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[id->bytes[i] >> 4];
        *at++ = digits[id->bytes[i] & 15u];
    }
    *at = '\0';
    CHECK(at == out + ID_TEXT_LEN);
}

// 0–15, or 16 when `c` is no hexadecimal digit.
static unsigned digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - (unsigned)'0';
    if (c >= 'a' && c <= 'f')
        return c - (unsigned)'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - (unsigned)'A' + 10;
    return 16;
}

err id_from_text(struct slice text, struct id *out_id)
{
    if (text.len != ID_TEXT_LEN)
        return ERR_MALFORMED;
    struct id id = {{0}};
    unsigned nibble = 0;
    for (unsigned i = 0; i < ID_TEXT_LEN; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.data[i] != '-')
                return ERR_MALFORMED;
            continue;
        }
        unsigned digit = digit_of(text.data[i]);
        if (digit > 15)
            return ERR_MALFORMED;
        id.bytes[nibble / 2] = (uint8_t)((unsigned)id.bytes[nibble / 2] << 4 | digit);
        nibble++;
    }
    *out_id = id;
    return OK;
}

err id_from_bytes(struct slice bytes, struct id *out_id)
{
    if (bytes.len != sizeof out_id->bytes)
        return ERR_MALFORMED;
    memcpy(out_id->bytes, bytes.data, sizeof out_id->bytes);
    return OK;
}
