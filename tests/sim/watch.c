// Invariants of docs/promises.md, as far as they apply, and the situations reached.

#include "tests/sim/sim.h"

uint64_t sim_situations[SEEN_COUNT];
uint64_t sim_edges[JOB_STATES][JOB_EVENTS];

void watch_seen(enum sim_situation situation)
{
    sim_situations[situation]++;
}

// --- credit and leases, as the broker has heard them ---

static struct seen_grant *grant_of(struct sim *sim, uint64_t token)
{
    for (uint32_t i = sim->watch.grant_count; i-- > 0;)
        if (sim->watch.grants[i].token == token)
            return &sim->watch.grants[i];
    return NULL;
}

static uint32_t worker_no(const struct id *id)
{
    SIM_EXPECT(id->bytes[0] >= 1 && id->bytes[0] <= SIM_WORKERS, "a worker is one of ours");
    return id->bytes[0] - 1u;
}

static uint32_t worker_of_peer(const struct sim *sim, uint32_t peer)
{
    uint32_t no = workers_of_peer(&sim->shell.core->workers, peer);
    return no == WORKERS_NONE ? SIM_WORKERS
                              : worker_no(&workers_at(&sim->shell.core->workers, no)->id);
}

static bool is_in(const struct msg_held_list *list, uint64_t token)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].token == token)
            return true;
    return false;
}

// A worker's session or connection is new: only what it names, and the broker confirms, is out.
static void heard_hello(struct sim *sim, const struct msg *msg, const struct effects *fx)
{
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if (msg->hello.role != ROLE_WORKER || answer->kind != MSG_WELCOME)
        return;
    uint32_t worker = worker_no(&msg->hello.worker_id);
    watch_seen(SEEN_NEW_SESSION);
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        struct seen_grant *grant = &sim->watch.grants[i];
        if (grant->worker != worker)
            continue;
        bool stays =
            is_in(&msg->hello.running, grant->token) && !is_in(&answer->welcome.lost, grant->token);
        // A repeated HELLO changes nothing: jobs may be on their way.
        uint32_t lease = leases_find(&sim->shell.core->leases, grant->token);
        bool on_its_way = lease != LEASES_NONE && grant->is_out;
        grant->is_out = stays || on_its_way;
    }
}

static void heard_renew(struct sim *sim, uint32_t worker, const struct msg *msg,
                        const struct effects *fx)
{
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    for (uint32_t i = 0; answer->kind == MSG_RENEWED && i < msg->renew.running.count; i++) {
        struct seen_grant *grant = grant_of(sim, msg->renew.running.items[i].token);
        if (grant != NULL && !is_in(&answer->renewed.lost, grant->token))
            grant->safe_until = sim->now.mono + SIM_LEASE_MS;
    }
    // What has passed and is not named is the worker's no more.
    for (uint32_t i = 0; answer->kind == MSG_RENEWED && i < sim->watch.grant_count; i++) {
        struct seen_grant *grant = &sim->watch.grants[i];
        if (grant->worker == worker && sim->now.mono >= grant->safe_until)
            grant->is_out = grant->is_out && is_in(&msg->renew.running, grant->token);
    }
}

static void heard_finish(struct sim *sim, uint32_t peer, const struct msg *msg,
                         const struct effects *fx)
{
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if (answer->kind != MSG_FINISHED)
        return;
    for (uint32_t i = 0; i < msg->finish.count; i++) {
        struct seen_grant *grant = grant_of(sim, msg->finish.jobs[i].token);
        if (answer->finished.jobs[i].error == ERR_STALE_LEASE)
            watch_seen(SEEN_STALE_FINISH);
        if (grant == NULL)
            continue;
        if (!grant->is_out && answer->finished.jobs[i].error == OK)
            watch_seen(SEEN_FINISH_TWICE);
        if (grant->worker == worker_of_peer(sim, peer))
            grant->is_out = false;
    }
    for (uint32_t i = 0; i < msg->finish.count; i++)
        if (answer->finished.jobs[i].error == OK &&
            jobs_find(&sim->shell.core->ledger.jobs, &msg->finish.jobs[i].job_id) == JOBS_NONE)
            watch_seen(SEEN_FINISH_STORED);
}

