// Three levels of heaps, kept right from below.

#include "broker/core/share.h"

#include "lib/base/arena.h"
#include "lib/base/check.h"

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

static size_t members_size(uint32_t cap)
{
    return round16((size_t)cap * sizeof(struct share_member)) + cap * sizeof(struct meld_node);
}

size_t share_size(const struct limits *limits)
{
    return round16((size_t)limits->lane_count_max * sizeof(struct share_lane)) +
           limits->lane_count_max * sizeof(struct meld_node) +
           members_size(limits->queue_count_max) + members_size(limits->tenant_count_max);
}

void share_init(struct share *share, void *memory, const struct limits *limits,
                const struct lanes *lanes)
{
    struct arena room = {.data = memory, .cap = share_size(limits)};
    uint32_t lane_cap = limits->lane_count_max;
    uint32_t queue_cap = limits->queue_count_max;
    uint32_t tenant_cap = limits->tenant_count_max;
    *share = (struct share){.lane_table = lanes, .root = {.first = MELD_NONE}};
    share->lane_nodes = arena_take(&room, lane_cap * sizeof *share->lane_nodes);
    share->queue_nodes = arena_take(&room, queue_cap * sizeof *share->queue_nodes);
    share->tenant_nodes = arena_take(&room, tenant_cap * sizeof *share->tenant_nodes);
    share->lanes = arena_take(&room, round16(lane_cap * sizeof *share->lanes));
    share->queues = arena_take(&room, round16(queue_cap * sizeof *share->queues));
    share->tenants = arena_take(&room, round16(tenant_cap * sizeof *share->tenants));
    CHECK(share->tenants != NULL);
}

// --- preparing: what is below the counts was prepared once ---

static uint32_t queue_of(const struct share *share, uint32_t lane)
{
    return lanes_queue(share->lane_table, lane);
}

static uint32_t tenant_of(const struct share *share, uint32_t queue)
{
    return queues_tenant(share->lane_table->queues, queue);
}

// Ties of members: their number until they are served, then the turn.
#define TIE_SERVED (UINT64_C(1) << 32)

static const struct share_member fresh_member = {.first = MELD_NONE, .weight = 1};

static void prepare(struct share_member *members, struct meld_node *nodes, uint32_t no)
{
    members[no] = fresh_member;
    nodes[no] = (struct meld_node){.tie = no};
}

static struct share_member *queue_at(struct share *share, uint32_t queue)
{
    for (; share->queue_count <= queue; share->queue_count++)
        prepare(share->queues, share->queue_nodes, share->queue_count);
    for (; share->tenant_count <= tenant_of(share, queue); share->tenant_count++)
        prepare(share->tenants, share->tenant_nodes, share->tenant_count);
    return &share->queues[queue];
}

static struct share_lane *lane_at(struct share *share, uint32_t lane)
{
    for (; share->lane_count <= lane; share->lane_count++)
        share->lanes[share->lane_count] = (struct share_lane){.urgency = WHEN_NEVER};
    return &share->lanes[lane];
}

// --- the heaps ---

// A member of `above` stands in its heap exactly while it may be served.
static void place(struct share_member *above, struct share_member *member, struct meld_node *nodes,
                  uint32_t no)
{
    bool may = member->first != MELD_NONE && !member->is_closed;
    if (may == member->is_in)
        return;
    member->is_in = may;
    if (!may) {
        meld_drop(nodes, &above->first, no);
        return;
    }
    if (nodes[no].key < above->pass_now)
        nodes[no].key = above->pass_now;
    meld_push(nodes, &above->first, no);
}

static void place_queue(struct share *share, uint32_t queue)
{
    uint32_t tenant = tenant_of(share, queue);
    place(&share->tenants[tenant], &share->queues[queue], share->queue_nodes, queue);
    place(&share->root, &share->tenants[tenant], share->tenant_nodes, tenant);
}

static void place_lane(struct share *share, uint32_t no)
{
    struct share_lane *lane = lane_at(share, no);
    struct share_member *queue = queue_at(share, queue_of(share, no));
    bool may = lane->urgency != WHEN_NEVER && !lane->is_parked;
    struct meld_node *node = &share->lane_nodes[no];
    if (may == lane->is_in && (!may || (node->key == lane->urgency && node->tie == lane->no)))
        return;
    if (lane->is_in)
        meld_drop(share->lane_nodes, &queue->first, no);
    lane->is_in = may;
    node->key = lane->urgency;
    node->tie = lane->no;
    if (may)
        meld_push(share->lane_nodes, &queue->first, no);
    place_queue(share, queue_of(share, no));
}

