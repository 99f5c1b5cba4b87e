// What a batch writes: limits, counters and the law, before the writes reach the store.

#include "broker/core/retry.h"
#include "tests/sim/sim.h"

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

static bool was_retried(const struct effects *fx, const struct job_row *row)
{
    for (uint32_t i = 0; i < fx->entry_count; i++)
        if (fx->entries[i].kind == ENTRY_RETRY && id_equal(&fx->entries[i].job_id, &row->id))
            return true;
    return false;
}

static when_ms retry_bound(const struct policy *policy, const struct job_row *row)
{
    return when_after(row->accepted_at, (when_ms)policy->retry_within_s * 1000);
}

// A dead job whose next attempt would have come after its bound.
static bool is_too_late(const struct policy *policy, const struct job_row *row,
                        const struct write_outcome *outcome)
{
    if (policy->retry_within_s == 0)
        return false;
    uint32_t burnt = (uint32_t)row->errors + row->crashes;
    when_ms delay = outcome != NULL ? retry_delay_ms(policy, &row->id, burnt) : 0;
    if (outcome != NULL && outcome->finish->retry_after_ms > delay)
        delay = outcome->finish->retry_after_ms;
    bool is_late = when_after(row->ended_at, delay) > retry_bound(policy, row);
    if (is_late)
        watch_seen(SEEN_DEAD_WITHIN);
    return is_late;
}

// No attempt begins after the bound because of a failure, and none before the first start's.
static void check_within(const struct sim *sim, const struct policy *policy,
                         const struct job_row *row, const struct job_row *old,
                         const struct write_outcome *outcome)
{
    (void)sim;
    if (row->state == JOB_RETRYING && old->state != JOB_RETRYING && policy->retry_within_s > 0 &&
        outcome != NULL)
        SIM_EXPECT(row->due_at <= retry_bound(policy, row),
                   "no attempt is planned for later than retry.within");
    when_ms start_by = when_after(row->accepted_at, (when_ms)policy->ttl_ms);
    if (policy->ttl_ms > 0 && old->token == 0 && row->token != 0)
        SIM_EXPECT(row->granted_at < start_by, "a job never starts after its ttl");
    if (row->state == JOB_EXPIRED)
        SIM_EXPECT(policy->ttl_ms > 0 && row->token == 0 && row->ended_at >= start_by,
                   "a job expires only when it was not started within its ttl");
}

static void check_limits(const struct sim *sim, const struct effects *fx, const struct job_row *row,
                         const struct job_row *old)
{
    const struct policy *policy = policy_in(sim, fx, row->policy);
    uint32_t burnt = (uint32_t)row->errors + row->crashes;
    const struct write_outcome *outcome = outcome_in(fx, row->no);
    bool asked = outcome != NULL && outcome->finish->outcome == OUTCOME_DEAD;
    bool died = old->state != JOB_DEAD || was_retried(fx, row);
    bool spent = burnt >= policy->max_attempts || row->crashes >= policy->max_crashes;
    check_within(sim, policy, row, old, outcome);
    if (!job_is_done(row->state))
        SIM_EXPECT(!spent, "a job whose attempts are spent is dead");
    if (row->state == JOB_DEAD && died && !asked && !is_too_late(policy, row, outcome)) {
        SIM_EXPECT(burnt == policy->max_attempts || row->crashes == policy->max_crashes,
                   "a job dies at exactly its limits");
        watch_seen(row->crashes >= policy->max_crashes ? SEEN_DEAD_CRASHES : SEEN_DEAD_ATTEMPTS);
    }
}

struct counters {
    uint32_t errors, crashes, interruptions;
};

