// Sums of waiting and of starts.

#include "broker/core/paces.h"

#include "lib/base/check.h"

size_t paces_size(const struct limits *limits)
{
    return limits->lane_count_max * sizeof(struct pace);
}

void paces_init(struct paces *paces, void *memory, const struct limits *limits)
{
    *paces = (struct paces){.lanes = memory, .cap = limits->lane_count_max};
}

static struct pace *at(const struct paces *paces, uint32_t lane)
{
    CHECK(lane < paces->cap);
    return &paces->lanes[lane];
}

static void shrink(struct pace *pace)
{
    if (pace->spent_ms <= PACES_SPAN_MS || pace->starts_milli <= PACES_STARTS * 1000)
        return;
    pace->spent_ms -= pace->spent_ms / 8;
    pace->starts_milli -= pace->starts_milli / 8;
}

static void fold(struct pace *pace, when_ms now)
{
    CHECK(now >= pace->since);
    if (now - pace->since > PACES_GAP_MS) {
        pace->opened_at = now;
    } else {
        pace->spent_ms += (uint64_t)(now - pace->since);
        pace->starts_milli += (uint64_t)pace->fresh * 1000;
        shrink(pace);
    }
    pace->since = now;
    pace->fresh = 0;
}

void paces_rest(struct paces *paces, uint32_t lane)
{
    at(paces, lane)->is_open = false;
}

void paces_start(struct paces *paces, uint32_t lane, when_ms now, bool is_last)
{
    struct pace *pace = at(paces, lane);
    if (!pace->is_open && !is_last) {
        pace->is_open = true;
        pace->opened_at = pace->since = now;
        pace->fresh = 0;
        return;
    }
    if (!pace->is_open)
        return;
    // Those that start together with the first one have not waited for it.
    pace->fresh += now > pace->opened_at;
    if (is_last || now - pace->since >= PACES_FOLD_MS)
        fold(pace, now);
    pace->is_open = !is_last;
}

void paces_forget(struct paces *paces, uint32_t lane)
{
    *at(paces, lane) = (struct pace){0};
}

when_ms paces_wait_ms(const struct paces *paces, uint32_t lane, uint64_t count, when_ms now)
{
    struct pace pace = *at(paces, lane);
    if (now - pace.since > PACES_GAP_MS)
        return WHEN_NEVER;
    if (pace.is_open)
        fold(&pace, now);
    if (pace.starts_milli < PACES_STARTS_MIN * 1000)
        return WHEN_NEVER;
    // A start takes no longer than a gap, and there are at most 2^32 jobs: no overflow.
    uint64_t start_us = pace.spent_ms * 1000 * 1000 / pace.starts_milli;
    return (when_ms)(start_us * count / 1000);
}
