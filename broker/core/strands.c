// Keys, their strands and lines.

#include "broker/core/strands.h"

#include "lib/base/arena.h"
#include "lib/base/check.h"
#include "lib/base/prng.h"

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t strands_size(const struct limits *limits)
{
    size_t cap = limits->concurrency_key_count_max;
    size_t jobs = limits->job_count_max;
    return round16(cap * sizeof(struct strand_key)) + round16(cap * sizeof(struct strand)) +
           cap * sizeof(struct meld_node) + jobs * sizeof(struct meld_node) +
           round16(jobs * sizeof(struct strand_slot)) +
           round16(limits->lane_count_max * sizeof(struct strand_lane)) +
           index_size(limits->concurrency_key_count_max);
}

void strands_init(struct strands *strands, void *memory, const struct limits *limits,
                  const struct strands_base *base)
{
    struct arena room = {.data = memory, .cap = strands_size(limits)};
    size_t cap = limits->concurrency_key_count_max;
    size_t jobs = limits->job_count_max;
    *strands = (struct strands){.jobs = base->jobs,
                                .bonds = base->bonds,
                                .lane_table = base->lanes,
                                .seed = base->seed,
                                .cap = limits->concurrency_key_count_max,
                                .key_free = STRANDS_NONE,
                                .free = STRANDS_NONE,
                                .touched = STRANDS_NONE,
                                .running_max = limits->key_running_max,
                                .age_step_ms = limits->age_step_ms};
    strands->item_nodes = arena_take(&room, cap * sizeof *strands->item_nodes);
    strands->job_nodes = arena_take(&room, jobs * sizeof *strands->job_nodes);
    strands->keys = arena_take(&room, round16(cap * sizeof *strands->keys));
    strands->items = arena_take(&room, round16(cap * sizeof *strands->items));
    strands->slots = arena_take(&room, round16(jobs * sizeof *strands->slots));
    strands->lanes = arena_take(&room, round16(limits->lane_count_max * sizeof *strands->lanes));
    index_init(&strands->by_key, arena_take(&room, index_size(strands->cap)), strands->cap);
}

// --- finding ---

static uint64_t hash_of(const struct strands *strands, uint32_t queue, uint64_t key_hash)
{
    return prng_mix(strands->seed ^ prng_mix(key_hash) ^ queue);
}

static uint32_t find_key(const struct strands *strands, uint32_t queue, uint64_t key_hash)
{
    uint32_t at = index_first(&strands->by_key, hash_of(strands, queue, key_hash));
    while (at != INDEX_NONE &&
           (strands->keys[at].hash != key_hash || strands->keys[at].queue != queue))
        at = index_next(&strands->by_key, at);
    return at;
}

// Few: one for each type that the key is used with.
static uint32_t find_strand(const struct strands *strands, uint32_t key, uint32_t lane)
{
    uint32_t at = strands->keys[key].first;
    while (at != STRANDS_NONE && strands->items[at].lane != lane)
        at = strands->items[at].next;
    return at;
}

static struct strand_lane *lane_at(struct strands *strands, uint32_t lane)
{
    for (; strands->lane_count <= lane; strands->lane_count++)
        strands->lanes[strands->lane_count] = (struct strand_lane){.heap = MELD_NONE};
    return &strands->lanes[lane];
}

static uint32_t strand_of(const struct strands *strands, uint32_t slot)
{
    CHECK(strands->slots[slot].strand > 0);
    return strands->slots[slot].strand - 1;
}

static struct strand_key *key_of(struct strands *strands, uint32_t slot)
{
    return &strands->keys[strands->items[strand_of(strands, slot)].key];
}

static bool is_ordered(const struct strands *strands, uint32_t slot)
{
    return strands->bonds[slot].order != ORDER_NONE;
}

// --- what a strand would give now ---

static when_ms urgency_of(const struct strands *strands, uint32_t slot)
{
    const struct job *job = jobs_at(strands->jobs, slot);
    return when_after(job->at, (when_ms)job->priority * strands->age_step_ms);
}

static bool is_before(const struct strands *strands, uint32_t a, uint32_t b)
{
    when_ms difference = urgency_of(strands, a) - urgency_of(strands, b);
    if (difference != 0)
        return difference < 0;
    return jobs_at(strands->jobs, a)->no < jobs_at(strands->jobs, b)->no;
}

