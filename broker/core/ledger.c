// Applying entries. One function per kind; ledger_store.c collects what they changed.

#include "broker/core/ledger.h"

#include "lib/base/prng.h"

static uint32_t leaver_cap(const struct limits *limits)
{
    // Three batches can hold ended jobs: committing, waiting, being decided. One to spare.
    return limits->changed_count_max * 4;
}

static size_t round64(size_t size)
{
    return (size + 63) / 64 * 64;
}

size_t ledger_size(const struct limits *limits)
{
    return round64(jobs_size(limits->job_count_max)) + round64(keys_size(limits->key_count_max)) +
           round64(queues_size(limits)) + round64(lanes_size(limits->lane_count_max)) +
           round64(policies_size(limits->policy_count_max)) +
           round64(batches_size(limits->batch_count_max)) +
           round64(schedules_size(limits->schedule_count_max)) +
           round64(endpoints_size(limits->endpoint_count_max)) +
           round64(operations_size(limits->operation_count_max)) + round64(types_size(limits)) +
           round64(overlay_size(leaver_cap(limits))) + round64(pasts_size(limits->job_count_max)) +
           round64(uniques_size(limits->unique_count_max)) +
           round64(deps_size(limits->dependency_count_max)) +
           round64((size_t)limits->job_count_max * sizeof(struct bond)) +
           round64(leaver_cap(limits) * sizeof(struct leaver));
}

void ledger_init(struct ledger *ledger, void *memory, const struct limits *limits,
                 const struct known *known, uint64_t seed)
{
    struct arena room = {.data = memory, .cap = ledger_size(limits)};
    *ledger = (struct ledger){.row = {.job_no_next = 1}, .batch = 1, .known = *known};
    jobs_init(&ledger->jobs, arena_take(&room, round64(jobs_size(limits->job_count_max))),
              limits->job_count_max, seed);
    keys_init(&ledger->keys, arena_take(&room, round64(keys_size(limits->key_count_max))),
              limits->key_count_max, seed);
    queues_init(&ledger->queues, arena_take(&room, round64(queues_size(limits))), limits, seed);
    lanes_init(&ledger->lanes, arena_take(&room, round64(lanes_size(limits->lane_count_max))),
               limits->lane_count_max, &ledger->queues, seed);
    policies_init(&ledger->policies,
                  arena_take(&room, round64(policies_size(limits->policy_count_max))),
                  limits->policy_count_max);
    batches_init(&ledger->batches,
                 arena_take(&room, round64(batches_size(limits->batch_count_max))),
                 limits->batch_count_max, seed);
    schedules_init(&ledger->schedules,
                   arena_take(&room, round64(schedules_size(limits->schedule_count_max))),
                   limits->schedule_count_max, seed);
    endpoints_init(&ledger->endpoints,
                   arena_take(&room, round64(endpoints_size(limits->endpoint_count_max))),
                   limits->endpoint_count_max, seed);
    operations_init(&ledger->operations,
                    arena_take(&room, round64(operations_size(limits->operation_count_max))),
                    limits->operation_count_max);
    types_init(&ledger->types, arena_take(&room, round64(types_size(limits))), limits, seed);
    overlay_init(&ledger->overlay, arena_take(&room, round64(overlay_size(leaver_cap(limits)))),
                 leaver_cap(limits), seed);
    pasts_init(&ledger->pasts, arena_take(&room, round64(pasts_size(limits->job_count_max))),
               limits->job_count_max);
    uniques_init(&ledger->uniques,
                 arena_take(&room, round64(uniques_size(limits->unique_count_max))),
                 limits->unique_count_max, seed);
    deps_init(&ledger->deps, arena_take(&room, round64(deps_size(limits->dependency_count_max))),
              limits->dependency_count_max, seed);
    ledger->bonds = arena_take(&room, round64(limits->job_count_max * sizeof *ledger->bonds));
    ledger->leaver_cap = leaver_cap(limits);
    ledger->leavers = arena_take(&room, round64(ledger->leaver_cap * sizeof(struct leaver)));
    CHECK(ledger->leavers != NULL);
}

void ledger_note(struct ledger *ledger, uint64_t value)
{
    ledger->row.digest = prng_mix(ledger->row.digest ^ value) + value;
}

