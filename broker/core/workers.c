// Workers, their credit, and the rings of those who may be given a job.

#include "broker/core/workers.h"

#include "lib/base/arena.h"
#include "lib/base/origin.h"

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

size_t workers_size(const struct limits *limits)
{
    return round16((size_t)limits->worker_count_max * sizeof(struct worker)) +
           round16((size_t)limits->worker_count_max * WORKERS_NAMES_LEN) +
           round16((size_t)limits->serve_count_max * sizeof(struct serve)) +
           round16((size_t)limits->lane_count_max * sizeof(struct lane_ring)) +
           round16((size_t)limits->peer_count_max * sizeof(struct workers_peer)) +
           index_size(limits->worker_count_max);
}

void workers_init(struct workers *workers, void *memory, const struct limits *limits,
                  const struct lanes *lanes, uint64_t seed)
{
    struct arena room = {.data = memory, .cap = workers_size(limits)};
    uint32_t cap = limits->worker_count_max;
    *workers = (struct workers){.lanes = lanes,
                                .cap = cap,
                                .free = WORKERS_NONE,
                                .woken = WORKERS_NONE,
                                .serve_cap = limits->serve_count_max,
                                .serve_free = WORKERS_NONE,
                                .peer_cap = limits->peer_count_max,
                                .seed = seed};
    workers->items = arena_take(&room, round16(cap * sizeof(struct worker)));
    workers->names = arena_take(&room, round16((size_t)cap * WORKERS_NAMES_LEN));
    workers->serves = arena_take(&room, round16(workers->serve_cap * sizeof(struct serve)));
    workers->rings = arena_take(&room, round16(limits->lane_count_max * sizeof(struct lane_ring)));
    workers->peers = arena_take(&room, round16(workers->peer_cap * sizeof(struct workers_peer)));
    index_init(&workers->by_id, arena_take(&room, index_size(cap)), cap);
}

enum role workers_role(const struct workers *workers, uint32_t peer)
{
    CHECK(peer < workers->peer_cap);
    return workers->peers[peer].role;
}

void workers_set_peer(struct workers *workers, uint32_t peer, enum role role, uint32_t worker)
{
    CHECK(peer < workers->peer_cap);
    CHECK_IMPLIES(worker != WORKERS_NONE, role == ROLE_WORKER || role == ROLE_NOTIFIER);
    workers->peers[peer] = (struct workers_peer){.role = (uint8_t)role, .worker = worker};
}

uint32_t workers_of_peer(const struct workers *workers, uint32_t peer)
{
    enum role role = workers_role(workers, peer);
    if (role != ROLE_WORKER && role != ROLE_NOTIFIER)
        return WORKERS_NONE;
    return workers->peers[peer].worker;
}

static bool is_of(const struct workers *workers, uint32_t no, struct slice tenant)
{
    return origin_is_tenant(workers->items[no].tenant, tenant);
}

uint32_t workers_find(const struct workers *workers, struct slice tenant, const struct id *id)
{
    uint32_t at = index_first(&workers->by_id, id_hash(id, workers->seed));
    while (at != INDEX_NONE &&
           !(id_equal(&workers->items[at].id, id) && is_of(workers, at, tenant)))
        at = index_next(&workers->by_id, at);
    return at;
}

err workers_add(struct workers *workers, struct slice tenant, const struct id *id,
                uint32_t *out_worker)
{
    if (workers->count == workers->cap)
        return ERR_FULL;
    uint32_t no = workers->free;
    if (no == WORKERS_NONE)
        no = workers->used++;
    else
        workers->free = workers->items[no].next_free;
    workers->count++;
    workers->items[no] = (struct worker){.id = *id,
                                         .tenant = tenant,
                                         .peer = WORKERS_NONE,
                                         .leases = LEASES_NONE,
                                         .serves = WORKERS_NONE,
                                         .is_used = true};
    workers->names[(size_t)no * WORKERS_NAMES_LEN] = 0;
    index_add(&workers->by_id, no, id_hash(id, workers->seed));
    *out_worker = no;
    return OK;
}