static bool may_start_line(const struct strands *strands, const struct strand_key *key)
{
    return key->line != MELD_NONE && key->line_running == 0 &&
           jobs_at(strands->jobs, key->line)->state == JOB_QUEUED;
}

// Its queue's limit, else the broker's.
static bool is_at_limit(const struct strands *strands, const struct strand_key *key)
{
    const struct queue_row *row = queues_peek(strands->lane_table->queues, key->queue);
    uint32_t limit = row->settings.key_running_max;
    return key->running >= (limit > 0 ? limit : strands->running_max);
}

static uint32_t choose(const struct strands *strands, uint32_t no)
{
    const struct strand *strand = &strands->items[no];
    const struct strand_key *key = &strands->keys[strand->key];
    if (key->is_shut || is_at_limit(strands, key))
        return STRANDS_NONE;
    uint32_t best = strand->heap;
    bool has_head = may_start_line(strands, key) && strand_of(strands, key->line) == no;
    if (has_head && (best == MELD_NONE || is_before(strands, key->line, best)))
        best = key->line;
    return best;
}

static void touch(struct strands *strands, uint32_t no)
{
    struct strand_lane *lane = lane_at(strands, no);
    if (lane->is_touched)
        return;
    lane->is_touched = true;
    lane->next_touched = strands->touched;
    strands->touched = no;
}

static void refresh(struct strands *strands, uint32_t no)
{
    struct strand *strand = &strands->items[no];
    struct strand_lane *lane = lane_at(strands, strand->lane);
    uint32_t best = choose(strands, no);
    if (best == strand->best)
        return;
    if (strand->best != STRANDS_NONE)
        meld_drop(strands->item_nodes, &lane->heap, no);
    strand->best = best;
    touch(strands, strand->lane);
    if (best == STRANDS_NONE)
        return;
    strands->item_nodes[no].key = urgency_of(strands, best);
    strands->item_nodes[no].tie = jobs_at(strands->jobs, best)->no;
    meld_push(strands->item_nodes, &lane->heap, no);
}

static void refresh_key(struct strands *strands, const struct strand_key *key)
{
    for (uint32_t at = key->first; at != STRANDS_NONE; at = strands->items[at].next)
        refresh(strands, at);
}

// --- holding ---

bool strands_has_room(const struct strands *strands, uint32_t lane, uint64_t key_hash)
{
    uint32_t key = INDEX_NONE;
    if (lane != LANES_NONE)
        key = find_key(strands, lanes_queue(strands->lane_table, lane), key_hash);
    if (key == INDEX_NONE)
        return strands->count < strands->cap && strands->key_count < strands->cap;
    return strands->count < strands->cap || find_strand(strands, key, lane) != STRANDS_NONE;
}

static uint32_t add_key(struct strands *strands, uint32_t queue, uint64_t key_hash)
{
    uint32_t no = strands->key_free;
    if (no == STRANDS_NONE)
        no = strands->key_used++;
    else
        strands->key_free = strands->keys[no].next_free;
    CHECK(no < strands->cap);
    strands->key_count++;
    strands->keys[no] = (struct strand_key){
        .hash = key_hash, .queue = queue, .line = MELD_NONE, .first = STRANDS_NONE};
    index_add(&strands->by_key, no, hash_of(strands, queue, key_hash));
    return no;
}

static uint32_t add_strand(struct strands *strands, uint32_t key, uint32_t lane)
{
    uint32_t no = strands->free;
    if (no == STRANDS_NONE)
        no = strands->used++;
    else
        strands->free = strands->items[no].next;
    CHECK(no < strands->cap);
    strands->count++;
    strands->items[no] = (struct strand){.key = key,
                                         .lane = lane,
                                         .heap = MELD_NONE,
                                         .best = STRANDS_NONE,
                                         .next = strands->keys[key].first};
    strands->keys[key].first = no;
    return no;
}

