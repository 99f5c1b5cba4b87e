// Segments in memory: an array by number, with the changes of one batch staged beside it.

#include "broker/store/store_segments.h"

#include <stdlib.h>

void store_segments_init(struct store_segments *segments)
{
    *segments = (struct store_segments){0};
    (void)pthread_mutex_init(&segments->lock, NULL); // cannot fail with default attributes
}

void store_segments_deinit(struct store_segments *segments)
{
    (void)pthread_mutex_destroy(&segments->lock);
    free(segments->items);
    free(segments->stages);
}

bool store_segments_has_unfinished(const struct store_record_segment *segment)
{
    return segment->counts[JOB_SCHEDULED] + segment->counts[JOB_QUEUED] +
               segment->counts[JOB_RUNNING] + segment->counts[JOB_RETRYING] >
           0;
}

// Makes the array reach up to `no`. The numbers never go below the first one: what is older than
// everything stored is gone for ever.
static err reach(struct store_segments *segments, uint64_t no)
{
    if (segments->count == 0)
        segments->first_no = no;
    CHECK(no >= segments->first_no);
    size_t wanted = (size_t)(no - segments->first_no) + 1;
    if (wanted <= segments->count)
        return OK;
    if (wanted > segments->cap) {
        size_t cap = wanted + wanted / 2 + 64;
        struct store_segment *items = realloc(segments->items, cap * sizeof *items);
        if (items == NULL)
            return ERR_NO_MEMORY;
        segments->items = items;
        segments->cap = cap;
    }
    for (size_t i = segments->count; i < wanted; i++)
        segments->items[i] = (struct store_segment){.settled = {.earliest_at = WHEN_NEVER}};
    segments->count = wanted;
    return OK;
}

static struct store_segment *item_of(const struct store_segments *segments, uint64_t no)
{
    CHECK(no >= segments->first_no && no - segments->first_no < segments->count);
    return &segments->items[no - segments->first_no];
}

err store_segments_load(struct store_segments *segments, uint64_t no,
                        const struct store_record_segment *settled)
{
    err e = reach(segments, no);
    if (e == OK)
        item_of(segments, no)->settled = *settled;
    return e;
}

static err add_stage(struct store_segments *segments, uint64_t no)
{
    (void)pthread_mutex_lock(&segments->lock);
    err e = reach(segments, no);
    (void)pthread_mutex_unlock(&segments->lock);
    if (e != OK)
        return e;
    if (segments->stage_count == segments->stage_cap) {
        size_t cap = segments->stage_cap * 2 + 64;
        struct store_stage *stages = realloc(segments->stages, cap * sizeof *stages);
        if (stages == NULL)
            return ERR_NO_MEMORY;
        segments->stages = stages;
        segments->stage_cap = cap;
    }
    segments->stages[segments->stage_count++] =
        (struct store_stage){.no = no, .earliest_at = WHEN_NEVER};
    item_of(segments, no)->stage = (uint32_t)segments->stage_count;
    return OK;
}

err store_segments_stage(struct store_segments *segments, uint64_t job_no, enum job_state from,
                         const struct job_row *to)
{
    uint64_t no = job_no / STORE_SEGMENT_JOBS;
    bool is_there = segments->count > 0 && no - segments->first_no < segments->count;
    if (!is_there || item_of(segments, no)->stage == 0) {
        err e = add_stage(segments, no);
        if (e != OK)
            return e;
    }
    struct store_stage *stage = &segments->stages[item_of(segments, no)->stage - 1];
    stage->deltas[from]--;
    if (to == NULL)
        return OK;
    stage->deltas[to->state]++;
    stage->earliest_at = when_min(stage->earliest_at, store_record_sweep_at(to));
    return OK;
}