static void note_job(struct ledger *ledger, const struct job *job)
{
    const struct past *past = ledger_past(ledger, job);
    uint64_t high;
    memcpy(&high, job->id.bytes + 8, sizeof high);
    ledger_note(ledger, job->no ^ high);
    ledger_note(ledger, past->token ^ (uint64_t)job->at << 20);
    ledger_note(ledger,
                (uint64_t)job->version << 32 | (uint64_t)past->errors << 16 | past->crashes);
    ledger_note(ledger, (uint64_t)past->interruptions << 16 | (uint64_t)job->state << 4 |
                            (uint64_t)job->token_use | (uint64_t)job->cancel << 8 |
                            (uint64_t)past->outcome << 10 | (uint64_t)past->extend_ms << 48);
}

static void count(struct ledger *ledger, uint32_t lane, enum job_state from, enum job_state to)
{
    CHECK_IMPLIES(from != JOB_NONE, ledger->row.counts[from] > 0);
    if (from != JOB_NONE)
        ledger->row.counts[from]--;
    ledger->row.counts[to]++;
    queues_move(&ledger->queues, lanes_queue(&ledger->lanes, lane), from, to);
}

// Into this batch's list of changes.
static void mark(struct ledger *ledger, uint32_t slot, struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    if (job->is_changed)
        return;
    CHECK(fx->changed_count < fx->changed_cap);
    job->is_changed = 1;
    fx->changed[fx->changed_count++] = slot;
}

static struct past *past_of(struct ledger *ledger, struct job *job)
{
    if (job->past == PASTS_NONE)
        job->past = pasts_take(&ledger->pasts);
    return pasts_at(&ledger->pasts, job->past);
}

// Into the job's timeline. Its holder must still be in its past.
static void tell(struct ledger *ledger, struct job *job, enum job_event event,
                 const struct entry *entry, struct effects *fx)
{
    struct past *past = past_of(ledger, job);
    events_tell(job, past, entry, event, fx);
    ledger_note(ledger, (uint64_t)past->event_count << 8 | event);
}

// The only road on which a job in memory changes its state; `entry` is why.
static void move(struct ledger *ledger, uint32_t slot, enum job_event event,
                 const struct entry *entry, struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    enum job_state from = job->state;
    job_move(job, event);
    count(ledger, job->lane, from, job->state);
    ledger_batch_move(ledger, job->batch, from, job->state, entry->at);
    mark(ledger, slot, fx);
    note_job(ledger, job);
    if (events_are_due(entry, from, event))
        tell(ledger, job, event, entry, fx);
}

// Nobody holds the job any more.
static void let_go(struct past *past)
{
    CHECK(!id_is_zero(&past->worker));
    past->worker = (struct id){{0}};
    past->lease_ms = 0;
    past->extend_ms = 0;
}

static void start(struct ledger *ledger, const struct entry *entry)
{
    CHECK(entry->start.epoch > ledger->row.epoch && entry->start.epoch <= ROW_EPOCH_MAX);
    ledger->row.epoch = entry->start.epoch;
    ledger->row.token_counter = 0;
    // An epoch is durable before it grants anything, even if nothing else happened.
    ledger->is_changed = true;
    ledger_note(ledger, entry->start.epoch);
}

static uint32_t lane_of(struct ledger *ledger, const struct msg_submit_job *job, struct effects *fx)
{
    struct queue_name name = {.tenant = job->tenant, .queue = job->queue};
    uint32_t queue = queues_find(&ledger->queues, name);
    if (queue == QUEUES_NONE)
        queue = queues_add(&ledger->queues, name);
    uint32_t lane = lanes_find(&ledger->lanes, queue, job->type);
    if (lane == LANES_NONE) {
        lane = lanes_add(&ledger->lanes, queue, job->type);
        effects_write(fx, WRITE_LANE)->lane = lanes_row(&ledger->lanes, lane);
    }
    lanes_accept(&ledger->lanes, lane, ledger->batch);
    return lane;
}

static uint32_t policy_of(struct ledger *ledger, const struct policy *policy, struct effects *fx)
{
    uint32_t no = policies_find(&ledger->policies, policy);
    if (no == POLICIES_NONE) {
        no = policies_add(&ledger->policies, policy);
        effects_write(fx, WRITE_POLICY)->policy =
            (struct write_policy){.no = (uint16_t)no, .policy = *policy};
    }
    policies_hold(&ledger->policies, no);
    return no;
}

