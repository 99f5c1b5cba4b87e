// Lists of waiting jobs.

#include "broker/core/ready.h"

static size_t lanes_bytes(const struct limits *limits)
{
    return ((size_t)limits->lane_count_max * sizeof(struct ready_lane) + 15) / 16 * 16;
}

size_t ready_size(const struct limits *limits)
{
    return lanes_bytes(limits) + (size_t)limits->job_count_max * sizeof(struct ready_links);
}

void ready_init(struct ready *ready, void *memory, const struct limits *limits,
                const struct jobs *jobs)
{
    *ready = (struct ready){
        .jobs = jobs,
        .lanes = memory,
        .links = (struct ready_links *)(void *)((uint8_t *)memory + lanes_bytes(limits)),
        .age_step_ms = limits->age_step_ms};
}

// Lanes get numbers in order, so those below lane_count have been emptied once.
static struct ready_lane *lane_at(struct ready *ready, uint32_t lane)
{
    for (; ready->lane_count <= lane; ready->lane_count++) {
        struct ready_lane *fresh = &ready->lanes[ready->lane_count];
        fresh->count = 0;
        fresh->best = READY_NONE;
        fresh->urgency = WHEN_NEVER;
        for (unsigned p = 0; p < READY_PRIORITIES; p++)
            fresh->heads[p] = fresh->tails[p] = READY_NONE;
    }
    return &ready->lanes[lane];
}

static when_ms urgency_of(const struct ready *ready, const struct job *job)
{
    return when_after(job->at, (when_ms)job->priority * ready->age_step_ms);
}

// A new head may be the best; of equal ones the smaller priority is.
static void offer(const struct ready *ready, struct ready_lane *lane, uint32_t slot)
{
    const struct job *job = jobs_at(ready->jobs, slot);
    when_ms urgency = urgency_of(ready, job);
    bool is_better =
        lane->best == READY_NONE || urgency < lane->urgency ||
        (urgency == lane->urgency && job->priority < jobs_at(ready->jobs, lane->best)->priority);
    if (!is_better)
        return;
    lane->best = slot;
    lane->urgency = urgency;
}

static void choose(const struct ready *ready, struct ready_lane *lane)
{
    lane->best = READY_NONE;
    lane->urgency = WHEN_NEVER;
    for (unsigned p = 0; p < READY_PRIORITIES; p++)
        if (lane->heads[p] != READY_NONE)
            offer(ready, lane, lane->heads[p]);
}

void ready_push(struct ready *ready, uint32_t slot)
{
    const struct job *job = jobs_at(ready->jobs, slot);
    CHECK(job->state == JOB_QUEUED);
    struct ready_lane *lane = lane_at(ready, job->lane);
    uint32_t tail = lane->tails[job->priority];
    ready->links[slot] = (struct ready_links){.prev = tail, .next = READY_NONE};
    if (tail == READY_NONE) {
        lane->heads[job->priority] = slot;
        offer(ready, lane, slot);
    } else {
        ready->links[tail].next = slot;
    }
    lane->tails[job->priority] = slot;
    lane->count++;
}

static bool is_before(const struct ready *ready, uint32_t a, uint32_t b)
{
    const struct job *left = jobs_at(ready->jobs, a);
    const struct job *right = jobs_at(ready->jobs, b);
    return left->at != right->at ? left->at < right->at : left->no < right->no;
}

static bool is_sorted(const struct ready *ready, uint32_t head)
{
    for (uint32_t next = READY_NONE; head != READY_NONE; head = next) {
        next = ready->links[head].next;
        if (next != READY_NONE && is_before(ready, next, head))
            return false;
    }
    return true;
}

// The slot `width` places behind `slot`, or READY_NONE.
static uint32_t skip(const struct ready *ready, uint32_t slot, uint32_t width)
{
    for (; width > 0 && slot != READY_NONE; width--)
        slot = ready->links[slot].next;
    return slot;
}

// Appends the merged runs [left, middle) and [middle, end) behind `*place`; returns the place of
// the next one.
static uint32_t *merge(struct ready *ready, uint32_t *place, uint32_t left, uint32_t middle,
                       uint32_t end)
{
    uint32_t right = middle;
    while (left != middle || right != end) {
        bool from_right = left == middle || (right != end && is_before(ready, right, left));
        uint32_t taken = from_right ? right : left;
        if (from_right)
            right = ready->links[right].next;
        else
            left = ready->links[left].next;
        *place = taken;
        place = &ready->links[taken].next;
    }
    return place;
}

