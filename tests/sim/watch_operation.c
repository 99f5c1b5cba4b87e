// Acts on many jobs: each changes only jobs that fit, goes over each number once, and meets every job
// that fitted all the while, or none once it was cancelled.

#include "tests/sim/sim.h"

// --- jobs by number, as things stand in the core ---

static bool find_row(struct sim *sim, uint64_t no, struct job_row *out_row)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    for (uint32_t slot = 0; slot < ledger->jobs.used; slot++)
        if (jobs_is_taken(&ledger->jobs, slot) && jobs_at(&ledger->jobs, slot)->no == no) {
            *out_row = ledger_row_of(ledger, slot);
            return true;
        }
    if (sim->store.rows[no].no == 0)
        return false;
    struct ledger_view view = ledger_lookup(ledger, &sim->store.rows[no].id);
    *out_row = view.row;
    return view.is_known && view.row.no == no;
}

static struct seen_operation *find(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++)
        if (id_equal(&sim->watch.operations[i].row.id, id))
            return &sim->watch.operations[i];
    return NULL;
}

// Everything up to the cursor that fits now is still to be met.
static void look_around(struct sim *sim, struct seen_operation *seen)
{
    memset(seen->waits, 0, sizeof seen->waits);
    for (uint64_t no = 1; no <= seen->row.cursor; no++) {
        struct job_row row;
        seen->waits[no] = find_row(sim, no, &row) && operation_fits(sim, &seen->row, &row);
    }
}

static struct operation_row core_row(const struct sim *sim, const struct id *id)
{
    const struct operations *operations = &sim->shell.core->ledger.operations;
    uint32_t place = operations_find(operations, id);
    SIM_EXPECT(place != OPERATIONS_NONE, "an operation is there once it has begun");
    return *operations_peek(operations, place);
}

static void check_counts(const struct sim *sim, const struct seen_operation *seen)
{
    struct operation_row row = core_row(sim, &seen->row.id);
    SIM_EXPECT(row.cursor == seen->row.cursor && row.matched == seen->row.matched &&
                   row.done == seen->row.done && row.rate == seen->row.rate &&
                   row.ended_at == seen->row.ended_at,
               "an operation counts what it has met and done");
}

static int64_t ahead(const struct sim *sim, const struct seen_operation *seen)
{
    return (int64_t)seen->met * 1000 - seen->row.rate * sim->now.mono;
}

static void begin_rate(const struct sim *sim, struct seen_operation *seen)
{
    seen->met = 0;
    seen->met_at = sim->now.mono;
    seen->first = seen->least = ahead(sim, seen);
}

// From the beginning on no more than the rate brings, and between any two moments no more than that and
// a second's worth.
static void check_rate(const struct sim *sim, struct seen_operation *seen, uint32_t matched)
{
    if (seen->row.rate == 0 || matched == 0)
        return;
    int64_t before = ahead(sim, seen);
    seen->least = before < seen->least ? before : seen->least;
    seen->met += matched;
    SIM_EXPECT(ahead(sim, seen) <= seen->first, "an operation never passes its rate");
    SIM_EXPECT(ahead(sim, seen) - seen->least <= (int64_t)seen->row.rate * 1000,
               "an operation catches up a second at most");
    if (sim->now.mono - seen->met_at > 1000)
        watch_seen(SEEN_OPERATION_STOOD);
    seen->met_at = sim->now.mono;
}

// NULL: nobody was told that it is cancelled. With no id: a free place.
static struct operation_halt *halt_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < SIM_OPERATES; i++)
        if (id_equal(&sim->watch.halts[i].id, id))
            return &sim->watch.halts[i];
    return NULL;
}

// Its id is known no more: who repeats it begins another one.
static void forget_halt(struct sim *sim, const struct id *id)
{
    struct operation_halt *halt = halt_of(sim, id);
    if (halt != NULL)
        *halt = (struct operation_halt){0};
}

static void note_begin(struct sim *sim, const struct entry *entry)
{
    const struct msg_operate *asked = entry->operate.asked;
    if (!id_is_zero(&entry->operate.dropped)) {
        struct seen_operation *old = find(sim, &entry->operate.dropped);
        SIM_EXPECT(old != NULL && operations_is_over(&old->row) &&
                       old->row.ended_at <= entry->at - LIMITS_OPERATION_KEPT_MS,
                   "an operation is known until an hour after its end");
        forget_halt(sim, &old->row.id);
        *old = (struct seen_operation){0};
        watch_seen(SEEN_OPERATION_DROPPED);
    }
    SIM_EXPECT(find(sim, &asked->operation_id) == NULL, "an operation begins once");
    struct seen_operation *seen = find(sim, &(struct id){{0}});
    SIM_EXPECT(seen != NULL, "no more operations than there is room for");
    uint64_t upto = sim->shell.core->ledger.row.job_no_next - 1;
    *seen = (struct seen_operation){.row = {.id = asked->operation_id,
                                            .kind = (uint8_t)asked->kind,
                                            .tenant = asked->tenant,
                                            .filter = asked->filter,
                                            .rate = asked->rate,
                                            .ended_at = upto == 0 ? entry->at : 0,
                                            .upto = upto,
                                            .cursor = upto}};
    begin_rate(sim, seen);
    look_around(sim, seen);
    check_counts(sim, seen);
    watch_seen(SEEN_OPERATION);
    if (asked->filter.tag.len > 0)
        watch_seen(SEEN_OPERATION_TAG);
}

