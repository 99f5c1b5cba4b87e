// A table without chains: of two that meet in a place the later one has it.

#include "broker/shell/warden.h"

#include "lib/base/prng.h"

#include <stdlib.h>

struct record {
    uint64_t route; // its hash; 0: free
    when_ms since;
    uint32_t count;
    bool is_cut;
};

struct warden {
    struct record records[WARDEN_RECORDS];
    uint64_t seed;
};

struct warden *warden_new(uint64_t seed)
{
    struct warden *warden = calloc(1, sizeof *warden);
    if (warden != NULL)
        warden->seed = seed;
    return warden;
}

void warden_free(struct warden *warden)
{
    free(warden);
}

static uint64_t hash_of(const struct warden *warden, struct slice route)
{
    uint64_t hash = warden->seed;
    for (size_t i = 0; i < route.len; i++)
        hash = prng_mix(hash ^ route.data[i]);
    return hash | 1;
}

enum warden_verdict warden_note(struct warden *warden, struct slice route, when_ms now)
{
    uint64_t hash = hash_of(warden, route);
    struct record *record = &warden->records[(hash >> 1) % WARDEN_RECORDS];
    bool is_known = record->route == hash;
    if (is_known && record->is_cut)
        return WARDEN_GONE;
    if (!is_known || now - record->since >= WARDEN_SPAN_MS)
        *record = (struct record){.route = hash, .since = now};
    record->is_cut = ++record->count > WARDEN_MISDEEDS_MAX;
    return record->is_cut ? WARDEN_CUT : WARDEN_BORNE;
}