static void heard(struct sim *sim, const struct command *command, const struct effects *fx)
{
    const struct msg *msg = command->msg;
    for (uint32_t i = 0; command->kind == COMMAND_UNSENT && i < command->unsent.count; i++) {
        struct seen_grant *grant = grant_of(sim, command->unsent.items[i].token);
        if (grant != NULL)
            grant->is_out = false;
    }
    if (command->kind != COMMAND_MESSAGE)
        return;
    uint32_t worker = worker_of_peer(sim, command->peer);
    if (msg->kind == MSG_HELLO)
        heard_hello(sim, msg, fx);
    if (msg->kind == MSG_RENEW)
        heard_renew(sim, worker, msg, fx);
    if (msg->kind == MSG_FINISH)
        heard_finish(sim, command->peer, msg, fx);
    if (msg->kind == MSG_READY && worker < SIM_WORKERS)
        sim->watch.slots[worker] = msg->ready.slots;
}

// --- entries: edges and leases ---

static struct seen_state *state_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->watch.state_count; i++)
        if (id_equal(&sim->watch.states[i].id, id))
            return &sim->watch.states[i];
    SIM_EXPECT(sim->watch.state_count < SIM_INTENTS + 64, "room for states");
    struct seen_state *seen = &sim->watch.states[sim->watch.state_count++];
    *seen = (struct seen_state){.id = *id};
    return seen;
}

static enum job_event event_of(const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_SUBMIT: return entry->submit.due_at > entry->at ? JOB_SUBMIT_LATER : JOB_SUBMIT;
    case ENTRY_DUE: return JOB_DUE;
    case ENTRY_GRANT: return JOB_GRANT;
    case ENTRY_FINISH: return entry->finish.event;
    case ENTRY_LEASE_END: return entry->lease_end.event;
    case ENTRY_REMOVE: return JOB_REMOVE;
    case ENTRY_START:
    case ENTRY_PROGRESS:
    case ENTRY_FORGET: break;
    }
    sim_fail("an entry that moves no job");
}

// Follows the drawn edges from entry to entry.
static void note_edge(struct sim *sim, const struct entry *entry)
{
    struct seen_state *seen = state_of(sim, &entry->job_id);
    if (entry->kind == ENTRY_FORGET) {
        seen->state = JOB_NONE;
        return;
    }
    enum job_event event = event_of(entry);
    SIM_EXPECT(job_may(seen->state, event), "a job moves along the drawn edges only");
    sim->watch.edges[seen->state][event] = true;
    seen->state = job_after(seen->state, event);
}

static void check_lease_end(struct sim *sim, const struct entry *entry, bool by_tick)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t slot = jobs_find(&ledger->jobs, &entry->job_id);
    SIM_EXPECT(slot != JOBS_NONE, "a job whose lease ends is in memory");
    uint64_t token = ledger_past(ledger, jobs_at(&ledger->jobs, slot))->token;
    struct seen_grant *grant = grant_of(sim, token);
    if (!by_tick || grant == NULL)
        return;
    watch_seen(SEEN_LEASE_PASSED);
    SIM_EXPECT(sim->now.mono >= grant->safe_until, "a lease lasts at least its time");
}

static void check_due(const struct sim *sim, const struct entry *entry)
{
    uint32_t slot = jobs_find(&sim->shell.core->ledger.jobs, &entry->job_id);
    SIM_EXPECT(slot != JOBS_NONE, "a job that becomes due is in memory");
    SIM_EXPECT(jobs_at(&sim->shell.core->ledger.jobs, slot)->at <= entry->at,
               "a job never starts before it is due");
}

static void check_entry(struct sim *sim, const struct entry *entry, bool by_tick)
{
    if (entry->kind == ENTRY_START || entry->kind == ENTRY_PROGRESS)
        return;
    note_edge(sim, entry);
    if (entry->kind == ENTRY_LEASE_END)
        check_lease_end(sim, entry, by_tick);
    if (entry->kind == ENTRY_DUE)
        check_due(sim, entry);
    if (entry->kind != ENTRY_FINISH)
        return;
    if (entry->finish.finish->outcome == OUTCOME_INTERRUPTED)
        watch_seen(SEEN_INTERRUPTED);
    if (entry->finish.finish->outcome == OUTCOME_SNOOZED)
        watch_seen(SEEN_SNOOZED);
}