void watch_operation_moved(struct sim *sim, const struct id *job_id, enum job_state state)
{
    struct ledger_view view = ledger_lookup(&sim->shell.core->ledger, job_id);
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++) {
        struct seen_operation *seen = &sim->watch.operations[i];
        if ((seen->row.filter.states & 1u << state) == 0 && view.row.no < SIM_JOBS)
            seen->waits[view.row.no] = false;
    }
}

// --- a step ---

// How many jobs it changed.
static uint32_t look_at_done(struct sim *sim, const struct seen_operation *seen,
                             const struct effects *fx, uint32_t first_entry)
{
    static const enum entry_kind kinds[] = {[ACT_CANCEL] = ENTRY_CANCEL,
                                            [ACT_RETRY] = ENTRY_RETRY,
                                            [ACT_RUN_NOW] = ENTRY_RUN_NOW,
                                            [ACT_DELETE] = ENTRY_REMOVE,
                                            [ACT_PURGE] = ENTRY_CANCEL};
    uint32_t count = 0;
    for (uint32_t i = first_entry; fx->entries[i].kind != ENTRY_STEP; i++) {
        const struct entry *entry = &fx->entries[i];
        if (hook_is_delivery(entry))
            continue;
        SIM_EXPECT(entry->kind == kinds[seen->row.kind], "an operation does what was asked");
        struct ledger_view view = ledger_lookup(&sim->shell.core->ledger, &entry->job_id);
        SIM_EXPECT(view.row.no <= seen->row.cursor, "an operation goes over each number once");
        // In the states that the act leads from it did fit, or the entry could not be applied.
        struct operation_row meant = seen->row;
        meant.filter.states = UINT32_MAX;
        SIM_EXPECT(operation_fits(sim, &meant, &view.row), "an operation changes what fits only");
        bool is_request = entry->kind == ENTRY_CANCEL && entry->cancel.is_request;
        SIM_EXPECT(!is_request || (seen->row.filter.states & 1u << JOB_RUNNING) != 0,
                   "a running job is left alone by who does not mean it");
        count++;
    }
    return count;
}

// There is no place for it, for its deliveries, or for what these wait for.
static bool is_crowded(const struct ledger *ledger, const struct job_row *row)
{
    uint32_t more = ledger_places(row);
    uint32_t parents = (row->relations & RELATION_PARENTS) != 0 ? SIM_PARENTS : 0;
    return ledger_job_room(ledger) < 1 + more || ledger_dep_room(ledger) < parents + more ||
           ledger->policies.cap - ledger->policies.index.count <
               1 + ledger_policy_reserve(ledger, more);
}

// It was met, and could not be changed, or needed it no more.
static bool has_reason(struct sim *sim, const struct seen_operation *seen, uint64_t no)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    const char *detail = NULL;
    struct msg_submit_job asked = {0};
    struct job_row row;
    if (!find_row(sim, no, &row))
        return false;
    switch ((enum act_kind)seen->row.kind) {
    case ACT_CANCEL:
    case ACT_PURGE: return row.cancel == CANCEL_REQUESTED;
    case ACT_RETRY:
        asked.tenant = lanes_row(&ledger->lanes, row.lane).tenant;
        return queue_quota_left(sim->shell.core, &asked) == 0 ||
               watch_unique_hinders(sim, &row.id) || !uniques_has_room(&ledger->uniques) ||
               is_crowded(ledger, &row) ||
               !wait_has_room(sim->shell.core, row.lane, row.key_hash, &detail) ||
               queue_refusal(sim->shell.core, lanes_queue(&ledger->lanes, row.lane), &detail) != OK;
    case ACT_RUN_NOW: return watch_child_waits(sim, &row.id);
    case ACT_DELETE: return ledger_is_pinned(ledger, &row);
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_DRAIN:
    case ACT_QUIET:
    case ACT_STOP:
    case ACT_NONE: break;
    }
    sim_fail("an act on many of no kind");
}

