#pragma once

// How much of the spool each tenant has. Exact for as many tenants as have a place; who comes when
// all places are taken is not counted. Pure.

#include <stdbool.h>
#include <stdint.h>

enum { SPOOL_SHARES_MAX = 1024 }; // tenants with jobs in the spool at the same time

struct spool_share {
    uint64_t tenant; // a hash of its name
    uint64_t bytes;  // never 0
};

// All zero: nobody has anything.
struct spool_shares {
    struct spool_share shares[SPOOL_SHARES_MAX];
    uint32_t count;
};

// May the tenant have so many bytes more? `bytes_max` 0: it may have all there is.
bool spool_shares_fit(const struct spool_shares *shares, uint64_t tenant, uint64_t bytes,
                      uint64_t bytes_max);

void spool_shares_add(struct spool_shares *shares, uint64_t tenant, uint64_t bytes);
void spool_shares_drop(struct spool_shares *shares, uint64_t tenant, uint64_t bytes);
