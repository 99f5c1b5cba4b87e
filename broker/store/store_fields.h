#pragma once

// Big-endian fields of records whose length has been checked already. Each call moves the place.
// Pure. Shifts instead of casts: compilers make single instructions of them.

#include "lib/base/id.h"
#include "lib/base/slice.h"

static inline void fields_put_u8(uint8_t **at, uint8_t value)
{
    *(*at)++ = value;
}

static inline void fields_put_u16(uint8_t **at, uint16_t value)
{
    uint8_t *to = *at;
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
    *at = to + 2;
}

static inline void fields_put_u32(uint8_t **at, uint32_t value)
{
    uint8_t *to = *at;
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
    *at = to + 4;
}

static inline void fields_put_u64(uint8_t **at, uint64_t value)
{
    uint8_t *to = *at;
    to[0] = (uint8_t)(value >> 56);
    to[1] = (uint8_t)(value >> 48);
    to[2] = (uint8_t)(value >> 40);
    to[3] = (uint8_t)(value >> 32);
    to[4] = (uint8_t)(value >> 24);
    to[5] = (uint8_t)(value >> 16);
    to[6] = (uint8_t)(value >> 8);
    to[7] = (uint8_t)value;
    *at = to + 8;
}

static inline void fields_put_when(uint8_t **at, int64_t value)
{
    fields_put_u64(at, (uint64_t)value);
}

static inline void fields_put_bytes(uint8_t **at, struct slice bytes)
{
    if (bytes.len > 0)
        memcpy(*at, bytes.data, bytes.len);
    *at += bytes.len;
}

static inline void fields_put_id(uint8_t **at, const struct id *id)
{
    memcpy(*at, id->bytes, sizeof id->bytes);
    *at += sizeof id->bytes;
}

static inline uint8_t fields_get_u8(const uint8_t **at)
{
    return *(*at)++;
}

static inline uint16_t fields_get_u16(const uint8_t **at)
{
    const uint8_t *from = *at;
    *at = from + 2;
    return (uint16_t)((unsigned)from[0] << 8 | from[1]);
}

static inline uint32_t fields_get_u32(const uint8_t **at)
{
    const uint8_t *from = *at;
    *at = from + 4;
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static inline uint64_t fields_get_u64(const uint8_t **at)
{
    const uint8_t *from = *at;
    *at = from + 8;
    return (uint64_t)from[0] << 56 | (uint64_t)from[1] << 48 | (uint64_t)from[2] << 40 |
           (uint64_t)from[3] << 32 | (uint64_t)from[4] << 24 | (uint64_t)from[5] << 16 |
           (uint64_t)from[6] << 8 | (uint64_t)from[7];
}

static inline int64_t fields_get_when(const uint8_t **at)
{
    return (int64_t)fields_get_u64(at);
}

static inline struct id fields_get_id(const uint8_t **at)
{
    struct id id;
    memcpy(id.bytes, *at, sizeof id.bytes);
    *at += sizeof id.bytes;
    return id;
}