void watch_operation_step(struct sim *sim, const struct entry *entry, const struct effects *fx,
                          uint32_t first_entry)
{
    struct seen_operation *seen = find(sim, &entry->step.operation);
    SIM_EXPECT(seen != NULL && entry->step.cursor < seen->row.cursor, "an operation only goes on");
    SIM_EXPECT(!operations_is_over(&seen->row),
               "nothing is done by an operation that was cancelled");
    uint32_t changed = look_at_done(sim, seen, fx, first_entry);
    check_rate(sim, seen, entry->step.matched);
    SIM_EXPECT(changed <= entry->step.done && entry->step.done <= entry->step.matched,
               "an operation counts what it has done");
    for (uint64_t no = entry->step.cursor + 1; no <= seen->row.cursor; no++) {
        SIM_EXPECT(!seen->waits[no] || has_reason(sim, seen, no),
                   "an operation changes every job that fits all the while");
        seen->waits[no] = false;
    }
    seen->row.cursor = entry->step.cursor;
    seen->row.matched += entry->step.matched;
    seen->row.done += entry->step.done;
    if (seen->row.cursor == 0)
        seen->row.ended_at = entry->at;
    if (seen->row.cursor == 0 && seen->row.done > 0)
        watch_seen(SEEN_OPERATION_OVER);
    if (seen->row.cursor == 0 && seen->row.rate > 0 && seen->row.done > 0)
        watch_seen(SEEN_OPERATION_RATE);
    if (entry->step.done < entry->step.matched)
        watch_seen(SEEN_OPERATION_REFUSED);
    check_counts(sim, seen);
}

void watch_operation_begin(struct sim *sim, const struct entry *entry)
{
    note_begin(sim, entry);
}

// --- cancelled ---

void watch_operation_halt(struct sim *sim, const struct entry *entry)
{
    struct seen_operation *seen = find(sim, &entry->operate.asked->operation_id);
    const struct operation_step *step = sim->shell.step;
    SIM_EXPECT(seen != NULL && !operations_is_over(&seen->row), "what goes on is cancelled");
    SIM_EXPECT(operation_end_was_asked(sim, &seen->row.id, seen->row.tenant),
               "an operation is cancelled by its tenant only");
    seen->row.ended_at = entry->at;
    check_counts(sim, seen);
    watch_seen(SEEN_OPERATION_CANCELLED);
    if (step != NULL && id_equal(&step->operation, &seen->row.id))
        watch_seen(SEEN_OPERATION_DISARMED);
}

// Whatever has been told of a cancelled one holds as long as it is known, over starts too.
static void check_halt(struct sim *sim, const struct operation_row *row)
{
    const struct operation_halt *halt = halt_of(sim, &row->id);
    if (halt == NULL)
        return;
    SIM_EXPECT(operations_is_cancelled(row) && row->cursor == halt->cursor &&
                   row->matched == halt->matched && row->done == halt->done,
               "an operation stays where it was told as cancelled");
}

static void note_halt(struct sim *sim, const struct msg_operation_is *is)
{
    struct operation_halt *halt = halt_of(sim, &is->operation_id);
    if (halt == NULL)
        halt = halt_of(sim, &(struct id){{0}});
    SIM_EXPECT(halt != NULL, "no more operations are cancelled than are asked for");
    *halt = (struct operation_halt){
        .id = is->operation_id, .cursor = is->cursor, .matched = is->matched, .done = is->done};
}

// Nothing is done twice, nothing is forgotten: it goes on where the last durable step had come.
void watch_operation_start(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_OPERATIONS; i++) {
        struct seen_operation *seen = &sim->watch.operations[i];
        *seen = (struct seen_operation){.row = sim->store.operations[i].row};
        if (id_is_zero(&seen->row.id))
            continue;
        begin_rate(sim, seen);
        look_around(sim, seen);
        check_counts(sim, seen);
        check_halt(sim, &seen->row);
        if (operations_is_cancelled(&seen->row))
            watch_seen(SEEN_OPERATION_STAYED);
        else if (seen->row.cursor > 0 && seen->row.cursor < seen->row.upto)
            watch_seen(SEEN_OPERATION_RESUMED);
    }
}

void watch_operation_answer(struct sim *sim, const struct msg_operation_is *answer)
{
    if (answer->error == ERR_FULL)
        watch_seen(SEEN_OPERATION_FULL);
    if (answer->error == ERR_CONFLICT)
        watch_seen(SEEN_OPERATION_TOO_LATE);
    if (answer->error != OK)
        return;
    const struct operation_row *row = model_operation(&sim->store, &answer->operation_id);
    // One that is long over may have given its place in the same batch.
    SIM_EXPECT(row != NULL ? row->version >= answer->version : answer->is_over,
               "an operation is stored before it is answered");
    if (!answer->is_over || answer->cursor == 0)
        return;
    note_halt(sim, answer);
    if (row != NULL)
        check_halt(sim, row);
}
