#pragma once

// Whether a name occurs twice among many: those of one object. Pure.

#include <stdbool.h>
#include <stdint.h>

// One name, wherever it stands.
struct names_key {
    uint32_t hash;
    uint32_t at; // whose reader's place it is, is told by `compare`
};

struct names {
    // Negative, zero or positive, of two with the same hash.
    int (*compare)(const void *ctx, struct names_key a, struct names_key b);
    const void *ctx;
};

int names_compare(const struct names *names, struct names_key a, struct names_key b);
// Moves the keys about. In place and never quadratic.
bool names_has_double(const struct names *names, struct names_key *keys, uint32_t count);

// FNV-1a, byte by byte, beginning with NAMES_HASH.
#define NAMES_HASH 2166136261u
static inline uint32_t names_hash_more(uint32_t hash, uint8_t byte)
{
    return (hash ^ byte) * 16777619u;
}
