#pragma once

// Who talks to this broker: routing ids of the link on one side, small numbers for the core on
// the other. A number is given at HELLO and taken back when the core has been told
// (COMMAND_GONE) and every batch that may still answer to it has been released:
//
//     free ──peers_add──▶ present ──peers_leave──▶ leaving ──peers_take_left──▶ told
//      ▲                                                                          │
//      └────────────────────────────────peers_drop────────────────────────────────┘
//
// The link thread owns it.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"
#include "proto/msg.h"

#define PEERS_NONE UINT32_MAX

enum { PEERS_ROUTE_LEN_MAX = 255 };

struct peers;

struct peers_options {
    uint32_t count_max;
    when_ms worker_silence_ms; // a worker unheard for so long is forgotten
    when_ms other_silence_ms;
    uint64_t seed;
};

// A peer as it was when it asked: answers that come later must not reach a successor.
struct peers_ref {
    uint32_t number;
    uint32_t generation;
};

// NULL when there is no memory.
struct peers *peers_new(const struct peers_options *options);
void peers_free(struct peers *peers);

// The number of a present peer, or PEERS_NONE.
uint32_t peers_find(const struct peers *peers, struct slice route);

// A number for a route that is not present. When the table is full the longest silent peer that
// is no worker is made to leave, so that a later attempt finds room.
//   ERR_FULL       no number is free now
//   ERR_TOO_LARGE  the route is empty or longer than PEERS_ROUTE_LEN_MAX
MUST_USE err peers_add(struct peers *peers, struct slice route, when_ms now, uint32_t *out_number);

// The peer has spoken.
void peers_heard(struct peers *peers, uint32_t number, when_ms now);
// What it is, by its HELLO.
void peers_set_role(struct peers *peers, uint32_t number, enum role role);
// Whose it is, by its HELLO; borrowed.
void peers_set_tenant(struct peers *peers, uint32_t number, struct slice tenant);
struct slice peers_tenant(const struct peers *peers, uint32_t number);
enum role peers_role(const struct peers *peers, uint32_t number);
// By which key, and by which connection, it has said HELLO; at a door without keys the key is empty.
enum { PEERS_KEY_LEN_MAX = 40 };
void peers_set_key(struct peers *peers, uint32_t number, struct slice key, int connection);
struct slice peers_key(const struct peers *peers, uint32_t number); // borrowed until it leaves
int peers_connection(const struct peers *peers, uint32_t number);

// Where to send to; empty when the peer is not present. Borrowed until it leaves.
struct slice peers_route(const struct peers *peers, uint32_t number);

struct peers_ref peers_ref(const struct peers *peers, uint32_t number);
// Is it still the same peer, and present?
bool peers_is_here(const struct peers *peers, struct peers_ref ref);

// Makes a present peer leave; others are left alone.
void peers_leave(struct peers *peers, uint32_t number);
// Makes those leave that have been silent too long.
void peers_leave_silent(struct peers *peers, when_ms now);
// When the next one will have been, or WHEN_NEVER.
when_ms peers_deadline(const struct peers *peers);

// One that leaves and of which the core must be told, or PEERS_NONE.
uint32_t peers_take_left(struct peers *peers);
// Gives the number of a told peer back.
void peers_drop(struct peers *peers, uint32_t number);

// The present peers one after another: begin with PEERS_NONE; PEERS_NONE at the end.
uint32_t peers_next(const struct peers *peers, uint32_t number);
// The present workers one after another: begin with PEERS_NONE; PEERS_NONE at the end.
uint32_t peers_next_worker(const struct peers *peers, uint32_t number);

uint32_t peers_count(const struct peers *peers);
uint32_t peers_worker_count(const struct peers *peers);
