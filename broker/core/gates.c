// Buckets as moments (GCRA), and a heap of those at which something opens.

#include "broker/core/gates.h"

#include "lib/base/arena.h"
#include "lib/base/check.h"

enum { NS_PER_MS = 1000000 };

static_assert((int64_t)MSG_COST_MAX * MSG_RATE_PER_MS_MAX < INT64_MAX / NS_PER_MS,
              "what a job costs in time does not overflow");

static size_t round16(size_t size)
{
    return (size + 15) / 16 * 16;
}

static size_t item_count(const struct limits *limits)
{
    return (size_t)limits->queue_count_max + limits->concurrency_key_count_max;
}

size_t gates_size(const struct limits *limits)
{
    size_t count = item_count(limits);
    return round16(count * sizeof(struct heap_entry)) + round16(count * sizeof(int64_t)) +
           round16(count * sizeof(uint32_t));
}

static void moved(void *ctx, uint32_t item, uint32_t place)
{
    struct gates *gates = ctx;
    gates->places[item] = place + 1;
}

void gates_init(struct gates *gates, void *memory, const struct limits *limits)
{
    size_t count = item_count(limits);
    struct arena room = {.data = memory, .cap = gates_size(limits)};
    *gates = (struct gates){.queue_cap = limits->queue_count_max};
    gates->moments =
        (struct heap){.entries = arena_take(&room, round16(count * sizeof *gates->moments.entries)),
                      .cap = (uint32_t)count,
                      .moved = moved,
                      .ctx = gates};
    gates->full_at = arena_take(&room, round16(count * sizeof *gates->full_at));
    gates->places = arena_take(&room, round16(count * sizeof *gates->places));
    CHECK(gates->places != NULL);
}

void gates_start(struct gates *gates, when_ms now)
{
    gates->started_at = now;
}

// --- buckets ---

static int64_t per_ns(const struct gates_toll *toll)
{
    return (int64_t)toll->rate.per_ms * NS_PER_MS;
}

// The time in which the bucket gets what the job costs; rounded up, so that no rate is passed.
static int64_t cost_ns(const struct gates_toll *toll)
{
    uint32_t count = toll->rate.count;
    int64_t cost = toll->cost < count ? toll->cost : count;
    return (cost * per_ns(toll) + count - 1) / count;
}

// What was taken under another rate is forgotten as far as the bucket holds less now.
static int64_t full_ns(const struct gates *gates, const struct gates_toll *toll)
{
    int64_t now = toll->now * NS_PER_MS;
    int64_t at = gates->full_at[toll->item];
    int64_t filled = gates->started_at * NS_PER_MS + per_ns(toll);
    at = at > filled ? at : filled;
    at = at > now ? at : now;
    return at < now + per_ns(toll) ? at : now + per_ns(toll);
}

static when_ms moment_of(int64_t ns)
{
    return (ns + NS_PER_MS - 1) / NS_PER_MS;
}

when_ms gates_wait(const struct gates *gates, const struct gates_toll *toll)
{
    CHECK(toll->rate.count > 0);
    when_ms opens_at = moment_of(full_ns(gates, toll) + cost_ns(toll) - per_ns(toll));
    return opens_at > toll->now ? opens_at : 0;
}

void gates_pay(struct gates *gates, const struct gates_toll *toll)
{
    CHECK(gates_wait(gates, toll) == 0);
    gates->full_at[toll->item] = full_ns(gates, toll) + cost_ns(toll);
}

when_ms gates_full(const struct gates *gates, const struct gates_toll *toll)
{
    when_ms at = moment_of(full_ns(gates, toll));
    return at > toll->now ? at : 0;
}

void gates_forget(struct gates *gates, uint32_t item)
{
    gates_open(gates, item);
    gates->full_at[item] = 0;
}

// --- moments ---

void gates_shut(struct gates *gates, uint32_t item, when_ms until)
{
    gates_open(gates, item);
    err e =
        heap_push(&gates->moments, (struct heap_entry){.key = until, .tie = item, .item = item});
    CHECK(e == OK); // one place for each item
}

void gates_open(struct gates *gates, uint32_t item)
{
    if (!gates_is_shut(gates, item))
        return;
    (void)heap_remove(&gates->moments, gates->places[item] - 1);
    gates->places[item] = 0;
}

bool gates_is_shut(const struct gates *gates, uint32_t item)
{
    return gates->places[item] > 0;
}

when_ms gates_deadline(const struct gates *gates)
{
    const struct heap_entry *first = heap_peek(&gates->moments);
    return first == NULL ? WHEN_NEVER : first->key;
}

uint32_t gates_take(struct gates *gates, when_ms now)
{
    const struct heap_entry *first = heap_peek(&gates->moments);
    if (first == NULL || first->key > now)
        return GATES_NONE;
    uint32_t item = first->item;
    gates_open(gates, item);
    return item;
}