struct worker *workers_at(const struct workers *workers, uint32_t no)
{
    CHECK(no < workers->used && workers->items[no].is_used);
    return &workers->items[no];
}

static void wake(struct workers *workers, uint32_t lane)
{
    struct lane_ring *ring = &workers->rings[lane];
    if (ring->is_woken)
        return;
    ring->is_woken = true;
    ring->next_woken = workers->woken;
    workers->woken = lane;
}

uint32_t workers_take_woken(struct workers *workers)
{
    uint32_t lane = workers->woken;
    if (lane == WORKERS_NONE)
        return WORKERS_NONE;
    workers->woken = workers->rings[lane].next_woken;
    workers->rings[lane].is_woken = false;
    return lane;
}

static void enter_ring(struct workers *workers, uint32_t no)
{
    struct serve *serve = &workers->serves[no];
    struct lane_ring *ring = &workers->rings[serve->lane];
    if (ring->head == WORKERS_NONE) {
        serve->prev = serve->next = no;
        ring->head = no;
        wake(workers, serve->lane);
        return;
    }
    // Behind the last one, which is before the head.
    uint32_t last = workers->serves[ring->head].prev;
    serve->prev = last;
    serve->next = ring->head;
    workers->serves[last].next = no;
    workers->serves[ring->head].prev = no;
}

static void leave_ring(struct workers *workers, uint32_t no)
{
    struct serve *serve = &workers->serves[no];
    struct lane_ring *ring = &workers->rings[serve->lane];
    if (serve->next == no) {
        CHECK(ring->head == no);
        ring->head = WORKERS_NONE;
        return;
    }
    workers->serves[serve->prev].next = serve->next;
    workers->serves[serve->next].prev = serve->prev;
    if (ring->head == no)
        ring->head = serve->next;
}

static void set_open(struct workers *workers, struct worker *worker, bool is_open)
{
    if (is_open == worker->is_open)
        return;
    worker->is_open = is_open;
    for (uint32_t at = worker->serves; at != WORKERS_NONE; at = workers->serves[at].next_of_worker)
        workers->rings[workers->serves[at].lane].open_count += is_open ? 1 : UINT32_MAX;
}

// Stands in its rings exactly while it may be given a job.
static void place(struct workers *workers, uint32_t no)
{
    struct worker *worker = workers_at(workers, no);
    bool is_open = worker->peer != WORKERS_NONE && !worker->is_quiet &&
                   worker->drain == DRAIN_NONE && worker->slots > 0;
    bool may = is_open && !worker->is_stalled && worker->out_count < worker->slots;
    set_open(workers, worker, is_open);
    if (may == worker->in_rings)
        return;
    worker->in_rings = may;
    uint32_t at = worker->serves;
    for (; at != WORKERS_NONE; at = workers->serves[at].next_of_worker) {
        if (may)
            enter_ring(workers, at);
        else
            leave_ring(workers, at);
    }
}

static void free_serve(struct workers *workers, uint32_t no)
{
    struct serve *serve = &workers->serves[no];
    workers->rings[serve->lane].worker_count--;
    serve->next_of_worker = workers->serve_free;
    workers->serve_free = no;
    workers->serve_count--;
}

static void clear_serves(struct workers *workers, uint32_t no)
{
    struct worker *worker = workers_at(workers, no);
    CHECK(!worker->in_rings && !worker->is_open);
    while (worker->serves != WORKERS_NONE) {
        uint32_t at = worker->serves;
        worker->serves = workers->serves[at].next_of_worker;
        free_serve(workers, at);
    }
}

void workers_drain(struct workers *workers, uint32_t no, enum drain drain)
{
    workers_at(workers, no)->drain = drain;
    place(workers, no);
}