static void note_figures(struct sim *sim)
{
    static uint64_t late_before;
    struct core_figures figures;
    core_figures(sim->shell.core, &figures);
    if (figures.late > late_before)
        watch_seen(SEEN_LATE_FINISH);
    late_before = figures.late;
    for (uint32_t i = 0; i < sim->shell.core->workers.used; i++)
        if (sim->shell.core->workers.items[i].is_stalled)
            watch_seen(SEEN_STALLED);
}

static void note_waiting(struct sim *sim)
{
    if (sim->store.ledger.counts[JOB_QUEUED] > 0 && sim->shell.core->workers.count > 0)
        watch_seen(SEEN_NO_CREDIT);
}

void watch_step(struct sim *sim, const struct command *command, const struct effects *fx,
                uint32_t first_entry)
{
    bool by_tick = command != NULL && command->kind == COMMAND_TICK;
    for (uint32_t i = first_entry; i < fx->entry_count; i++)
        check_entry(sim, &fx->entries[i], by_tick);
    if (command != NULL)
        heard(sim, command, fx);
    else
        note_waiting(sim);
    note_figures(sim);
}

static uint32_t out_count(const struct sim *sim, uint32_t worker)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sim->watch.grant_count; i++)
        count += sim->watch.grants[i].worker == worker && sim->watch.grants[i].is_out;
    return count;
}

void watch_grants(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        const struct grant_send *grant = &fx->grants[i];
        uint32_t worker = worker_of_peer(sim, grant->peer);
        SIM_EXPECT(worker < SIM_WORKERS, "a job is granted to a worker");
        SIM_EXPECT(sim->watch.grant_count < SIM_JOBS * 4, "room for grants");
        sim->watch.grants[sim->watch.grant_count++] =
            (struct seen_grant){.token = grant->job.token,
                                .job_id = grant->job.job_id,
                                .worker = worker,
                                .safe_until = sim->now.mono + SIM_LEASE_MS,
                                .is_out = true};
        SIM_EXPECT(out_count(sim, worker) <= sim->watch.slots[worker],
                   "never more unfinished jobs at a worker than its credit");
    }
}

// --- commits ---

static const struct write_outcome *outcome_in(const struct effects *fx, uint64_t job_no)
{
    const struct write_outcome *found = NULL;
    for (uint32_t i = 0; i < fx->write_count; i++)
        if (fx->writes[i].kind == WRITE_OUTCOME && fx->writes[i].outcome.job_no == job_no)
            found = &fx->writes[i].outcome;
    return found;
}

static const struct policy *policy_in(const struct sim *sim, const struct effects *fx, uint16_t no)
{
    for (uint32_t i = fx->write_count; i-- > 0;)
        if (fx->writes[i].kind == WRITE_POLICY && fx->writes[i].policy.no == no)
            return &fx->writes[i].policy.policy;
    return &sim->store.policies[no];
}

static void check_limits(const struct sim *sim, const struct effects *fx, const struct job_row *row,
                         const struct job_row *old)
{
    const struct policy *policy = policy_in(sim, fx, row->policy);
    uint32_t burnt = (uint32_t)row->errors + row->crashes;
    const struct write_outcome *outcome = outcome_in(fx, row->no);
    bool asked = outcome != NULL && outcome->finish->outcome == OUTCOME_DEAD;
    bool spent = burnt >= policy->max_attempts || row->crashes >= policy->max_crashes;
    if (!job_is_done(row->state))
        SIM_EXPECT(!spent, "a job whose attempts are spent is dead");
    if (row->state == JOB_DEAD && old->state != JOB_DEAD && !asked) {
        SIM_EXPECT(burnt == policy->max_attempts || row->crashes == policy->max_crashes,
                   "a job dies at exactly its limits");
        watch_seen(row->crashes >= policy->max_crashes ? SEEN_DEAD_CRASHES : SEEN_DEAD_ATTEMPTS);
    }
}

