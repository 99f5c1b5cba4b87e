#pragma once

// Leases: which job is out at which worker, and until when. A lease stays here, counted against
// its worker's credit, until the worker speaks of it or its session ends; that its time has
// passed only takes the job away. Dispatcher; pure. Not thread-safe.

#include "broker/core/limits.h"
#include "lib/base/heap.h"
#include "lib/base/id.h"
#include "lib/base/index.h"

#define LEASES_NONE UINT32_MAX

struct lease {
    struct id job_id;
    uint64_t token;
    when_ms ends_at;     // mono
    when_ms cap_at;      // mono, renewals do not lengthen it beyond; 0: no bound
    when_ms progress_at; // mono, of the last progress written; 0 when none
    uint64_t named_in;   // the worker's last message that named it, see lease_mark_named()
    uint32_t slot;       // of the job; only true while the lease is live
    uint32_t worker;
    uint32_t body_len;
    uint32_t lease_ms;
    uint32_t prev, next; // in the worker's list; `next` also links free ones
    uint32_t place;      // in the heap of ends
    bool is_live;        // else its time has passed
    bool is_cancelled;   // the worker is to stop the job
    bool is_held_back;   // a renewal would have lengthened it beyond its bound
};

struct leases {
    struct lease *items;
    uint32_t cap;
    uint32_t used;
    uint32_t free;
    uint32_t count;
    struct heap ends; // of the live ones
    struct index by_token;
};

size_t leases_size(const struct limits *limits);
void leases_init(struct leases *leases, void *memory, const struct limits *limits);

bool leases_has_room(const struct leases *leases);

// A live lease, at the front of the list `*list` of its worker. Copies; there is room.
// `prev`, `next`, `place` and `is_live` are set here.
uint32_t leases_add(struct leases *leases, const struct lease *lease, uint32_t *list);
// Takes the lease out of everything.
void leases_drop(struct leases *leases, uint32_t lease, uint32_t *list);
// Its time has passed: no longer live, still in its worker's list.
void leases_pass(struct leases *leases, uint32_t lease);
// Counts the lease in full from now, as far as its bound lets it. It is live.
void leases_renew(struct leases *leases, uint32_t lease, when_ms mono);

// Its job is to be stopped: it lasts no longer than its length from now. It is live.
void leases_cancel(struct leases *leases, uint32_t lease, when_ms mono);

// Its attempt may take so much longer. It is live.
void leases_extend(struct leases *leases, uint32_t lease, when_ms span_ms);

// LEASES_NONE when there is none with this token.
uint32_t leases_find(const struct leases *leases, uint64_t token);
struct lease *leases_at(const struct leases *leases, uint32_t lease);
// The live lease that ends first, or LEASES_NONE.
uint32_t leases_first_end(const struct leases *leases);