void strands_hold(struct strands *strands, uint32_t slot)
{
    CHECK(strands->slots[slot].strand == 0);
    uint32_t lane = jobs_at(strands->jobs, slot)->lane;
    uint32_t queue = lanes_queue(strands->lane_table, lane);
    uint64_t key_hash = strands->bonds[slot].key_hash;
    uint32_t key = find_key(strands, queue, key_hash);
    if (key == INDEX_NONE)
        key = add_key(strands, queue, key_hash);
    uint32_t strand = find_strand(strands, key, lane);
    if (strand == STRANDS_NONE)
        strand = add_strand(strands, key, lane);
    strands->keys[key].jobs++;
    strands->items[strand].jobs++;
    strands->slots[slot] = (struct strand_slot){.strand = strand + 1};
}

static void drop_strand(struct strands *strands, uint32_t no)
{
    struct strand *strand = &strands->items[no];
    CHECK(strand->best == STRANDS_NONE && strand->heap == MELD_NONE);
    uint32_t *link = &strands->keys[strand->key].first;
    while (*link != no)
        link = &strands->items[*link].next;
    *link = strand->next;
    *strand = (struct strand){.next = strands->free};
    strands->free = no;
    strands->count--;
}

static void drop_key(struct strands *strands, uint32_t no)
{
    struct strand_key *key = &strands->keys[no];
    CHECK(key->running == 0 && key->line == MELD_NONE && key->first == STRANDS_NONE);
    index_drop(&strands->by_key, no, hash_of(strands, key->queue, key->hash));
    *key = (struct strand_key){.next_free = strands->key_free};
    strands->key_free = no;
    strands->key_count--;
}

uint32_t strands_let_go(struct strands *strands, uint32_t slot)
{
    CHECK(strands->slots[slot].place == STRAND_OUT);
    uint32_t strand = strand_of(strands, slot);
    uint32_t key = strands->items[strand].key;
    strands->slots[slot] = (struct strand_slot){0};
    if (--strands->items[strand].jobs == 0)
        drop_strand(strands, strand);
    if (--strands->keys[key].jobs > 0)
        return STRANDS_NONE;
    if (strands->keys[key].is_kept)
        return key;
    drop_key(strands, key);
    return STRANDS_NONE;
}

bool strands_is_held(const struct strands *strands, uint32_t slot)
{
    return strands->slots[slot].strand > 0;
}

// --- waiting and running ---

static void count_queued(struct strands *strands, uint32_t slot, bool is_more)
{
    const struct job *job = jobs_at(strands->jobs, slot);
    struct strand_lane *lane = lane_at(strands, job->lane);
    if (job->state != JOB_QUEUED)
        return;
    CHECK_IMPLIES(!is_more, lane->count > 0);
    lane->count += is_more ? 1 : UINT32_MAX;
}

static void enter_line(struct strands *strands, uint32_t slot)
{
    const struct bond *bond = &strands->bonds[slot];
    const struct job *job = jobs_at(strands->jobs, slot);
    struct meld_node *node = &strands->job_nodes[slot];
    node->key = (int64_t)(bond->rank != 0 ? bond->rank : 2 * job->no);
    node->tie = job->no;
    meld_push(strands->job_nodes, &key_of(strands, slot)->line, slot);
    strands->slots[slot].place = STRAND_IN_LINE;
}

void strands_wait(struct strands *strands, uint32_t slot)
{
    struct strand_key *key = key_of(strands, slot);
    count_queued(strands, slot, true);
    if (strands->slots[slot].place == STRAND_IN_LINE) {
        refresh_key(strands, key); // its retry is due
        return;
    }
    CHECK(strands->slots[slot].place == STRAND_OUT);
    if (is_ordered(strands, slot)) {
        enter_line(strands, slot);
        refresh_key(strands, key);
        return;
    }
    uint32_t strand = strand_of(strands, slot);
    strands->job_nodes[slot].key = urgency_of(strands, slot);
    strands->job_nodes[slot].tie = jobs_at(strands->jobs, slot)->no;
    meld_push(strands->job_nodes, &strands->items[strand].heap, slot);
    strands->slots[slot].place = STRAND_WAITS;
    refresh(strands, strand);
}

void strands_leave(struct strands *strands, uint32_t slot)
{
    uint32_t strand = strand_of(strands, slot);
    enum strand_place place = (enum strand_place)strands->slots[slot].place;
    if (place != STRAND_WAITS && place != STRAND_IN_LINE)
        return;
    count_queued(strands, slot, false);
    strands->slots[slot].place = STRAND_OUT;
    if (place == STRAND_WAITS) {
        meld_drop(strands->job_nodes, &strands->items[strand].heap, slot);
        refresh(strands, strand);
        return;
    }
    struct strand_key *key = key_of(strands, slot);
    meld_drop(strands->job_nodes, &key->line, slot);
    refresh_key(strands, key);
}