// The lane of its delivery is there from now on, so that its end needs no room.
static void make_way(struct ledger *ledger, const struct msg_submit_job *given, struct effects *fx)
{
    const struct msg_submit_job delivery = {.tenant = given->tenant,
                                            .queue = slice_of_text(HOOK_QUEUE),
                                            .type = slice_of_text(HOOK_TYPE)};
    (void)lane_of(ledger, &delivery, fx);
    ledger->hooked += ledger_places_asked(ledger, given);
}

static uint32_t submit(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    const struct msg_submit_job *given = entry->submit.job;
    uint64_t no = ledger->row.job_no_next++;
    uint32_t slot = jobs_add(&ledger->jobs, &entry->job_id, no);
    struct job *job = jobs_at(&ledger->jobs, slot);
    job->fingerprint = given->fingerprint;
    CHECK(entry->at >= 0 && entry->at <= JOB_ACCEPTED_AT_MAX);
    job->accepted_at = (uint64_t)entry->at & JOB_ACCEPTED_AT_MAX;
    job->at = entry->submit.due_at;
    CHECK(given->payload.bytes.len <= JOB_BODY_LEN_MAX);
    job->body_len = given->payload.bytes.len & JOB_BODY_LEN_MAX;
    job->lane = (uint16_t)lane_of(ledger, given, fx);
    job->batch = ledger_batch_join(ledger, entry, job);
    job->policy = (uint16_t)policy_of(ledger, &entry->submit.policy, fx);
    job->priority =
        (given->priority == MSG_PRIORITY_NOT_GIVEN ? MSG_PRIORITY_DEFAULT : given->priority) & 15u;
    job->is_new = 1;
    job->relations = given->labels.len > 0 ? RELATION_LABELS : 0;
    if (ledger_endpoint_bind(ledger, slot, given))
        make_way(ledger, given, fx);
    if (id_version(&entry->job_id) == 8)
        keys_add(&ledger->keys, &entry->job_id, no);
    ledger_relate(ledger, slot, given, fx);
    effects_write_body(fx, no, given);
    ledger->row.accepted++;
    bool is_later = entry->submit.waits || entry->submit.due_at > entry->at;
    CHECK(entry->submit.waits == ledger_waits(ledger, slot));
    move(ledger, slot, is_later ? JOB_SUBMIT_LATER : JOB_SUBMIT, entry, fx);
    return slot;
}

static void grant(struct ledger *ledger, uint32_t slot, const struct entry *entry,
                  struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    struct past *past = past_of(ledger, job);
    CHECK(id_is_zero(&past->worker) && entry->grant.lease_ms <= ROW_LEASE_MS_MAX);
    ledger->row.token_counter++;
    past->token = (uint64_t)ledger->row.epoch << 40 | ledger->row.token_counter;
    past->granted_at = entry->at;
    past->worker = entry->grant.worker;
    past->lease_ms = entry->grant.lease_ms & ROW_LEASE_MS_MAX;
    past->outcome = OUTCOME_NONE;
    job->token_use = TOKEN_OPEN;
    move(ledger, slot, JOB_GRANT, entry, fx);
}

static void count_outcome(struct past *past, enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_FAILED:
    case OUTCOME_CANCELLED: // nobody had asked for it
    case OUTCOME_DEAD: past->errors++; return;
    case OUTCOME_CRASHED: past->crashes++; return;
    case OUTCOME_INTERRUPTED: past->interruptions++; return;
    case OUTCOME_SUCCEEDED:
    case OUTCOME_SNOOZED: return;
    case OUTCOME_NONE: break;
    }
    UNREACHABLE();
}

static void give_places_back(struct ledger *ledger, uint32_t slot)
{
    const struct job_row row = ledger_row_of(ledger, slot);
    CHECK(ledger->hooked >= ledger_places(&row));
    ledger->hooked -= ledger_places(&row);
}

// A job that has ended waits in line until its batch is durable.
static void leave(struct ledger *ledger, uint32_t slot, struct effects *fx)
{
    ledger_part(ledger, slot, fx);
    if ((jobs_at(&ledger->jobs, slot)->relations & RELATION_HOOK) != 0)
        give_places_back(ledger, slot);
    CHECK(ledger->leaver_end - ledger->leaver_first < ledger->leaver_cap);
    ledger->leavers[ledger->leaver_end++ % ledger->leaver_cap] =
        (struct leaver){.slot = slot, .batch = ledger->batch};
}

