#pragma once

// Peers, workers, what each worker serves and how much more it takes. A worker is its tenant and
// its UUID; a peer is a number the shell gave to a connection. For each lane the workers with credit stand
// in a ring and are served in turn. Dispatcher; pure. Not thread-safe.

#include "broker/core/lanes.h"
#include "broker/core/leases.h"
#include "broker/core/limits.h"

#define WORKERS_NONE UINT32_MAX

enum {
    // Names of one worker, each one byte of length and the name: its own, types, queues.
    WORKERS_NAMES_LEN = (1 + 2 * MSG_TYPES_MAX) * (1 + MSG_NAME_LEN_MAX),
};

struct worker {
    struct id id;
    struct slice tenant; // it gets no other's jobs; borrowed for ever
    uint64_t session;
    when_ms since_at;    // store time of the session's first HELLO
    uint64_t slot_bytes; // 0: no bound
    uint64_t out_bytes;  // payload bytes of its leases
    uint32_t peer;       // WORKERS_NONE: not connected
    uint32_t slots;
    uint32_t out_count; // its leases, live or passed
    uint32_t leases;    // list
    uint32_t serves;    // list
    uint32_t next_free;
    uint16_t type_count;
    uint16_t queue_count;
    bool is_used;
    bool is_notifier; // it gets deliveries of all tenants, and nothing else
    bool is_quiet;
    enum drain drain; // until its next session: it gets no more jobs
    bool is_stalled;  // the next job's bytes did not fit; until it gives something back
    bool is_open;     // takes jobs as soon as it has credit
    bool in_rings;
};

// One worker serves one lane.
struct serve {
    uint32_t worker;
    uint32_t lane;
    uint32_t next_of_worker; // also links free ones
    uint32_t prev, next;     // ring of the lane, while the worker has credit
};

struct lane_ring {
    uint32_t head; // next to be given a job
    uint32_t worker_count;
    uint32_t open_count; // of these, whoever takes jobs as soon as there is credit
    uint32_t next_woken; // list of those where somebody stands again
    bool is_woken;
    bool is_matched; // with the workers; then it was known
};

struct workers_peer {
    uint8_t role; // enum role; ROLE_NONE: has not said HELLO
    uint32_t worker;
};

struct workers {
    const struct lanes *lanes;
    struct worker *items;
    uint8_t *names; // WORKERS_NAMES_LEN per worker
    struct serve *serves;
    struct lane_ring *rings;
    struct workers_peer *peers;
    uint32_t cap, used, free, count;
    uint32_t serve_cap, serve_used, serve_free, serve_count;
    uint32_t lane_count;    // of numbers, when the lanes were matched with the workers
    uint64_t lanes_changes; // of lanes, by then
    uint32_t woken;         // list
    uint32_t peer_cap;
    uint64_t seed;
    struct index by_id;
};

size_t workers_size(const struct limits *limits);
void workers_init(struct workers *workers, void *memory, const struct limits *limits,
                  const struct lanes *lanes, uint64_t seed);

// The role a peer has announced; ROLE_NONE when it must say HELLO first.
enum role workers_role(const struct workers *workers, uint32_t peer);
void workers_set_peer(struct workers *workers, uint32_t peer, enum role role, uint32_t worker);
// The worker behind a peer, or WORKERS_NONE.
uint32_t workers_of_peer(const struct workers *workers, uint32_t peer);

uint32_t workers_find(const struct workers *workers, struct slice tenant, const struct id *id);
// A new, unconnected worker without credit. The tenant's name must outlive it.
//   ERR_FULL
MUST_USE err workers_add(struct workers *workers, struct slice tenant, const struct id *id,
                         uint32_t *out_worker);
// It has no leases.
void workers_drop(struct workers *workers, uint32_t worker);
struct worker *workers_at(const struct workers *workers, uint32_t worker);

// What it serves and takes, from READY. Nothing is changed on error.
//   ERR_FULL   limits.serve_count_max
MUST_USE err workers_ready(struct workers *workers, uint32_t worker, const struct msg_ready *ready);
// What it is called, as it said HELLO; what it serves is forgotten until its next READY.
void workers_name(struct workers *workers, uint32_t worker, struct slice name);

// Its name, and what it serves, separated by commas: copied to `room`, which has
// workers_words_len() bytes, and borrowed from there.
struct workers_words {
    struct slice name, types, queues;
};
size_t workers_words_len(const struct workers *workers, uint32_t worker);
struct workers_words workers_words(const struct workers *workers, uint32_t worker, uint8_t *room);
// The tenant's first worker from place `from` on, or WORKERS_NONE.
uint32_t workers_from(const struct workers *workers, struct slice tenant, uint32_t from);

// The place of the job's type among its types, when it takes such jobs of that tenant and queue; else
// WORKERS_NONE.
uint32_t workers_type_of(const struct workers *workers, uint32_t worker,
                         const struct msg_submit_job *job);

// It is told so, and gets no more jobs until its next session.
void workers_drain(struct workers *workers, uint32_t worker, enum drain drain);
// It takes nothing more until its next READY.
void workers_close(struct workers *workers, uint32_t worker);

// Lanes that were added since are matched with what the workers serve. When serve_count_max is
// reached, the workers that found no place serve the lane after their next READY.
void workers_match_lanes(struct workers *workers);

// The worker whose turn it is in this lane, or WORKERS_NONE; it has a free slot.
uint32_t workers_next(const struct workers *workers, uint32_t lane);
// A lane that had nobody in its ring and has since; WORKERS_NONE when there is no more.
uint32_t workers_take_woken(struct workers *workers);
// Does a payload of this length fit what it takes? One that is too long alone fits an idle one.
bool workers_fits(const struct workers *workers, uint32_t worker, uint32_t body_len);
void workers_stall(struct workers *workers, uint32_t worker);
// A lease was added to, or dropped from, its list.
void workers_out(struct workers *workers, uint32_t worker, uint32_t lane, uint32_t body_len);
void workers_back(struct workers *workers, uint32_t worker, uint32_t body_len);

// Does anybody take jobs of this lane, with or without credit now?
bool workers_is_open(const struct workers *workers, uint32_t lane);
uint32_t workers_serving(const struct workers *workers, uint32_t lane);