void workers_close(struct workers *workers, uint32_t no)
{
    struct worker *worker = workers_at(workers, no);
    worker->peer = WORKERS_NONE;
    worker->slots = 0;
    place(workers, no);
    clear_serves(workers, no);
}

void workers_drop(struct workers *workers, uint32_t no)
{
    struct worker *worker = workers_at(workers, no);
    CHECK(worker->leases == LEASES_NONE && worker->out_count == 0);
    workers_close(workers, no);
    index_drop(&workers->by_id, no, id_hash(&worker->id, workers->seed));
    *worker = (struct worker){.next_free = workers->free};
    workers->free = no;
    workers->count--;
}

// The first place of `name` among `count` packed names, or WORKERS_NONE. Leaves `*at` behind the last
// one read.
static uint32_t find_name(const uint8_t *names, uint32_t count, struct slice name, uint32_t *at)
{
    uint32_t found = WORKERS_NONE;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t len = names[*at];
        if (found == WORKERS_NONE && slice_equal(slice_of(names + *at + 1, len), name))
            found = i;
        *at += 1u + len;
    }
    return found;
}

// Behind the name that begins at `at`.
static uint32_t skip_name(const uint8_t *names, uint32_t at)
{
    return at + 1u + names[at];
}

// The place of the type among its types, when it takes jobs of it and of the queue.
static uint32_t find_type(const struct workers *workers, uint32_t no, struct slice type,
                          struct slice queue)
{
    const struct worker *worker = workers_at(workers, no);
    const uint8_t *names = workers->names + (size_t)no * WORKERS_NAMES_LEN;
    uint32_t at = skip_name(names, 0);
    uint32_t place = find_name(names, worker->type_count, type, &at);
    bool has_queue = worker->queue_count == 0 ||
                     find_name(names, worker->queue_count, queue, &at) != WORKERS_NONE;
    return has_queue ? place : WORKERS_NONE;
}

uint32_t workers_type_of(const struct workers *workers, uint32_t no,
                         const struct msg_submit_job *job)
{
    bool is_its = !workers_at(workers, no)->is_notifier && is_of(workers, no, job->tenant);
    return is_its ? find_type(workers, no, job->type, job->queue) : WORKERS_NONE;
}

static bool does_serve(const struct workers *workers, uint32_t no, uint32_t lane)
{
    const struct worker *worker = workers_at(workers, no);
    struct lane_row row = lanes_row(workers->lanes, lane);
    bool is_its = worker->is_notifier
                      ? msg_hook_is_reserved(row.queue)
                      : !msg_hook_is_reserved(row.queue) && is_of(workers, no, row.tenant);
    return is_its && find_type(workers, no, row.type, row.queue) != WORKERS_NONE;
}

static void add_serve(struct workers *workers, uint32_t no, uint32_t lane)
{
    CHECK(workers->serve_count < workers->serve_cap);
    uint32_t at = workers->serve_free;
    if (at == WORKERS_NONE)
        at = workers->serve_used++;
    else
        workers->serve_free = workers->serves[at].next_of_worker;
    workers->serve_count++;
    struct worker *worker = workers_at(workers, no);
    workers->serves[at] =
        (struct serve){.worker = no, .lane = lane, .next_of_worker = worker->serves};
    worker->serves = at;
    workers->rings[lane].worker_count++;
    workers->rings[lane].open_count += worker->is_open;
    if (worker->in_rings)
        enter_ring(workers, at);
}

static void keep_names(struct workers *workers, uint32_t no, const struct msg_ready *ready)
{
    uint8_t *names = workers->names + (size_t)no * WORKERS_NAMES_LEN;
    uint32_t at = skip_name(names, 0);
    for (uint32_t i = 0; i < ready->type_count + ready->queue_count; i++) {
        struct slice name =
            i < ready->type_count ? ready->types[i] : ready->queues[i - ready->type_count];
        CHECK(name.len <= MSG_NAME_LEN_MAX);
        names[at] = (uint8_t)name.len;
        memcpy(names + at + 1, name.data, name.len);
        at += 1u + (uint32_t)name.len;
    }
    struct worker *worker = workers_at(workers, no);
    worker->type_count = (uint16_t)ready->type_count;
    worker->queue_count = (uint16_t)ready->queue_count;
}