// A late word counts nothing: the end of its lease was counted.
static void count_finish(struct counters *counters, const struct entry *entry, bool is_late)
{
    if (is_late || entry->finish.event == JOB_CANCEL)
        return;
    switch (entry->finish.finish->outcome) {
    case OUTCOME_FAILED:
    case OUTCOME_CANCELLED:
    case OUTCOME_DEAD: counters->errors++; return;
    case OUTCOME_CRASHED: counters->crashes++; return;
    case OUTCOME_INTERRUPTED: counters->interruptions++; return;
    case OUTCOME_SUCCEEDED:
    case OUTCOME_SNOOZED:
    case OUTCOME_NONE: return;
    }
}

static void count_lease_end(struct counters *counters, const struct entry *entry)
{
    if (entry->lease_end.event == JOB_CANCEL)
        return;
    if (entry->lease_end.is_timeout)
        counters->errors++;
    else if (entry->lease_end.is_crash)
        counters->crashes++;
    else
        counters->interruptions++;
}

// Each attempt that has ended counts once, by its end, and nothing else counts.
static void check_counters(const struct effects *fx, const struct job_row *row,
                           const struct job_row *old)
{
    struct counters sum = {old->errors, old->crashes, old->interruptions};
    bool is_late = old->token_use == TOKEN_EXPIRED;
    for (uint32_t i = 0; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        if (!id_equal(&entry->job_id, &row->id))
            continue;
        if (entry->kind == ENTRY_SUBMIT && old->no != 0)
            break; // the next use of its key
        if (entry->kind == ENTRY_SUBMIT || entry->kind == ENTRY_RETRY)
            sum.errors = sum.crashes = 0;
        if (entry->kind == ENTRY_GRANT)
            is_late = false;
        if (entry->kind == ENTRY_FINISH)
            count_finish(&sum, entry, is_late);
        if (entry->kind == ENTRY_LEASE_END) {
            count_lease_end(&sum, entry);
            is_late = true;
        }
    }
    SIM_EXPECT(row->errors == sum.errors && row->crashes == sum.crashes &&
                   row->interruptions == sum.interruptions,
               "each attempt that has ended counts once");
}

static void check_job(const struct sim *sim, const struct effects *fx, const struct job_row *row)
{
    const struct job_row *old = &sim->store.rows[row->no];
    const struct write_outcome *outcome = outcome_in(fx, row->no);
    if (outcome != NULL && row->token_use == TOKEN_FINISHED)
        SIM_EXPECT(outcome->finish->token == row->token,
                   "an accepted finish has the highest token ever granted");
    if (outcome != NULL && row->token_use == TOKEN_FINISHED)
        SIM_EXPECT(outcome->finish->outcome == row->outcome, "the outcome that was taken is kept");
    SIM_EXPECT(row->outcome == OUTCOME_NONE || row->token_use == TOKEN_FINISHED,
               "only a finished token has an outcome");
    if (row->state != JOB_REMOVED)
        check_limits(sim, fx, row, old);
    check_counters(fx, row, old);
    if (old->no == 0) {
        if (row->state == JOB_RUNNING)
            watch_seen(SEEN_SUBMIT_GRANT);
        return;
    }
    SIM_EXPECT(row->version > old->version, "versions grow");
    SIM_EXPECT(row->token >= old->token, "tokens grow");
    bool retried = was_retried(fx, row);
    SIM_EXPECT(retried || (row->errors >= old->errors && row->crashes >= old->crashes),
               "counters grow");
    SIM_EXPECT(retried || !job_is_done(old->state) || row->state == JOB_REMOVED,
               "an end is left only when somebody wants the job to live again");
    SIM_EXPECT(id_equal(&row->id, &old->id), "a job keeps its id");
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
    watch_history(sim, fx);
    watch_queue_commit(sim, fx);
    for (uint32_t i = 0; i < fx->write_count; i++) {
        if (fx->writes[i].kind == WRITE_JOB)
            check_job(sim, fx, &fx->writes[i].job.row);
        if (fx->writes[i].kind == WRITE_BATCH)
            watch_batch_commit(sim, &fx->writes[i].batch);
        if (fx->writes[i].kind == WRITE_LEDGER)
            check_law(sim, &fx->writes[i].ledger);
    }
}
