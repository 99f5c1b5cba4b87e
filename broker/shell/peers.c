// Numbers for routing ids: a table, an index by route, and two lists in order of last word, so
// that the silent ones are always at the front.

#include "broker/shell/peers.h"

#include "lib/base/check.h"
#include "lib/base/index.h"
#include "lib/base/prng.h"

enum phase { FREE, PRESENT, LEAVING, TOLD };
enum kind { WORKERS, OTHERS };

struct entry {
    uint8_t phase; // enum phase
    uint8_t role;  // enum role
    uint8_t route_len;
    uint8_t route[PEERS_ROUTE_LEN_MAX];
    uint8_t key_len;
    uint8_t key[PEERS_KEY_LEN_MAX];
    int connection;
    uint32_t generation;
    uint32_t previous; // in its list of present peers
    uint32_t next;     // there, or in the list of free or leaving ones
    when_ms heard_at;
    struct slice tenant;
};

// Present peers, longest silent first.
struct list {
    uint32_t first;
    uint32_t last;
    uint32_t count;
};

struct peers {
    struct peers_options options;
    struct entry *entries;
    void *index_memory;
    struct index by_route;
    struct list lists[2]; // by enum kind
    uint32_t used;        // entries ever used
    uint32_t free;
    uint32_t left_first;
    uint32_t left_last;
};

static uint64_t hash_of(const struct peers *peers, struct slice route)
{
    uint64_t hash = prng_mix(peers->options.seed ^ route.len);
    for (size_t done = 0; done < route.len; done += sizeof(uint64_t)) {
        uint64_t piece = 0;
        size_t left = route.len - done;
        memcpy(&piece, route.data + done, left < sizeof piece ? left : sizeof piece);
        hash = prng_mix(hash ^ piece);
    }
    return hash;
}

static struct slice route_of(const struct entry *entry)
{
    return slice_of(entry->route, entry->route_len);
}

static struct entry *present(const struct peers *peers, uint32_t number)
{
    CHECK(number < peers->used);
    CHECK(peers->entries[number].phase == PRESENT);
    return &peers->entries[number];
}

static enum kind kind_of(const struct entry *entry)
{
    return entry->role == ROLE_WORKER ? WORKERS : OTHERS;
}

static void list_push(struct peers *peers, uint32_t number)
{
    struct list *list = &peers->lists[kind_of(&peers->entries[number])];
    peers->entries[number].previous = list->last;
    peers->entries[number].next = PEERS_NONE;
    if (list->last == PEERS_NONE)
        list->first = number;
    else
        peers->entries[list->last].next = number;
    list->last = number;
    list->count++;
}

static void list_remove(struct peers *peers, uint32_t number)
{
    const struct entry *entry = &peers->entries[number];
    struct list *list = &peers->lists[kind_of(entry)];
    CHECK(list->count > 0);
    if (entry->previous == PEERS_NONE)
        list->first = entry->next;
    else
        peers->entries[entry->previous].next = entry->next;
    if (entry->next == PEERS_NONE)
        list->last = entry->previous;
    else
        peers->entries[entry->next].previous = entry->previous;
    list->count--;
}

static uint32_t take_free(struct peers *peers)
{
    uint32_t number = peers->free;
    if (number != PEERS_NONE)
        peers->free = peers->entries[number].next;
    else if (peers->used < peers->options.count_max)
        number = peers->used++;
    return number;
}

struct peers *peers_new(const struct peers_options *options)
{
    CHECK(options->count_max > 0);
    struct peers *peers = calloc(1, sizeof *peers);
    if (peers == NULL)
        return NULL;
    peers->options = *options;
    peers->entries = calloc(options->count_max, sizeof *peers->entries);
    peers->index_memory = calloc(1, index_size(options->count_max));
    if (peers->entries == NULL || peers->index_memory == NULL) {
        peers_free(peers);
        return NULL;
    }
    index_init(&peers->by_route, peers->index_memory, options->count_max);
    for (int kind = WORKERS; kind <= OTHERS; kind++)
        peers->lists[kind] = (struct list){.first = PEERS_NONE, .last = PEERS_NONE};
    peers->free = PEERS_NONE;
    peers->left_first = PEERS_NONE;
    peers->left_last = PEERS_NONE;
    return peers;
}

void peers_free(struct peers *peers)
{
    if (peers == NULL)
        return;
    free(peers->index_memory);
    free(peers->entries);
    free(peers);
}

uint32_t peers_find(const struct peers *peers, struct slice route)
{
    uint32_t number = index_first(&peers->by_route, hash_of(peers, route));
    while (number != INDEX_NONE && !slice_equal(route_of(&peers->entries[number]), route))
        number = index_next(&peers->by_route, number);
    return number == INDEX_NONE ? PEERS_NONE : number;
}

err peers_add(struct peers *peers, struct slice route, when_ms now, uint32_t *out_number)
{
    if (route.len == 0 || route.len > PEERS_ROUTE_LEN_MAX)
        return ERR_TOO_LARGE;
    CHECK(peers_find(peers, route) == PEERS_NONE);
    uint32_t number = take_free(peers);
    if (number == PEERS_NONE) {
        if (peers->lists[OTHERS].first != PEERS_NONE)
            peers_leave(peers, peers->lists[OTHERS].first);
        return ERR_FULL;
    }
    struct entry *entry = &peers->entries[number];
    CHECK(entry->phase == FREE);
    entry->phase = PRESENT;
    entry->role = ROLE_NONE;
    entry->tenant = (struct slice){0};
    entry->key_len = 0;
    entry->connection = -1;
    entry->route_len = (uint8_t)route.len;
    memcpy(entry->route, route.data, route.len);
    entry->heard_at = now;
    list_push(peers, number);
    index_add(&peers->by_route, number, hash_of(peers, route));
    *out_number = number;
    return OK;
}

