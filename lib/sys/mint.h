#pragma once

// Job ids as every submitter mints them and as the broker checks them: version 8 from (tenant,
// queue, key), version 7 when there is no key. Any thread.

#include "lib/base/id.h"
#include "lib/base/origin.h"

// The partition slot of a queue, 0 … ID_SLOT_MAX: the first 12 bits of its hash.
uint16_t mint_slot(const struct origin *origin);

// The one id of this key, the same on every machine. Tenant, queue and key have at most 300 bytes
// each.
struct id mint_keyed(const struct origin *origin, struct slice key);

// The same, for callers that mint many ids of one queue: `slot` is mint_slot(origin), half of the
// cost.
struct id mint_keyed_in(uint16_t slot, const struct origin *origin, struct slice key);

// The idempotency key of a job that is known by what it is about: "content-" and 32 hex digits.
// `kind` is an enum content.
enum { MINT_CONTENT_LEN = 40 };
struct mint_content {
    struct slice queue;
    struct slice type;
    struct slice payload;
    uint8_t kind;
};
void mint_content(const struct mint_content *content, char out_key[MINT_CONTENT_LEN + 1]);

// The hash of a concurrency key within its tenant and queue; never 0.
uint64_t mint_concurrency(const struct origin *origin, struct slice key);
// The hash of a unique key within its tenant and queue: for tables, never an id of a job.
struct id mint_unique(const struct origin *origin, struct slice key);

// The one id of the job that `schedule` makes at `moment`, the same on every machine.
struct id mint_moment(const struct origin *origin, struct slice schedule, when_ms moment);

// A new id, time ordered. `wall` is the wall clock's time.
struct id mint_fresh(when_ms wall, const struct origin *origin);
