// What a batch writes: limits, counters and the law, before the writes reach the store.

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
                    outcome == OUTCOME_CRASHED || outcome == OUTCOME_CANCELLED ||
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
    watch_history(sim, fx);
    for (uint32_t i = 0; i < fx->write_count; i++) {
        if (fx->writes[i].kind == WRITE_JOB)
            check_job(sim, fx, &fx->writes[i].job.row);
        if (fx->writes[i].kind == WRITE_LEDGER)
            check_law(sim, &fx->writes[i].ledger);
    }
}
