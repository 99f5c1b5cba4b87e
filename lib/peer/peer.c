// Each request stands in three orders: by the next time to send it, by its deadline, and by the
// order in which it was asked. Its correlation number holds its place in the table.
//
//   corr:  sequence 44 | place 20

#include "lib/peer/peer.h"

#include "lib/base/prng.h"

#define NONE UINT32_MAX
#define PLACE_BITS 20

struct peer_ask {
    uint64_t corr; // 0: free
    uint64_t user;
    when_ms patience;
    uint64_t greeting; // in which it was sent last; 0: never
    uint32_t sent_count;
    uint32_t try_count;      // sent in that greeting
    uint32_t due_place;      // NONE: not sent yet
    uint32_t deadline_place; // NONE: no deadline
    uint32_t older;
    uint32_t newer; // of a free place: the next free one
};

static_assert((1 << PLACE_BITS) == PEER_ASKS_MAX, "a place fits into its bits");

static void due_moved(void *asks, uint32_t item, uint32_t place)
{
    ((struct peer_ask *)asks)[item].due_place = place;
}

static void deadline_moved(void *asks, uint32_t item, uint32_t place)
{
    ((struct peer_ask *)asks)[item].deadline_place = place;
}

size_t peer_size(uint32_t ask_count_max)
{
    return (size_t)ask_count_max * (sizeof(struct peer_ask) + 2 * sizeof(struct heap_entry));
}

void peer_init(struct peer *peer, void *memory, uint32_t ask_count_max, uint64_t seed)
{
    CHECK(ask_count_max > 0 && ask_count_max <= PEER_ASKS_MAX);
    struct peer_ask *asks = memory;
    struct heap_entry *entries = (struct heap_entry *)(void *)(asks + ask_count_max);
    *peer = (struct peer){
        .state = PEER_STRANGER,
        .asks = asks,
        .due = {.entries = entries, .cap = ask_count_max, .moved = due_moved, .ctx = asks},
        .deadlines = {.entries = entries + ask_count_max,
                      .cap = ask_count_max,
                      .moved = deadline_moved,
                      .ctx = asks},
        .ask_count_max = ask_count_max,
        .spare = NONE,
        .oldest = NONE,
        .newest = NONE,
        .walk = NONE,
        .seed = seed,
        .silent_since = WHEN_NEVER,
        .deaf_since = WHEN_NEVER,
    };
}

static uint64_t next_corr(struct peer *peer, uint32_t place)
{
    peer->sequence++;
    return peer->sequence << PLACE_BITS | place;
}

// 1 s, 2 s, then 5 s, each a tenth more or less, so that many peers do not repeat in step.
static when_ms repeat_delay_ms(const struct peer *peer, uint64_t corr, uint32_t try_count)
{
    when_ms delay = PEER_REPEAT_LATER_MS;
    if (try_count <= 2)
        delay = PEER_REPEAT_FIRST_MS * (when_ms)try_count;
    uint64_t draw = prng_mix(peer->seed ^ corr ^ ((uint64_t)try_count << 56));
    return delay * (90 + (when_ms)(draw % 21)) / 100;
}

// The only place that changes the state.
static void move(struct peer *peer, enum peer_state to)
{
    CHECK_IMPLIES(to == PEER_GREETING, peer->state == PEER_STRANGER);
    CHECK_IMPLIES(to == PEER_KNOWN, peer->state == PEER_GREETING);
    peer->state = to;
}

static void greet_anew(struct peer *peer, when_ms now)
{
    move(peer, PEER_STRANGER);
    peer->hello_due = now;
    peer->hello_count = 0;
    peer->silent_since = WHEN_NEVER;
    peer->walk = NONE;
}

static struct peer_ask *find(const struct peer *peer, uint64_t corr)
{
    uint64_t place = corr & (PEER_ASKS_MAX - 1);
    if (corr == 0 || place >= peer->touched || peer->asks[place].corr != corr)
        return NULL;
    return &peer->asks[place];
}

static uint32_t take_place(struct peer *peer)
{
    uint32_t place = peer->spare;
    if (place == NONE)
        place = peer->touched++;
    else
        peer->spare = peer->asks[place].newer;
    CHECK(place < peer->ask_count_max);
    return place;
}

static void link_newest(struct peer *peer, uint32_t place)
{
    if (peer->newest != NONE)
        peer->asks[peer->newest].newer = place;
    else
        peer->oldest = place;
    peer->asks[place].older = peer->newest;
    peer->asks[place].newer = NONE;
    peer->newest = place;
}

