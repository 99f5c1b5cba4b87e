// Counts by queue, staged and settled.

#include "broker/store/store_queues.h"

#include "lib/base/check.h"

#include <stdlib.h>

enum { NUMBERS = UINT16_MAX + 1, NO_QUEUE = UINT16_MAX };

err store_queues_init(struct store_queues *queues)
{
    *queues = (struct store_queues){.lanes = malloc(NUMBERS * sizeof *queues->lanes)};
    if (queues->lanes == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t lane = 0; lane < NUMBERS; lane++)
        queues->lanes[lane] = NO_QUEUE;
    return OK;
}

void store_queues_deinit(struct store_queues *queues)
{
    free(queues->items);
    free(queues->lanes);
    free(queues->touched);
    *queues = (struct store_queues){0};
}

void store_queues_lane(struct store_queues *queues, uint16_t lane, uint16_t queue_no)
{
    queues->lanes[lane] = queue_no;
}

static err reach(struct store_queues *queues, uint16_t no)
{
    if (no < queues->count)
        return OK;
    uint32_t count = no + no / 2u + 16;
    struct store_queue *items = realloc(queues->items, count * sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    queues->items = items;
    uint32_t *touched = realloc(queues->touched, count * sizeof *touched);
    if (touched == NULL)
        return ERR_NO_MEMORY;
    queues->touched = touched;
    memset(items + queues->count, 0, (count - queues->count) * sizeof *items);
    queues->count = count;
    return OK;
}

err store_queues_load(struct store_queues *queues, const struct queue_row *row)
{
    err e = reach(queues, row->no);
    if (e != OK)
        return e;
    struct store_queue *queue = &queues->items[row->no];
    memcpy(queue->counts, row->counts, sizeof queue->counts);
    queue->is_known = true;
    return OK;
}

static void touch(struct store_queues *queues, uint32_t no)
{
    if (queues->items[no].is_touched)
        return;
    queues->items[no].is_touched = true;
    queues->touched[queues->touched_count++] = no;
}

void store_queues_drop(struct store_queues *queues, uint16_t no)
{
    if (no < queues->count)
        queues->items[no].is_known = false;
}

err store_queues_stage(struct store_queues *queues, const struct queue_row *row)
{
    err e = reach(queues, row->no);
    if (e != OK)
        return e;
    touch(queues, row->no);
    queues->items[row->no].staged = *row;
    queues->items[row->no].is_staged = true;
    return OK;
}

void store_queues_move(struct store_queues *queues, uint16_t lane, enum job_state from,
                       enum job_state to)
{
    uint16_t no = queues->lanes[lane];
    if (no >= queues->count) // nothing is known of it
        return;
    touch(queues, no);
    queues->items[no].deltas[from]--;
    queues->items[no].deltas[to]++;
}

static bool adds_up(const struct queue_row *row)
{
    uint64_t sum = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        sum += row->counts[state];
    return sum == row->accepted;
}

// A row that is not written says that nothing has moved.
static bool has_moved_alike(const struct store_queue *queue)
{
    const uint64_t *after = queue->is_staged ? queue->staged.counts : queue->counts;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        if (after[state] != queue->counts[state] + (uint64_t)queue->deltas[state])
            return false;
    return true;
}

static void clear(struct store_queues *queues)
{
    for (uint32_t i = 0; i < queues->touched_count; i++) {
        struct store_queue *queue = &queues->items[queues->touched[i]];
        memset(queue->deltas, 0, sizeof queue->deltas);
        queue->is_staged = false;
        queue->is_touched = false;
    }
    queues->touched_count = 0;
}

bool store_queues_settle(struct store_queues *queues, bool is_unsure)
{
    bool holds = true;
    for (uint32_t i = 0; i < queues->touched_count; i++) {
        struct store_queue *queue = &queues->items[queues->touched[i]];
        if (queue->is_staged && !adds_up(&queue->staged))
            holds = false;
        if (queue->is_known && !is_unsure && !has_moved_alike(queue))
            holds = false;
        if (!queue->is_staged)
            continue;
        memcpy(queue->counts, queue->staged.counts, sizeof queue->counts);
        queue->is_known = true;
    }
    clear(queues);
    return holds;
}

void store_queues_abort(struct store_queues *queues)
{
    clear(queues);
}