void share_set_urgency(struct share *share, uint32_t lane, when_ms urgency, uint64_t no)
{
    lane_at(share, lane)->urgency = urgency;
    lane_at(share, lane)->no = no;
    place_lane(share, lane);
}

when_ms share_urgency(const struct share *share, uint32_t lane)
{
    return lane < share->lane_count ? share->lanes[lane].urgency : WHEN_NEVER;
}

void share_forget(struct share *share, uint32_t lane)
{
    CHECK(!lane_at(share, lane)->is_in);
    *lane_at(share, lane) = (struct share_lane){.urgency = WHEN_NEVER};
}

void share_forget_queue(struct share *share, uint32_t queue)
{
    if (queue >= share->queue_count)
        return; // no job has waited in it
    CHECK(!share->queues[queue].is_in);
    prepare(share->queues, share->queue_nodes, queue);
}

void share_forget_tenant(struct share *share, uint32_t tenant)
{
    if (tenant >= share->tenant_count)
        return;
    CHECK(!share->tenants[tenant].is_in);
    prepare(share->tenants, share->tenant_nodes, tenant);
}

void share_park(struct share *share, uint32_t lane)
{
    lane_at(share, lane)->is_parked = true;
    place_lane(share, lane);
}

void share_unpark(struct share *share, uint32_t lane)
{
    lane_at(share, lane)->is_parked = false;
    place_lane(share, lane);
}

void share_close(struct share *share, uint32_t queue, bool is_closed)
{
    queue_at(share, queue)->is_closed = is_closed;
    place_queue(share, queue);
}

bool share_is_closed(const struct share *share, uint32_t queue)
{
    return queue < share->queue_count && share->queues[queue].is_closed;
}

void share_set_weight(struct share *share, uint32_t queue, uint32_t weight)
{
    CHECK(weight > 0 && weight <= SHARE_WEIGHT_MAX);
    queue_at(share, queue)->weight = weight;
}

uint32_t share_next(const struct share *share)
{
    if (share->root.first == MELD_NONE)
        return SHARE_NONE;
    const struct share_member *tenant = &share->tenants[share->root.first];
    CHECK(tenant->first != MELD_NONE);
    CHECK(share->queues[tenant->first].first != MELD_NONE);
    return share->queues[tenant->first].first;
}

// Its pass grows, wherever it stands; among equal passes it is behind those served longer ago.
static void pay(struct share *share, struct share_member *above, const struct share_member *member,
                struct meld_node *nodes, uint32_t no)
{
    if (member->is_in)
        meld_drop(nodes, &above->first, no);
    above->pass_now = nodes[no].key;
    nodes[no].key += SHARE_ONE / member->weight;
    nodes[no].tie = TIE_SERVED + share->turns++;
    if (member->is_in)
        meld_push(nodes, &above->first, no);
}

void share_serve(struct share *share, uint32_t lane)
{
    uint32_t queue = queue_of(share, lane);
    uint32_t tenant = tenant_of(share, queue);
    CHECK(lane < share->lane_count);
    pay(share, &share->tenants[tenant], &share->queues[queue], share->queue_nodes, queue);
    pay(share, &share->root, &share->tenants[tenant], share->tenant_nodes, tenant);
}

static bool member_is_sound(const struct share_member *member)
{
    return member->is_in == (member->first != MELD_NONE && !member->is_closed);
}

bool share_is_sound(const struct share *share, uint32_t no)
{
    if (no >= share->lane_count || queue_of(share, no) >= share->queue_count ||
        tenant_of(share, queue_of(share, no)) >= share->tenant_count)
        return true; // no job has waited in it yet
    const struct share_lane *lane = &share->lanes[no];
    const struct share_member *queue = &share->queues[queue_of(share, no)];
    bool may = lane->urgency != WHEN_NEVER && !lane->is_parked;
    return lane->is_in == may && (!may || share->lane_nodes[no].key == lane->urgency) &&
           (!may || queue->first != MELD_NONE) && member_is_sound(queue) &&
           member_is_sound(&share->tenants[tenant_of(share, queue_of(share, no))]);
}
