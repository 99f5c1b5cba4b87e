// Entries of queues: what is set for one, and whether it is paused; and what is set for types.

#include "broker/core/ledger.h"

static void note_name(struct ledger *ledger, struct slice name)
{
    uint64_t hash = name.len;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3u;
    ledger_note(ledger, hash);
}

// All of them are numbers of 32 bits, as the table of the store says too.
static void note_settings(struct ledger *ledger, const struct msg_queue_settings *settings)
{
    uint32_t numbers[sizeof *settings / sizeof(uint32_t)];
    memcpy(numbers, settings, sizeof *settings);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ledger_note(ledger, (uint64_t)i << 32 | numbers[i]);
}

void ledger_queue_change(struct ledger *ledger, const struct entry *entry)
{
    const struct msg_queue_set *set = entry->queue.set;
    struct queue_name name = {.tenant = set->tenant, .queue = set->queue};
    uint32_t queue = queues_find(&ledger->queues, name);
    if (queue == QUEUES_NONE)
        queue = queues_add(&ledger->queues, name);
    const struct msg_queue_settings settings = queues_after(&ledger->queues, queue, set);
    queues_set(&ledger->queues, queue, &settings);
    note_name(ledger, set->queue);
    note_settings(ledger, &settings);
}

void ledger_queue_set_type(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct type_row *row = types_set(&ledger->types, entry->type.set);
    uint32_t numbers[sizeof row->defaults / sizeof(uint32_t)];
    struct type_row *written = &effects_write(fx, WRITE_TYPE)->type;
    *written = *row;
    written->schema = entry->type.set->schema.bytes;
    note_name(ledger, row->type);
    memcpy(numbers, &row->defaults, sizeof numbers);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        ledger_note(ledger, (uint64_t)i << 32 | numbers[i]);
    if (row->schema_hash != 0)
        ledger_note(ledger, row->schema_hash);
}

void ledger_queue_pause(struct ledger *ledger, const struct entry *entry)
{
    struct queue_name name = {.tenant = entry->pause.tenant, .queue = entry->pause.queue};
    uint32_t queue = queues_find(&ledger->queues, name);
    CHECK(queue != QUEUES_NONE && entry->pause.paused <= DIRECTION_BOTH);
    queues_pause(&ledger->queues, queue, (enum direction)entry->pause.paused);
    note_name(ledger, entry->pause.queue);
    ledger_note(ledger, entry->pause.paused);
}

void ledger_queue_drop(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    struct queue_name name = {.tenant = entry->unused.tenant, .queue = entry->unused.queue};
    uint32_t queue = queues_find(&ledger->queues, name);
    CHECK(queue != QUEUES_NONE);
    note_name(ledger, entry->unused.queue);
    note_name(ledger, entry->unused.type);
    if (entry->unused.type.len == 0) {
        effects_write(fx, DROP_QUEUE)->queue = *queues_peek(&ledger->queues, queue);
        queues_drop(&ledger->queues, queue, ledger->batch);
        return;
    }
    uint32_t lane = lanes_find(&ledger->lanes, queue, entry->unused.type);
    CHECK(lane != LANES_NONE);
    effects_write(fx, DROP_LANE)->lane = lanes_row(&ledger->lanes, lane);
    lanes_drop(&ledger->lanes, lane, ledger->batch);
}