static void finish(struct ledger *ledger, uint32_t slot, const struct entry *entry,
                   struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    struct past *past = pasts_at(&ledger->pasts, job->past);
    bool is_late = job->token_use == TOKEN_EXPIRED;
    CHECK_IMPLIES(is_late, job->state == JOB_QUEUED || job->state == JOB_RETRYING);
    CHECK_IMPLIES(!is_late, job->state == JOB_RUNNING);
    enum job_event event = entry->finish.event;
    // A late attempt is charged already, and the end of a cancelled one is nobody's fault.
    if (event == JOB_CANCEL)
        job->cancel = CANCEL_ACKNOWLEDGED;
    else if (!is_late)
        count_outcome(past, entry->finish.finish->outcome);
    job->token_use = TOKEN_FINISHED;
    past->outcome = (unsigned)entry->finish.finish->outcome & ((1u << ROW_OUTCOME_BITS) - 1);
    effects_write(fx, WRITE_OUTCOME)->outcome =
        (struct write_outcome){.job_no = job->no, .finish = entry->finish.finish};
    if (entry->finish.is_gone)
        mark(ledger, ledger_url_close(ledger, slot), fx);
    bool is_done = job_is_done(job_after(job->state, event));
    if (event != JOB_REPORT)
        job->at = is_done ? entry->at : entry->finish.due_at;
    move(ledger, slot, event, entry, fx);
    if (!is_late && !is_done)
        let_go(past);
    if (is_done)
        leave(ledger, slot, fx);
}

// The worker has not said it, so it is said here.
static void tell_failure(const struct job *job, const struct past *past, enum outcome outcome,
                         struct msg_failure why, struct effects *fx)
{
    static_assert(sizeof(struct msg_finish_job) <= EFFECTS_ANSWER_BYTES, "a place in the arena");
    struct msg_finish_job *finish = arena_take(fx->arena, sizeof *finish);
    CHECK(finish != NULL);
    *finish = (struct msg_finish_job){.job_id = job->id,
                                      .token = past->token,
                                      .outcome = outcome,
                                      .error_kind = why.kind,
                                      .error_message = why.message};
    effects_write(fx, WRITE_OUTCOME)->outcome =
        (struct write_outcome){.job_no = job->no, .finish = finish};
}

static void fail_by_deadline(const struct job *job, struct past *past, struct effects *fx)
{
    const struct msg_failure why = {
        .kind = slice_of_text("timeout"),
        .message = slice_of_text("the attempt was not finished by its deadline")};
    past->errors++;
    tell_failure(job, past, OUTCOME_FAILED, why, fx);
}

static void crash_by_silence(const struct job *job, struct past *past, struct slice reason,
                             struct effects *fx)
{
    const struct msg_failure why = {.kind = slice_of_text("lost"), .message = reason};
    past->crashes++;
    tell_failure(job, past, OUTCOME_CRASHED, why, fx);
}

static void lease_end(struct ledger *ledger, uint32_t slot, const struct entry *entry,
                      struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    CHECK(job->state == JOB_RUNNING && job->token_use == TOKEN_OPEN);
    struct past *past = pasts_at(&ledger->pasts, job->past);
    if (entry->lease_end.event == JOB_CANCEL)
        job->cancel = CANCEL_FORCED;
    else if (entry->lease_end.is_timeout)
        fail_by_deadline(job, past, fx);
    else if (entry->lease_end.is_crash)
        crash_by_silence(job, past, entry->reason, fx);
    else
        past->interruptions++;
    job->token_use = TOKEN_EXPIRED;
    job->at = entry->lease_end.event == JOB_FAIL ? entry->lease_end.due_at : entry->at;
    bool is_done = job_is_done(job_after(job->state, entry->lease_end.event));
    move(ledger, slot, entry->lease_end.event, entry, fx);
    if (is_done)
        leave(ledger, slot, fx);
    else
        let_go(past);
}

static uint32_t slot_of(const struct ledger *ledger, const struct entry *entry)
{
    if (entry->slot != ENTRY_NO_SLOT)
        return entry->slot;
    uint32_t slot = jobs_find(&ledger->jobs, &entry->job_id);
    CHECK(slot != JOBS_NONE);
    return slot;
}