void peers_heard(struct peers *peers, uint32_t number, when_ms now)
{
    present(peers, number)->heard_at = now;
    if (peers->entries[number].next == PEERS_NONE)
        return; // the last to speak speaks again: the usual case under load
    list_remove(peers, number);
    list_push(peers, number);
}

void peers_set_role(struct peers *peers, uint32_t number, enum role role)
{
    struct entry *entry = present(peers, number);
    list_remove(peers, number);
    entry->role = (uint8_t)role;
    list_push(peers, number);
}

void peers_set_tenant(struct peers *peers, uint32_t number, struct slice tenant)
{
    present(peers, number)->tenant = tenant;
}

struct slice peers_tenant(const struct peers *peers, uint32_t number)
{
    return present(peers, number)->tenant;
}

enum role peers_role(const struct peers *peers, uint32_t number)
{
    return (enum role)present(peers, number)->role;
}

void peers_set_key(struct peers *peers, uint32_t number, struct slice key, int connection)
{
    struct entry *entry = present(peers, number);
    CHECK(key.len <= PEERS_KEY_LEN_MAX);
    entry->key_len = (uint8_t)key.len;
    if (key.len > 0)
        memcpy(entry->key, key.data, key.len);
    entry->connection = connection;
}

struct slice peers_key(const struct peers *peers, uint32_t number)
{
    const struct entry *entry = present(peers, number);
    return slice_of(entry->key, entry->key_len);
}

int peers_connection(const struct peers *peers, uint32_t number)
{
    return present(peers, number)->connection;
}

struct slice peers_route(const struct peers *peers, uint32_t number)
{
    CHECK(number < peers->used);
    const struct entry *entry = &peers->entries[number];
    return entry->phase == PRESENT ? route_of(entry) : (struct slice){0};
}

struct peers_ref peers_ref(const struct peers *peers, uint32_t number)
{
    return (struct peers_ref){.number = number, .generation = present(peers, number)->generation};
}

bool peers_is_here(const struct peers *peers, struct peers_ref ref)
{
    CHECK(ref.number < peers->used);
    const struct entry *entry = &peers->entries[ref.number];
    return entry->phase == PRESENT && entry->generation == ref.generation;
}

void peers_leave(struct peers *peers, uint32_t number)
{
    CHECK(number < peers->used);
    struct entry *entry = &peers->entries[number];
    if (entry->phase != PRESENT)
        return;
    list_remove(peers, number);
    index_drop(&peers->by_route, number, hash_of(peers, route_of(entry)));
    entry->phase = LEAVING;
    entry->next = PEERS_NONE;
    if (peers->left_last == PEERS_NONE)
        peers->left_first = number;
    else
        peers->entries[peers->left_last].next = number;
    peers->left_last = number;
}

// The front of a list, if it has been silent until `now` for longer than it may.
static uint32_t silent(const struct peers *peers, enum kind kind, when_ms now)
{
    uint32_t first = peers->lists[kind].first;
    when_ms longest =
        kind == WORKERS ? peers->options.worker_silence_ms : peers->options.other_silence_ms;
    bool is_silent = first != PEERS_NONE && now - peers->entries[first].heard_at >= longest;
    return is_silent ? first : PEERS_NONE;
}

void peers_leave_silent(struct peers *peers, when_ms now)
{
    for (int kind = WORKERS; kind <= OTHERS; kind++) {
        uint32_t number = silent(peers, (enum kind)kind, now);
        while (number != PEERS_NONE) {
            peers_leave(peers, number);
            number = silent(peers, (enum kind)kind, now);
        }
    }
}

when_ms peers_deadline(const struct peers *peers)
{
    when_ms at = WHEN_NEVER;
    uint32_t worker = peers->lists[WORKERS].first;
    uint32_t other = peers->lists[OTHERS].first;
    if (worker != PEERS_NONE)
        at = when_after(peers->entries[worker].heard_at, peers->options.worker_silence_ms);
    if (other != PEERS_NONE)
        at = when_min(at,
                      when_after(peers->entries[other].heard_at, peers->options.other_silence_ms));
    return at;
}

uint32_t peers_take_left(struct peers *peers)
{
    uint32_t number = peers->left_first;
    if (number == PEERS_NONE)
        return PEERS_NONE;
    struct entry *entry = &peers->entries[number];
    CHECK(entry->phase == LEAVING);
    peers->left_first = entry->next;
    if (peers->left_first == PEERS_NONE)
        peers->left_last = PEERS_NONE;
    entry->phase = TOLD;
    return number;
}

void peers_drop(struct peers *peers, uint32_t number)
{
    CHECK(number < peers->used);
    struct entry *entry = &peers->entries[number];
    CHECK(entry->phase == TOLD);
    entry->phase = FREE;
    entry->generation++;
    entry->next = peers->free;
    peers->free = number;
}

uint32_t peers_next(const struct peers *peers, uint32_t number)
{
    uint32_t next = number == PEERS_NONE ? 0 : number + 1;
    while (next < peers->used && peers->entries[next].phase != PRESENT)
        next++;
    return next < peers->used ? next : PEERS_NONE;
}

uint32_t peers_next_worker(const struct peers *peers, uint32_t number)
{
    return number == PEERS_NONE ? peers->lists[WORKERS].first : present(peers, number)->next;
}

uint32_t peers_count(const struct peers *peers)
{
    return peers->lists[WORKERS].count + peers->lists[OTHERS].count;
}

uint32_t peers_worker_count(const struct peers *peers)
{
    return peers->lists[WORKERS].count;
}
