// xoshiro256** 1.0 after Blackman and Vigna's published description.

#include "lib/base/prng.h"

#include "lib/base/check.h"

uint64_t prng_mix(uint64_t value)
{
    value += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

struct prng prng_of(uint64_t seed)
{
    struct prng prng;
    for (unsigned i = 0; i < 4; i++)
        prng.state[i] = prng_mix(seed + i * 0x9e3779b97f4a7c15u);
    return prng;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

uint64_t prng_next(struct prng *prng)
{
    uint64_t *s = prng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t prng_below(struct prng *prng, uint64_t bound)
{
    CHECK(bound > 0);
    // The bias is below bound / 2^64, which no test can see.
    return prng_next(prng) % bound;
}

int prng_chance(struct prng *prng, unsigned percent)
{
    return prng_below(prng, 100) < percent;
}