static void unlink_place(struct peer *peer, uint32_t place)
{
    const struct peer_ask *ask = &peer->asks[place];
    if (ask->older != NONE)
        peer->asks[ask->older].newer = ask->newer;
    else
        peer->oldest = ask->newer;
    if (ask->newer != NONE)
        peer->asks[ask->newer].older = ask->older;
    else
        peer->newest = ask->older;
    if (peer->walk == place)
        peer->walk = ask->newer;
}

static void forget(struct peer *peer, struct peer_ask *ask)
{
    uint32_t place = (uint32_t)(ask - peer->asks);
    if (ask->due_place != NONE)
        (void)heap_remove(&peer->due, ask->due_place);
    if (ask->deadline_place != NONE)
        (void)heap_remove(&peer->deadlines, ask->deadline_place);
    unlink_place(peer, place);
    *ask = (struct peer_ask){.newer = peer->spare};
    peer->spare = place;
    peer->ask_count--;
    CHECK(peer->ask_count >= peer->due.count);
}

// There is room for every request in both heaps.
static void push(struct heap *heap, when_ms key, const struct peer_ask *ask)
{
    uint32_t place = (uint32_t)(ask->corr & (PEER_ASKS_MAX - 1));
    err full = heap_push(heap, (struct heap_entry){.key = key, .tie = ask->corr, .item = place});
    CHECK(full == OK);
}

err peer_ask(struct peer *peer, when_ms now, const struct peer_request *request, uint64_t *out_corr)
{
    CHECK(now >= 0);
    CHECK(request->patience >= 0);
    if (peer->ask_count == peer->ask_count_max)
        return ERR_FULL;
    uint32_t place = take_place(peer);
    struct peer_ask *ask = &peer->asks[place];
    *ask = (struct peer_ask){.corr = next_corr(peer, place),
                             .user = request->user,
                             .patience = request->patience,
                             .due_place = NONE,
                             .deadline_place = NONE};
    link_newest(peer, place);
    peer->ask_count++;
    if (peer->state == PEER_KNOWN && peer->walk == NONE)
        peer->walk = place;
    if (request->deadline != WHEN_NEVER)
        push(&peer->deadlines, request->deadline, ask);
    *out_corr = ask->corr;
    return OK;
}

bool peer_drop(struct peer *peer, uint64_t corr)
{
    struct peer_ask *ask = find(peer, corr);
    if (ask == NULL)
        return false;
    forget(peer, ask);
    return true;
}

// Something had to be said again: from now on silence means something.
static void worry(struct peer *peer, when_ms now)
{
    peer->silent_since = when_min(peer->silent_since, now);
    peer->deaf_since = when_min(peer->deaf_since, now);
}

static struct peer_action say_hello(struct peer *peer, when_ms now)
{
    if (peer->state == PEER_STRANGER) {
        move(peer, PEER_GREETING);
        peer->hello_corr = next_corr(peer, 0);
        peer->hello_count = 0;
    }
    if (peer->hello_count > 0)
        worry(peer, now);
    struct peer_action action = {
        .kind = PEER_HELLO, .corr = peer->hello_corr, .sent_count = peer->hello_count};
    peer->hello_count++;
    peer->hello_due = when_after(now, repeat_delay_ms(peer, peer->hello_corr, peer->hello_count));
    return action;
}

static struct peer_action send_ask(struct peer *peer, when_ms now, struct peer_ask *ask)
{
    struct peer_action action = {
        .kind = PEER_SEND, .corr = ask->corr, .user = ask->user, .sent_count = ask->sent_count};
    if (ask->greeting != peer->greeting)
        ask->try_count = 0;
    if (ask->try_count > 0)
        worry(peer, now);
    ask->greeting = peer->greeting;
    ask->sent_count++;
    ask->try_count++;
    when_ms delay = repeat_delay_ms(peer, ask->corr, ask->try_count);
    when_ms due = when_after(when_after(now, ask->patience), delay);
    if (ask->due_place == NONE)
        push(&peer->due, due, ask);
    else
        heap_rekey(&peer->due, ask->due_place, due);
    return action;
}

static struct peer_action give_up(struct peer *peer)
{
    struct peer_ask *ask = &peer->asks[heap_peek(&peer->deadlines)->item];
    struct peer_action action = {
        .kind = PEER_GIVE_UP, .corr = ask->corr, .user = ask->user, .sent_count = ask->sent_count};
    forget(peer, ask);
    return action;
}

static when_ms first_of(const struct heap *heap)
{
    const struct heap_entry *first = heap_peek(heap);
    return first != NULL ? first->key : WHEN_NEVER;
}

