#pragma once

// The books of a gateway's spool: how many jobs it has taken, and where they are now. Pure.
//
//   accepted ──▶ waiting ──▶ forwarded
//                   ├─────▶ refused ──▶ kept ──▶ deleted
//                   └─────▶ damaged
//
// Law, at every commit: accepted = forwarded + waiting + refused + damaged, and
// refused = kept + deleted.

#include "lib/base/check.h"

#include <stdbool.h>
#include <stdint.h>

struct spool_account {
    // Of all times, stored.
    uint64_t accepted;
    uint64_t forwarded;
    uint64_t refused;
    uint64_t damaged;
    uint64_t deleted;
    // What is there now, counted anew at each start.
    uint64_t waiting;
    uint64_t kept;  // refusals
    uint64_t bytes; // of both
};

// Is there room for so many bytes more?
bool spool_account_fits(const struct spool_account *account, uint64_t bytes, uint64_t bytes_max);

void spool_account_accept(struct spool_account *account, uint64_t bytes);
void spool_account_forward(struct spool_account *account, uint64_t bytes);
// The record may have another length as a refusal.
void spool_account_refuse(struct spool_account *account, uint64_t bytes_before,
                          uint64_t bytes_after);
void spool_account_delete(struct spool_account *account, uint64_t bytes);
// A waiting record is set aside; it is not among what was counted.
void spool_account_damage(struct spool_account *account);

// Jobs that the law misses, or has twice; 0 when it holds.
uint64_t spool_account_gap(const struct spool_account *account);