// Bottom up: runs of 1, 2, 4 … sorted slots, through `next` alone.
static void sort(struct ready *ready, uint32_t *head, uint32_t count)
{
    for (uint64_t width = 1; width < count; width *= 2) {
        uint32_t at = *head;
        uint32_t *place = head;
        while (at != READY_NONE) {
            uint32_t middle = skip(ready, at, (uint32_t)width);
            uint32_t end = skip(ready, middle, (uint32_t)width);
            place = merge(ready, place, at, middle, end);
            at = end;
        }
        *place = READY_NONE;
    }
}

// Makes `prev` and the tail follow `next` again.
static void mend(struct ready *ready, struct ready_lane *lane, unsigned priority)
{
    uint32_t before = READY_NONE;
    uint32_t at = lane->heads[priority];
    for (; at != READY_NONE; at = ready->links[at].next) {
        ready->links[at].prev = before;
        before = at;
    }
    lane->tails[priority] = before;
}

void ready_sort(struct ready *ready)
{
    for (uint32_t no = 0; no < ready->lane_count; no++) {
        struct ready_lane *lane = &ready->lanes[no];
        for (unsigned priority = 0; priority < READY_PRIORITIES; priority++) {
            if (is_sorted(ready, lane->heads[priority]))
                continue;
            sort(ready, &lane->heads[priority], lane->count);
            mend(ready, lane, priority);
        }
        choose(ready, lane);
    }
}

void ready_drop(struct ready *ready, uint32_t slot)
{
    const struct job *job = jobs_at(ready->jobs, slot);
    struct ready_lane *lane = lane_at(ready, job->lane);
    struct ready_links links = ready->links[slot];
    CHECK(lane->count > 0);
    if (links.prev == READY_NONE) {
        CHECK(lane->heads[job->priority] == slot);
        lane->heads[job->priority] = links.next;
    } else {
        ready->links[links.prev].next = links.next;
    }
    if (links.next == READY_NONE)
        lane->tails[job->priority] = links.prev;
    else
        ready->links[links.next].prev = links.prev;
    lane->count--;
    if (lane->best == slot)
        choose(ready, lane);
}

// The neighbour is a waiting job of the same list, and leads back.
static bool leads_back(const struct ready *ready, uint32_t slot, uint32_t other, bool is_next)
{
    if (!jobs_is_taken(ready->jobs, other))
        return false;
    const struct job *job = jobs_at(ready->jobs, slot);
    const struct job *neighbour = jobs_at(ready->jobs, other);
    uint32_t back = is_next ? ready->links[other].prev : ready->links[other].next;
    return back == slot && neighbour->lane == job->lane && neighbour->priority == job->priority;
}

bool ready_has(const struct ready *ready, uint32_t slot)
{
    const struct job *job = jobs_at(ready->jobs, slot);
    if (job->lane >= ready->lane_count || job->priority >= READY_PRIORITIES)
        return false;
    const struct ready_lane *lane = &ready->lanes[job->lane];
    struct ready_links links = ready->links[slot];
    bool is_linked = links.prev == READY_NONE ? lane->heads[job->priority] == slot
                                              : leads_back(ready, slot, links.prev, false);
    return is_linked && (links.next == READY_NONE ? lane->tails[job->priority] == slot
                                                  : leads_back(ready, slot, links.next, true));
}

uint32_t ready_best(const struct ready *ready, uint32_t lane)
{
    return lane < ready->lane_count ? ready->lanes[lane].best : READY_NONE;
}

when_ms ready_urgency(const struct ready *ready, uint32_t lane)
{
    return lane < ready->lane_count ? ready->lanes[lane].urgency : WHEN_NEVER;
}

uint32_t ready_count(const struct ready *ready, uint32_t lane)
{
    return lane < ready->lane_count ? ready->lanes[lane].count : 0;
}

when_ms ready_oldest(const struct ready *ready, uint32_t lane)
{
    when_ms oldest = WHEN_NEVER;
    for (unsigned p = 0; lane < ready->lane_count && p < READY_PRIORITIES; p++) {
        uint32_t head = ready->lanes[lane].heads[p];
        if (head != READY_NONE)
            oldest = when_min(oldest, jobs_at(ready->jobs, head)->at);
    }
    return oldest;
}