// What the segment of a stage will be. False when it holds no rows any more.
static bool settle_stage(const struct store_segments *segments, const struct store_stage *stage,
                         struct store_record_segment *out_segment)
{
    const struct store_segment *item = item_of(segments, stage->no);
    bool has_rows = false;
    // A count below zero means a damaged past; it is seen by the audit, not hidden here.
    for (unsigned i = JOB_NONE + 1; i < JOB_STATES; i++) {
        int32_t count = item->settled.counts[i] + stage->deltas[i];
        out_segment->counts[i] = (uint16_t)(count > 0 ? count : 0);
        has_rows = has_rows || count > 0;
    }
    out_segment->counts[JOB_NONE] = 0;
    out_segment->earliest_at =
        has_rows ? when_min(item->settled.earliest_at, stage->earliest_at) : WHEN_NEVER;
    return has_rows;
}

bool store_segments_staged(struct store_segments *segments, size_t place, uint64_t *out_no,
                           struct store_record_segment *out_segment)
{
    CHECK(place < segments->stage_count);
    const struct store_stage *stage = &segments->stages[place];
    // A walk may tell the segment's next moment meanwhile.
    (void)pthread_mutex_lock(&segments->lock);
    bool has_rows = settle_stage(segments, stage, out_segment);
    (void)pthread_mutex_unlock(&segments->lock);
    *out_no = stage->no;
    return has_rows;
}

void store_segments_settle(struct store_segments *segments, uint64_t commit)
{
    (void)pthread_mutex_lock(&segments->lock);
    for (size_t i = 0; i < segments->stage_count; i++) {
        const struct store_stage *stage = &segments->stages[i];
        struct store_record_segment settled;
        (void)settle_stage(segments, stage, &settled); // kept as an empty one, too
        *item_of(segments, stage->no) =
            (struct store_segment){.settled = settled, .touched = commit};
    }
    segments->stage_count = 0;
    (void)pthread_mutex_unlock(&segments->lock);
}

void store_segments_abort(struct store_segments *segments)
{
    for (size_t i = 0; i < segments->stage_count; i++)
        item_of(segments, segments->stages[i].no)->stage = 0;
    segments->stage_count = 0;
}

bool store_segments_due(struct store_segments *segments, uint64_t from_no, when_ms now,
                        uint64_t *out_no)
{
    bool is_found = false;
    (void)pthread_mutex_lock(&segments->lock);
    size_t place = from_no > segments->first_no ? (size_t)(from_no - segments->first_no) : 0;
    while (place < segments->count && segments->items[place].settled.earliest_at > now)
        place++;
    if (place < segments->count) {
        is_found = true;
        *out_no = segments->first_no + place;
    }
    (void)pthread_mutex_unlock(&segments->lock);
    return is_found;
}

static bool has_any(const struct store_record_segment *segment, uint32_t states)
{
    for (unsigned state = JOB_NONE + 1; state < JOB_STATES; state++) {
        if ((states & 1u << state) != 0 && segment->counts[state] > 0)
            return true;
    }
    return false;
}

bool store_segments_before(struct store_segments *segments, uint64_t upto_no, uint32_t states,
                           uint64_t *out_no)
{
    bool is_found = false;
    (void)pthread_mutex_lock(&segments->lock);
    size_t place = segments->count;
    if (upto_no < segments->first_no)
        place = 0;
    else if (upto_no - segments->first_no < segments->count)
        place = (size_t)(upto_no - segments->first_no) + 1;
    while (place > 0 && !is_found)
        is_found = has_any(&segments->items[--place].settled, states);
    if (is_found)
        *out_no = segments->first_no + place;
    (void)pthread_mutex_unlock(&segments->lock);
    return is_found;
}

void store_segments_walked(struct store_segments *segments, uint64_t no, uint64_t seen,
                           when_ms earliest_at)
{
    (void)pthread_mutex_lock(&segments->lock);
    struct store_segment *item = item_of(segments, no);
    // A later commit may have added something earlier: then the next walk will tell.
    if (item->touched <= seen)
        item->settled.earliest_at = earliest_at;
    (void)pthread_mutex_unlock(&segments->lock);
}