void strands_run(struct strands *strands, uint32_t slot)
{
    CHECK(strands->slots[slot].place == STRAND_OUT);
    struct strand_key *key = key_of(strands, slot);
    strands->slots[slot].place = STRAND_RUNS;
    key->running++;
    key->line_running += is_ordered(strands, slot);
    refresh_key(strands, key);
}

void strands_stop(struct strands *strands, uint32_t slot)
{
    if (strands->slots[slot].place != STRAND_RUNS)
        return;
    struct strand_key *key = key_of(strands, slot);
    CHECK(key->running > 0);
    strands->slots[slot].place = STRAND_OUT;
    key->running--;
    key->line_running -= is_ordered(strands, slot);
    refresh_key(strands, key);
}

// --- what is said of keys ---

uint32_t strands_key(const struct strands *strands, uint32_t slot)
{
    return strands->items[strand_of(strands, slot)].key;
}

static struct strand_key *key_at(const struct strands *strands, uint32_t key)
{
    CHECK(key < strands->key_used);
    return &strands->keys[key];
}

const struct strand_key *strands_at(const struct strands *strands, uint32_t key)
{
    return key_at(strands, key);
}

void strands_shut(struct strands *strands, uint32_t key, bool is_shut)
{
    key_at(strands, key)->is_shut = is_shut;
    refresh_key(strands, key_at(strands, key));
}

void strands_keep(struct strands *strands, uint32_t key)
{
    key_at(strands, key)->is_kept = true;
}

bool strands_forget(struct strands *strands, uint32_t key)
{
    key_at(strands, key)->is_kept = false;
    bool is_idle = key_at(strands, key)->jobs == 0;
    if (is_idle)
        drop_key(strands, key);
    return is_idle;
}

// Rare: somebody has set something.
void strands_obey(struct strands *strands, uint32_t queue)
{
    for (uint32_t no = 0; no < strands->key_used; no++)
        if (strands->keys[no].jobs > 0 && strands->keys[no].queue == queue)
            strands_shut(strands, no, false);
}

// --- asking ---

uint32_t strands_best(const struct strands *strands, uint32_t lane)
{
    if (lane >= strands->lane_count || strands->lanes[lane].heap == MELD_NONE)
        return STRANDS_NONE;
    return strands->items[strands->lanes[lane].heap].best;
}

when_ms strands_urgency(const struct strands *strands, uint32_t lane)
{
    uint32_t best = strands_best(strands, lane);
    return best == STRANDS_NONE ? WHEN_NEVER : urgency_of(strands, best);
}

uint32_t strands_count(const struct strands *strands, uint32_t lane)
{
    return lane < strands->lane_count ? strands->lanes[lane].count : 0;
}

uint32_t strands_take_touched(struct strands *strands)
{
    uint32_t lane = strands->touched;
    if (lane == STRANDS_NONE)
        return STRANDS_NONE;
    strands->touched = strands->lanes[lane].next_touched;
    strands->lanes[lane].is_touched = false;
    return lane;
}

bool strands_has(const struct strands *strands, uint32_t slot)
{
    if (!strands_is_held(strands, slot))
        return false;
    enum strand_place expected = is_ordered(strands, slot) ? STRAND_IN_LINE : STRAND_WAITS;
    uint32_t strand = strand_of(strands, slot);
    return strands->slots[slot].place == expected &&
           choose(strands, strand) == strands->items[strand].best;
}

bool strands_is_at_limit(const struct strands *strands, uint32_t queue, uint64_t key_hash)
{
    uint32_t key = key_hash == 0 ? INDEX_NONE : find_key(strands, queue, key_hash);
    return key != INDEX_NONE && is_at_limit(strands, &strands->keys[key]);
}

bool strands_is_busy(const struct strands *strands, uint32_t slot)
{
    const struct strand *strand = &strands->items[strand_of(strands, slot)];
    const struct strand_key *key = &strands->keys[strand->key];
    if (is_at_limit(strands, key))
        return true;
    return is_ordered(strands, slot) && (key->line_running > 0 || key->line != slot);
}