// An attempt is burnt by an error or a crash, by nothing else.
static void check_burnt(const struct effects *fx, const struct job_row *row,
                        const struct job_row *old)
{
    if (row->errors == old->errors && row->crashes == old->crashes)
        return;
    bool has_cause = false;
    for (uint32_t i = 0; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        if (!id_equal(&entry->job_id, &row->id))
            continue;
        enum outcome outcome =
            entry->kind == ENTRY_FINISH ? entry->finish.finish->outcome : OUTCOME_NONE;
        has_cause = has_cause || outcome == OUTCOME_FAILED || outcome == OUTCOME_DEAD ||
                    outcome == OUTCOME_CRASHED ||
                    (entry->kind == ENTRY_LEASE_END && entry->lease_end.is_crash);
    }
    SIM_EXPECT(has_cause, "only errors and crashes burn attempts");
}

static void check_job(const struct sim *sim, const struct effects *fx, const struct job_row *row)
{
    const struct job_row *old = &sim->store.rows[row->no];
    const struct write_outcome *outcome = outcome_in(fx, row->no);
    if (outcome != NULL && row->token_use == TOKEN_FINISHED)
        SIM_EXPECT(outcome->finish->token == row->token,
                   "an accepted finish has the highest token ever granted");
    if (row->state != JOB_REMOVED)
        check_limits(sim, fx, row, old);
    if (old->no == 0) {
        if (row->state == JOB_RUNNING)
            watch_seen(SEEN_SUBMIT_GRANT);
        return;
    }
    SIM_EXPECT(row->version > old->version, "versions grow");
    SIM_EXPECT(row->token >= old->token, "tokens grow");
    SIM_EXPECT(row->errors >= old->errors && row->crashes >= old->crashes, "counters grow");
    SIM_EXPECT(!job_is_done(old->state) || row->state == JOB_REMOVED, "an end is never left");
    SIM_EXPECT(id_equal(&row->id, &old->id), "a job keeps its id");
    check_burnt(fx, row, old);
}

static void check_law(const struct sim *sim, const struct ledger_row *ledger)
{
    uint64_t sum = 0;
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        sum += ledger->counts[state];
    SIM_EXPECT(sum == ledger->accepted, "accepted jobs = jobs in all states");
    SIM_EXPECT(ledger->token_counter >= sim->store.ledger.token_counter ||
                   ledger->epoch > sim->store.ledger.epoch,
               "tokens of an epoch grow");
}

void watch_commit(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->write_count; i++) {
        if (fx->writes[i].kind == WRITE_JOB)
            check_job(sim, fx, &fx->writes[i].job.row);
        if (fx->writes[i].kind == WRITE_LEDGER)
            check_law(sim, &fx->writes[i].ledger);
    }
}

// --- what leaves ---

static struct intent *intent_of(struct sim *sim, uint64_t corr)
{
    for (uint32_t i = 0; i < sim->intent_count; i++)
        if (sim->intents[i].corr == corr)
            return &sim->intents[i];
    return NULL;
}

static struct seen_job *seen_of(struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->watch.job_count; i++)
        if (id_equal(&sim->watch.jobs[i].id, id))
            return &sim->watch.jobs[i];
    SIM_EXPECT(sim->watch.job_count < SIM_INTENTS + 64, "room for ids");
    struct seen_job *seen = &sim->watch.jobs[sim->watch.job_count++];
    *seen = (struct seen_job){.id = *id};
    return seen;
}

static void check_refusal(struct sim *sim, const struct msg_submitted_job *answer)
{
    if (answer->error == ERR_KEY_REUSED)
        watch_seen(SEEN_KEY_REUSED);
    if (answer->error == ERR_ID_TOO_OLD)
        watch_seen(SEEN_ID_TOO_OLD);
    if (answer->error != ERR_FULL)
        return;
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "job_", 4) == 0)
        watch_seen(SEEN_FULL_JOBS);
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "lane", 4) == 0) {
        watch_seen(SEEN_FULL_LANES);
        sim->watch.was_full_lanes = true;
    }
    if (answer->detail.len > 4 && memcmp(answer->detail.data, "poli", 4) == 0)
        watch_seen(SEEN_FULL_POLICIES);
}

static void check_replay(struct sim *sim, const struct seen_job *seen,
                         const struct msg_submitted_job *answer, const struct job_row *row)
{
    watch_seen(SEEN_REPLAY);
    if (seen->dedup_until == 0)
        watch_seen(SEEN_REPLAY_UNSETTLED);
    if (answer->state == JOB_REMOVED)
        watch_seen(SEEN_REPLAY_TOMBSTONE);
    else if (row != NULL && job_is_done(row->state) &&
             jobs_find(&sim->shell.core->ledger.jobs, &row->id) == JOBS_NONE)
        watch_seen(SEEN_REPLAY_STORED);
}

