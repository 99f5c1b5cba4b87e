#pragma once

// Messages that never end: their frames are held by libzmq until the last one is there, below no
// mark and no cap, and nothing of them is seen here. So now and then the guard looks at what the
// kernel says that each connection of a door has sent, and cuts those that send on and on while no
// message of theirs arrives. One thread, the one that receives.

#include "lib/link/link.h"

struct link_guard;

struct link_guard_options {
    uint64_t unended_bytes_max; // sent since the last whole message
};
enum { LINK_GUARD_DOORS_MAX = 4 };

// NULL when there is no memory.
struct link_guard *link_guard_new(const struct link_guard_options *options);
void link_guard_free(struct link_guard *guard); // NULL is allowed
// A bound TCP link; others are not looked at.
void link_guard_add(struct link_guard *guard, const struct link *door);

// A message has arrived. Costs nothing while nobody is suspected.
void link_guard_heard(struct link_guard *guard, const struct link_message *message);
// To be called when link_receive() has just found nothing. The number of connections cut.
uint32_t link_guard_look(struct link_guard *guard, when_ms now);
// Ends every connection of `door`, TCP or ipc; those who may come in connect again by themselves. How many
// they were.
uint32_t link_guard_cut_all(const struct link *door);
// The moment of the next look: each second at all, much more often at those who are suspected, later
// when looking itself takes long.
when_ms link_guard_at(const struct link_guard *guard);
