// Entries of schedules: what was given changes, or a moment is decided. A moment's job comes by
// an entry of its own, in the same batch.

#include "broker/core/ledger.h"

#include "lib/base/prng.h"

// The name is copied, because the schedule may be dropped before the batch is stored.
static struct schedule_row kept_row(const struct schedule_row *row, struct effects *fx)
{
    struct schedule_row kept = *row;
    uint8_t *name = arena_take(fx->arena, row->name.len);
    CHECK(name != NULL);
    memcpy(name, row->name.data, row->name.len);
    kept.name = slice_of(name, row->name.len);
    return kept;
}

static void write_row(const struct schedule_row *row, const struct msg_schedule *given,
                      struct effects *fx)
{
    effects_write(fx, WRITE_SCHEDULE)->schedule =
        (struct write_schedule){.row = kept_row(row, fx), .given = given};
}

static void note_row(struct ledger *ledger, const struct schedule_row *row)
{
    const struct msg_schedule_state *state = &row->state;
    uint64_t name = 0;
    for (size_t i = 0; i < row->name.len; i++)
        name = (name ^ row->name.data[i]) * 0x100000001b3u;
    ledger_note(ledger, name ^ row->fingerprint);
    ledger_note(ledger, (uint64_t)state->last_at << 16 ^ (uint64_t)state->held_at);
    ledger_note(ledger, (uint64_t)state->since_at << 8 | row->is_paused);
    ledger_note(ledger, (uint64_t)state->generation << 32 ^ state->fired_count << 16 ^
                            state->skipped_count);
}

// A moment that waits no longer, without a job.
static void drop_held(struct schedule_row *row)
{
    row->state.skipped_count += row->state.held_at != 0;
    row->state.held_at = 0;
}

static void set(struct ledger *ledger, const struct msg_schedule *given, when_ms at,
                struct effects *fx)
{
    uint32_t place = schedules_find(&ledger->schedules, given->schedule_id);
    bool is_new = place == SCHEDULES_NONE;
    if (is_new)
        place = schedules_add(&ledger->schedules, given->schedule_id);
    struct schedule_row *row = schedules_at(&ledger->schedules, place);
    if (is_new)
        row->state.created_at = at;
    drop_held(row);
    row->state.generation++;
    row->state.since_at = at;
    row->fingerprint = given->fingerprint;
    row->overlap = (uint8_t)given->overlap;
    row->is_paused = given->paused;
    write_row(row, given, fx);
    note_row(ledger, row);
}

static void drop(struct ledger *ledger, uint32_t place, struct effects *fx)
{
    struct schedule_row *row = schedules_at(&ledger->schedules, place);
    effects_write(fx, DROP_SCHEDULE)->schedule = (struct write_schedule){.row = kept_row(row, fx)};
    note_row(ledger, row);
    schedules_drop(&ledger->schedules, place);
}

static void set_paused(struct ledger *ledger, uint32_t place, bool is_paused,
                       const struct entry *entry, struct effects *fx)
{
    struct schedule_row *row = schedules_at(&ledger->schedules, place);
    CHECK(row->is_paused != is_paused);
    row->is_paused = is_paused;
    drop_held(row);
    // What passed during the pause is not made up for.
    if (!is_paused)
        row->state.since_at = entry->at;
    write_row(row, NULL, fx);
    note_row(ledger, row);
}

void ledger_schedule_change(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct msg_schedule_set *asked = entry->schedule.set;
    uint32_t place = schedules_find(&ledger->schedules, asked->given.schedule_id);
    CHECK(asked->act == SCHEDULE_SET || place != SCHEDULES_NONE);
    switch (asked->act) {
    case SCHEDULE_SET: set(ledger, &asked->given, entry->at, fx); return;
    case SCHEDULE_DELETE: drop(ledger, place, fx); return;
    case SCHEDULE_PAUSE: set_paused(ledger, place, true, entry, fx); return;
    case SCHEDULE_RESUME: set_paused(ledger, place, false, entry, fx); return;
    case SCHEDULE_NONE: break;
    }
    UNREACHABLE();
}

void ledger_schedule_moment(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t place = schedules_find(&ledger->schedules, entry->moment.schedule);
    CHECK(place != SCHEDULES_NONE);
    struct schedule_row *row = schedules_at(&ledger->schedules, place);
    struct msg_schedule_state *state = &row->state;
    when_ms moment = entry->moment.moment;
    bool was_held = state->held_at == moment;
    CHECK(moment <= entry->at);
    CHECK(was_held || (moment > state->last_at && moment > state->since_at));
    switch ((enum moment_verdict)entry->moment.verdict) {
    case MOMENT_FIRED:
        state->fired_count++;
        state->last_job_id = entry->job_id;
        break;
    case MOMENT_HELD:
        CHECK(!was_held && state->held_at == 0);
        state->held_at = moment;
        break;
    case MOMENT_SKIPPED: state->skipped_count++; break;
    }
    if (was_held)
        state->held_at = 0;
    else
        state->last_at = moment;
    write_row(row, NULL, fx);
    note_row(ledger, row);
}