// When the next message should be sent, whether or not the link would take it.
static when_ms next_send(const struct peer *peer)
{
    if (peer->state != PEER_KNOWN)
        return peer->hello_due;
    return peer->walk != NONE ? 0 : first_of(&peer->due);
}

static struct peer_action send_next(struct peer *peer, when_ms now)
{
    if (peer->state != PEER_KNOWN)
        return say_hello(peer, now);
    if (peer->walk == NONE)
        return send_ask(peer, now, &peer->asks[heap_peek(&peer->due)->item]);
    struct peer_ask *ask = &peer->asks[peer->walk];
    peer->walk = ask->newer;
    return send_ask(peer, now, ask);
}

struct peer_action peer_next(struct peer *peer, when_ms now)
{
    if (first_of(&peer->deadlines) <= now)
        return give_up(peer);
    if (when_after(peer->deaf_since, PEER_DEAF_MS) <= now) {
        greet_anew(peer, now);
        peer->deaf_since = WHEN_NEVER;
        peer->blocked_until = now;
        return (struct peer_action){.kind = PEER_RECONNECT};
    }
    if (peer->state == PEER_KNOWN && when_after(peer->silent_since, PEER_SILENCE_MS) <= now)
        greet_anew(peer, now);
    if (peer->blocked_until <= now && next_send(peer) <= now)
        return send_next(peer, now);
    return (struct peer_action){.kind = PEER_NOTHING};
}

// The request is the next to be sent, so that the order of asking is kept: at the head of the walk
// if it was the last of it, else before all that are due.
static void take_back(struct peer *peer, struct peer_ask *ask)
{
    CHECK(ask->sent_count > 0 && ask->try_count > 0);
    ask->sent_count--;
    ask->try_count--;
    if (ask->newer == peer->walk)
        peer->walk = (uint32_t)(ask - peer->asks);
    else
        heap_rekey(&peer->due, ask->due_place, 0);
}

void peer_unsent(struct peer *peer, when_ms now, const struct peer_action *action)
{
    CHECK(action->kind == PEER_HELLO || action->kind == PEER_SEND);
    uint64_t draw = prng_mix(peer->seed ^ (uint64_t)now);
    peer->blocked_until = now + PEER_UNSENT_MS + (when_ms)(draw % PEER_UNSENT_MS) / 2;
    peer->deaf_since = when_min(peer->deaf_since, now);
    struct peer_ask *ask = find(peer, action->corr);
    if (action->kind == PEER_HELLO && peer->hello_corr == action->corr) {
        peer->hello_due = now;
        peer->hello_count = action->sent_count;
    } else if (ask != NULL) {
        take_back(peer, ask);
    }
}

when_ms peer_wait_ms(const struct peer *peer, when_ms now)
{
    when_ms send_at = next_send(peer);
    when_ms at = send_at > peer->blocked_until ? send_at : peer->blocked_until;
    at = when_min(at, first_of(&peer->deadlines));
    at = when_min(at, when_after(peer->deaf_since, PEER_DEAF_MS));
    if (peer->state == PEER_KNOWN)
        at = when_min(at, when_after(peer->silent_since, PEER_SILENCE_MS));
    if (at == WHEN_NEVER)
        return -1;
    return at > now ? at - now : 0;
}

void peer_connected(struct peer *peer, when_ms now)
{
    greet_anew(peer, now);
    peer->deaf_since = WHEN_NEVER;
    peer->blocked_until = now;
}

void peer_heard(struct peer *peer)
{
    peer->silent_since = WHEN_NEVER;
    peer->deaf_since = WHEN_NEVER;
}

bool peer_welcomed(struct peer *peer, when_ms now, uint64_t corr)
{
    if (peer->state != PEER_GREETING || corr != peer->hello_corr)
        return false;
    move(peer, PEER_KNOWN);
    peer->greeting++;
    peer->blocked_until = now;
    peer->walk = peer->oldest;
    return true;
}

void peer_unknown(struct peer *peer, when_ms now, uint64_t corr)
{
    const struct peer_ask *ask = find(peer, corr);
    if (peer->state != PEER_KNOWN)
        return;
    if (corr == 0 || (ask != NULL && ask->greeting == peer->greeting))
        greet_anew(peer, now);
}

bool peer_answered(struct peer *peer, uint64_t corr, uint64_t *out_user)
{
    struct peer_ask *ask = find(peer, corr);
    if (ask == NULL)
        return false;
    *out_user = ask->user;
    forget(peer, ask);
    return true;
}

bool peer_is_known(const struct peer *peer)
{
    return peer->state == PEER_KNOWN;
}
