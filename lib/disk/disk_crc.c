// CRC-32C by instruction on x86-64, by table elsewhere; decided at each call, which costs one load.

#include "lib/disk/disk_crc.h"

#include "lib/base/crc.h"

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, struct slice more)
{
    uint64_t sum = ~crc;
    const uint8_t *at = more.data;
    size_t left = more.len;
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t block;
        memcpy(&block, at, sizeof block);
        sum = __builtin_ia32_crc32di(sum, block);
    }
    uint32_t rest = (uint32_t)sum;
    for (; left > 0; left--, at++)
        rest = __builtin_ia32_crc32qi(rest, *at);
    return ~rest;
}

uint32_t disk_crc_more(uint32_t crc, struct slice more)
{
    if (__builtin_cpu_supports("sse4.2"))
        return by_instruction(crc, more);
    return crc_more(crc, more);
}

#else

uint32_t disk_crc_more(uint32_t crc, struct slice more)
{
    return crc_more(crc, more);
}

#endif
