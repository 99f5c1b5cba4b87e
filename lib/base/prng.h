#pragma once

// Deterministic pseudo-random numbers (xoshiro256**, seeded by splitmix64) for tests, jitter and
// the simulator. Never for secrets. Pure. Not thread-safe.

#include <stdint.h>

struct prng {
    uint64_t state[4];
};

struct prng prng_of(uint64_t seed);
uint64_t prng_next(struct prng *prng);
// 0 … bound - 1; `bound` is not 0.
uint64_t prng_below(struct prng *prng, uint64_t bound);
// True in `percent` of 100 calls.
int prng_chance(struct prng *prng, unsigned percent);

// One well-mixed number from another (splitmix64): jitter by hash, digests.
uint64_t prng_mix(uint64_t value);