void workers_name(struct workers *workers, uint32_t no, struct slice name)
{
    struct worker *worker = workers_at(workers, no);
    uint8_t *names = workers->names + (size_t)no * WORKERS_NAMES_LEN;
    CHECK(worker->serves == WORKERS_NONE && name.len <= MSG_NAME_LEN_MAX);
    worker->type_count = worker->queue_count = 0;
    names[0] = (uint8_t)name.len;
    if (name.len > 0)
        memcpy(names + 1, name.data, name.len);
}

static uint32_t own_serves(const struct workers *workers, const struct worker *worker)
{
    uint32_t count = 0;
    for (uint32_t at = worker->serves; at != WORKERS_NONE; count++)
        at = workers->serves[at].next_of_worker;
    return count;
}

// One that is new, or has just gone, is matched with everybody later.
static bool may_serve(const struct workers *workers, uint32_t lane)
{
    return workers->rings[lane].is_matched && lanes_is_known(workers->lanes, lane);
}

err workers_ready(struct workers *workers, uint32_t no, const struct msg_ready *ready)
{
    CHECK(ready->type_count <= MSG_TYPES_MAX && ready->queue_count <= MSG_TYPES_MAX);
    struct worker *worker = workers_at(workers, no);
    // At worst it serves every lane there is; the places it has already are given back first.
    uint32_t others = workers->serve_count - own_serves(workers, worker);
    if (workers->lane_count > workers->serve_cap - others)
        return ERR_FULL;
    worker->slots = 0;
    place(workers, no);
    clear_serves(workers, no);
    keep_names(workers, no, ready);
    for (uint32_t lane = 0; lane < workers->lane_count; lane++)
        if (may_serve(workers, lane) && does_serve(workers, no, lane))
            add_serve(workers, no, lane);
    worker->slots = ready->slots;
    worker->slot_bytes = ready->slot_bytes;
    worker->is_quiet = ready->quiet;
    worker->is_stalled = false;
    place(workers, no);
    return OK;
}

// Whoever served a lane that is not known any more.
static void forget_gone(struct workers *workers, struct worker *worker)
{
    uint32_t *link = &worker->serves;
    while (*link != WORKERS_NONE) {
        uint32_t at = *link;
        struct serve *serve = &workers->serves[at];
        if (lanes_is_known(workers->lanes, serve->lane)) {
            link = &serve->next_of_worker;
            continue;
        }
        *link = serve->next_of_worker;
        if (worker->in_rings)
            leave_ring(workers, at);
        free_serve(workers, at);
    }
}

// True when it is not known any more.
static bool match_lane(struct workers *workers, uint32_t lane)
{
    struct lane_ring *ring = &workers->rings[lane];
    bool is_known = lanes_is_known(workers->lanes, lane);
    if (is_known == ring->is_matched)
        return false;
    ring->is_matched = is_known;
    if (!is_known)
        return true;
    ring->head = WORKERS_NONE;
    ring->worker_count = ring->open_count = 0;
    for (uint32_t no = 0; no < workers->used; no++)
        if (workers->items[no].is_used && workers->serve_count < workers->serve_cap &&
            workers->items[no].peer != WORKERS_NONE && does_serve(workers, no, lane))
            add_serve(workers, no, lane);
    return false;
}

