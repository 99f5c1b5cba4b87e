#pragma once

// Counts what connections do that no sound peer does: messages of another format, of kinds that a
// broker does not take, of another's tenant. One that does so again and again is to be cut. A
// connection is known by its routing id: numbers of descriptors are used again at once, while
// messages of the connection before are still waiting. The link thread owns it.

#include "lib/base/slice.h"
#include "lib/base/when.h"

struct warden;

enum {
    WARDEN_MISDEEDS_MAX = 100, // so many …
    WARDEN_SPAN_MS = 60000,    // … within it are borne
    WARDEN_RECORDS = 4096,     // connections at once; more may be forgotten early
};

enum warden_verdict {
    WARDEN_BORNE,
    WARDEN_CUT,  // it is to be cut, now
    WARDEN_GONE, // it has been; this was still on its way
};

// NULL when there is no memory.
struct warden *warden_new(uint64_t seed);
void warden_free(struct warden *warden); // NULL is allowed

// A misdeed by the connection of `route`.
enum warden_verdict warden_note(struct warden *warden, struct slice route, when_ms now);