static void check_submitted(struct sim *sim, uint64_t corr, const struct msg_submitted_job *answer)
{
    if (answer->error != OK) {
        check_refusal(sim, answer);
        return;
    }
    const struct intent *intent = intent_of(sim, corr);
    const struct job_row *row = store_find(&sim->store, &answer->job_id);
    struct seen_job *seen = seen_of(sim, &answer->job_id);
    // The batch of a replay may also hold the key's end and its next use, with another body.
    bool is_used_again = row != NULL && row->accepted_at > answer->created_at;
    SIM_EXPECT((row != NULL && !is_used_again) || sim->now.store >= answer->dedup_until,
               "what is acknowledged is stored");
    SIM_EXPECT(row == NULL || is_used_again || row->fingerprint == intent->job.fingerprint,
               "a key with another body is refused");
    if (answer->replayed) {
        check_replay(sim, seen, answer, row);
        return;
    }
    SIM_EXPECT(answer->created_at >= seen->dedup_until, "one job per key in its window");
    if (seen->dedup_until > 0)
        watch_seen(SEEN_KEY_AGAIN);
    seen->dedup_until = answer->dedup_until;
    seen->fingerprint = intent->job.fingerprint;
}

static void check_finished(struct sim *sim, const struct msg_finished_job *answer)
{
    const struct job_row *row = store_find(&sim->store, &answer->job_id);
    if (answer->error != OK || row == NULL)
        return;
    SIM_EXPECT(row->token >= answer->token, "a finish is accepted for a granted token");
    SIM_EXPECT(row->token != answer->token || row->token_use == TOKEN_FINISHED,
               "an accepted finish is stored before it is answered");
}

void watch_release(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->send_count; i++) {
        const struct msg *msg = &fx->sends[i].msg;
        for (uint32_t j = 0; msg->kind == MSG_SUBMITTED && j < msg->submitted.count; j++)
            check_submitted(sim, msg->corr, &msg->submitted.jobs[j]);
        for (uint32_t j = 0; msg->kind == MSG_FINISHED && j < msg->finished.count; j++)
            check_finished(sim, &msg->finished.jobs[j]);
    }
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        const struct job_row *row = &sim->store.rows[fx->grants[i].job_no];
        SIM_EXPECT(row->state == JOB_RUNNING && row->token == fx->grants[i].job.token,
                   "a lease is stored before its job leaves");
        SIM_EXPECT(sim->store.has_body[row->no], "a granted job has its body");
    }
}

void watch_end(const struct sim *sim)
{
    uint32_t counts[64][JOB_STATES] = {{0}};
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++) {
        const struct job_row *row = &sim->store.rows[no];
        if (row->no != 0 && row->batch > 0)
            counts[row->batch - 1][row->state]++;
    }
    for (uint32_t no = 0; no < 64; no++)
        for (unsigned state = JOB_SCHEDULED; sim->store.has_batch[no] && state < JOB_REMOVED;
             state++)
            SIM_EXPECT(counts[no][state] == sim->store.batches[no].counts[state],
                       "a batch counts its members");
}

void watch_start(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.job_count; i++) {
        const struct seen_job *seen = &sim->watch.jobs[i];
        SIM_EXPECT(seen->dedup_until <= sim->now.store ||
                       store_find(&sim->store, &seen->id) != NULL,
                   "what was acknowledged is there after a restart");
    }
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        sim->watch.grants[i].is_out = false;
        // Leases count in full from a start.
        sim->watch.grants[i].safe_until = sim->now.mono + SIM_LEASE_MS;
    }
    memset(sim->watch.slots, 0, sizeof sim->watch.slots);
    // What was not durable never happened.
    sim->watch.state_count = 0;
    for (uint64_t no = 1; no < sim->store.ledger.job_no_next; no++)
        if (sim->store.rows[no].no != 0)
            state_of(sim, &sim->store.rows[no].id)->state = sim->store.rows[no].state;
    core_audit(sim->shell.core);
}