void workers_match_lanes(struct workers *workers)
{
    if (workers->lanes_changes == workers->lanes->changes)
        return;
    bool has_gone = false;
    for (; workers->lane_count < lanes_count(workers->lanes); workers->lane_count++)
        workers->rings[workers->lane_count] = (struct lane_ring){.head = WORKERS_NONE};
    // A number is given again a batch after it was dropped at the earliest, so that all of these
    // are seen.
    for (uint32_t lane = 0; lane < workers->lane_count; lane++)
        has_gone |= match_lane(workers, lane);
    for (uint32_t no = 0; has_gone && no < workers->used; no++)
        if (workers->items[no].is_used)
            forget_gone(workers, &workers->items[no]);
    workers->lanes_changes = workers->lanes->changes;
}

uint32_t workers_next(const struct workers *workers, uint32_t lane)
{
    if (lane >= workers->lane_count || workers->rings[lane].head == WORKERS_NONE)
        return WORKERS_NONE;
    return workers->serves[workers->rings[lane].head].worker;
}

bool workers_fits(const struct workers *workers, uint32_t no, uint32_t body_len)
{
    const struct worker *worker = workers_at(workers, no);
    return worker->slot_bytes == 0 || worker->out_count == 0 ||
           worker->out_bytes + body_len <= worker->slot_bytes;
}

void workers_stall(struct workers *workers, uint32_t no)
{
    workers_at(workers, no)->is_stalled = true;
    place(workers, no);
}

void workers_out(struct workers *workers, uint32_t no, uint32_t lane, uint32_t body_len)
{
    struct worker *worker = workers_at(workers, no);
    struct lane_ring *ring = &workers->rings[lane];
    // The next one's turn.
    if (ring->head != WORKERS_NONE && workers->serves[ring->head].worker == no)
        ring->head = workers->serves[ring->head].next;
    worker->out_count++;
    worker->out_bytes += body_len;
    place(workers, no);
}

void workers_back(struct workers *workers, uint32_t no, uint32_t body_len)
{
    struct worker *worker = workers_at(workers, no);
    CHECK(worker->out_count > 0 && worker->out_bytes >= body_len);
    worker->out_count--;
    worker->out_bytes -= body_len;
    worker->is_stalled = false;
    place(workers, no);
}

bool workers_is_open(const struct workers *workers, uint32_t lane)
{
    return lane < workers->lane_count && workers->rings[lane].open_count > 0;
}

uint32_t workers_serving(const struct workers *workers, uint32_t lane)
{
    return lane < workers->lane_count ? workers->rings[lane].worker_count : 0;
}

// --- for whoever lists them ---

uint32_t workers_from(const struct workers *workers, struct slice tenant, uint32_t from)
{
    while (from < workers->used && !(workers->items[from].is_used && is_of(workers, from, tenant)))
        from++;
    return from < workers->used ? from : WORKERS_NONE;
}

size_t workers_words_len(const struct workers *workers, uint32_t no)
{
    const struct worker *worker = workers_at(workers, no);
    const uint8_t *names = workers->names + (size_t)no * WORKERS_NAMES_LEN;
    uint32_t at = 0;
    for (uint32_t i = 0; i < 1u + worker->type_count + worker->queue_count; i++)
        at = skip_name(names, at);
    return at;
}

// The next `count` packed names with commas between them; `*at` and `*room` move on.
static struct slice join_names(const uint8_t *names, uint32_t count, uint32_t *at, uint8_t **room)
{
    uint8_t *begin = *room;
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            *(*room)++ = ',';
        memcpy(*room, names + *at + 1, names[*at]);
        *room += names[*at];
        *at = skip_name(names, *at);
    }
    return slice_of(begin, (size_t)(*room - begin));
}

struct workers_words workers_words(const struct workers *workers, uint32_t no, uint8_t *room)
{
    const struct worker *worker = workers_at(workers, no);
    const uint8_t *names = workers->names + (size_t)no * WORKERS_NAMES_LEN;
    uint32_t at = 0;
    struct workers_words words;
    words.name = join_names(names, 1, &at, &room);
    words.types = join_names(names, worker->type_count, &at, &room);
    words.queues = join_names(names, worker->queue_count, &at, &room);
    return words;
}