static void cancel(struct ledger *ledger, uint32_t slot, const struct entry *entry,
                   struct effects *fx)
{
    struct job *job = jobs_at(&ledger->jobs, slot);
    if (!entry->cancel.is_request) {
        CHECK(job->state != JOB_RUNNING);
        job->at = entry->at;
        move(ledger, slot, JOB_CANCEL, entry, fx);
        leave(ledger, slot, fx);
        return;
    }
    CHECK(job->state == JOB_RUNNING && job->cancel == CANCEL_NONE);
    job->cancel = CANCEL_REQUESTED;
    job->version++;
    mark(ledger, slot, fx);
    note_job(ledger, job);
    tell(ledger, job, JOB_CANCEL, entry, fx);
}

static uint32_t expire(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t slot = slot_of(ledger, entry);
    struct job *job = jobs_at(&ledger->jobs, slot);
    CHECK(ledger_past(ledger, job)->token == 0);
    job->at = entry->at;
    move(ledger, slot, JOB_EXPIRE, entry, fx);
    leave(ledger, slot, fx);
    return slot;
}

// A new life: what the attempts of the old one burnt is the timeline's to tell.
static uint32_t retry(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    struct ledger_view view = ledger_lookup(ledger, &entry->job_id);
    CHECK(view.is_known && view.slot == JOBS_NONE && view.row.no == entry->retry.job_no);
    uint32_t slot = ledger_revive(ledger, &view.row);
    struct job *job = jobs_at(&ledger->jobs, slot);
    struct past *past = past_of(ledger, job);
    past->errors = 0;
    past->crashes = 0;
    if (entry->retry.act != 0)
        past->act = entry->retry.act;
    if (!id_is_zero(&past->worker))
        let_go(past);
    job->cancel = CANCEL_NONE;
    ledger_url_open(ledger, slot);
    ledger_reclaim(ledger, job, &entry->retry.unique, fx);
    job->at = entry->at;
    // Behind all that were accepted so far, which have even places.
    if (job->is_bound && ledger->bonds[slot].order != ORDER_NONE)
        ledger->bonds[slot].rank = 2 * ledger->row.job_no_next - 1;
    job->policy = (uint16_t)policy_of(ledger, &entry->retry.policy, fx);
    move(ledger, slot, JOB_RETRY, entry, fx);
    return slot;
}

static uint32_t progress(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t slot = slot_of(ledger, entry);
    struct job *job = jobs_at(&ledger->jobs, slot);
    CHECK(job->state == JOB_RUNNING);
    struct past *past = pasts_at(&ledger->pasts, job->past);
    if (entry->progress.said->extend_ms > past->extend_ms)
        past->extend_ms = limits_extend_ms(entry->progress.said->extend_ms);
    job->version++;
    mark(ledger, slot, fx);
    note_job(ledger, job);
    effects_write(fx, WRITE_PROGRESS)->progress =
        (struct write_progress){.job_no = job->no, .progress = entry->progress.said};
    return slot;
}

// A late finish brings lines too.
static uint32_t log_lines(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t slot = slot_of(ledger, entry);
    struct job *job = jobs_at(&ledger->jobs, slot);
    CHECK(job->state == JOB_RUNNING || job->token_use == TOKEN_EXPIRED);
    CHECK(entry->log.count > 0);
    struct past *past = pasts_at(&ledger->pasts, job->past);
    effects_write(fx, WRITE_LOG)->log = (struct write_log){.job_no = job->no,
                                                           .first = past->log_count + 1,
                                                           .count = entry->log.count,
                                                           .at = entry->at,
                                                           .lines = entry->log.lines};
    past->log_count += entry->log.count;
    job->version++;
    mark(ledger, slot, fx);
    note_job(ledger, job);
    ledger_note(ledger, past->log_count);
    return slot;
}

static void change_stored(struct ledger *ledger, const struct job_row *row, bool is_gone)
{
    overlay_add(&ledger->overlay,
                &(struct overlay_item){.row = *row, .batch = ledger->batch, .is_gone = is_gone});
    ledger_note(ledger, row->no << 1 | is_gone);
}

// The move of a job that has left memory: only its row is there.
static void row_move(struct job_row *row, enum job_event event)
{
    row->state = (uint8_t)job_after(row->state, event);
    row->version++;
}

static void remove_job(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    struct ledger_view view = ledger_lookup(ledger, &entry->job_id);
    CHECK(view.is_known && view.slot == JOBS_NONE && view.row.no == entry->remove.job_no);
    struct job_row row = view.row;
    row.ended_as = row.state;
    row_move(&row, JOB_REMOVE);
    count(ledger, row.lane, row.ended_as, row.state);
    ledger_batch_move(ledger, row.batch, row.ended_as, row.state, entry->at);
    row.batch = 0;
    effects_write(fx, DROP_BODY)->drop = row;
    row.event_count = 0;
    row.log_count = 0;
    effects_write(fx, WRITE_JOB)->job = (struct write_job){.row = row};
    change_stored(ledger, &row, false);
}

static void forget(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    struct ledger_view view = ledger_lookup(ledger, &entry->job_id);
    CHECK(view.is_known && view.slot == JOBS_NONE && view.row.state == JOB_REMOVED);
    CHECK(view.row.no == entry->remove.job_no);
    struct job_row row = view.row;
    row.version++;
    if (id_version(&row.id) == 8)
        keys_drop(&ledger->keys, &row.id, row.no);
    effects_write(fx, DROP_JOB)->drop = row;
    change_stored(ledger, &row, true);
}

static void record(const struct entry *entry, struct effects *fx)
{
    if (fx->entries == NULL)
        return;
    CHECK(fx->entry_count < fx->entry_cap);
    fx->entries[fx->entry_count] = *entry;
    fx->entries[fx->entry_count++].slot = ENTRY_NO_SLOT;
}

// Its time has come, or nobody waits for that.
static uint32_t become_due(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    uint32_t slot = slot_of(ledger, entry);
    if (entry->kind == ENTRY_RUN_NOW) {
        CHECK(!ledger_waits(ledger, slot));
        jobs_at(&ledger->jobs, slot)->at = entry->at;
        if (entry->run_now.act != 0)
            past_of(ledger, jobs_at(&ledger->jobs, slot))->act = entry->run_now.act;
    }
    move(ledger, slot, entry->kind == ENTRY_DUE ? JOB_DUE : JOB_RUN_NOW, entry, fx);
    return slot;
}

uint32_t ledger_apply(struct ledger *ledger, const struct entry *entry, struct effects *fx)
{
    record(entry, fx);
    uint32_t slot = JOBS_NONE;
    switch (entry->kind) {
    case ENTRY_START: start(ledger, entry); return JOBS_NONE;
    case ENTRY_SUBMIT: return submit(ledger, entry, fx);
    case ENTRY_RUN_NOW:
    case ENTRY_DUE: return become_due(ledger, entry, fx);
    case ENTRY_GRANT:
        slot = slot_of(ledger, entry);
        grant(ledger, slot, entry, fx);
        return slot;
    case ENTRY_FINISH:
        slot = slot_of(ledger, entry);
        finish(ledger, slot, entry, fx);
        return slot;
    case ENTRY_LEASE_END:
        slot = slot_of(ledger, entry);
        lease_end(ledger, slot, entry, fx);
        return slot;
    case ENTRY_PROGRESS: return progress(ledger, entry, fx);
    case ENTRY_CANCEL:
        slot = slot_of(ledger, entry);
        cancel(ledger, slot, entry, fx);
        return slot;
    case ENTRY_EXPIRE: return expire(ledger, entry, fx);
    case ENTRY_RETRY: return retry(ledger, entry, fx);
    case ENTRY_LOG: return log_lines(ledger, entry, fx);
    case ENTRY_REMOVE: remove_job(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_FORGET: forget(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_UNUSED: ledger_queue_drop(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_PASS: ledger_pass(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_ENDPOINT: ledger_endpoint_change(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_SCHEDULE: ledger_schedule_change(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_QUEUE: ledger_queue_change(ledger, entry); return JOBS_NONE;
    case ENTRY_TYPE: ledger_queue_set_type(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_PAUSE: ledger_queue_pause(ledger, entry); return JOBS_NONE;
    case ENTRY_MOMENT: ledger_schedule_moment(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_SEAL: ledger_batch_seal(ledger, entry); return JOBS_NONE;
    case ENTRY_FREE: ledger_batch_free(ledger, entry); return JOBS_NONE;
    case ENTRY_OPERATE: ledger_operation_begin(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_STEP: ledger_operation_step(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_HALT: ledger_operation_cancel(ledger, entry, fx); return JOBS_NONE;
    case ENTRY_RELEASE:
        slot = slot_of(ledger, entry);
        ledger_release(ledger, slot, entry);
        return slot;
    }
    UNREACHABLE();
}

uint64_t ledger_digest(const struct ledger *ledger)
{
    return ledger->row.digest;
}
