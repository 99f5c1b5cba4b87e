// Dry runs: nothing changes, and the same submitted at that moment is answered as it was told.

#include "tests/sim/sim.h"

// What a dry run must leave as it was.
struct trace_of_it {
    struct core_figures figures;
    uint32_t write_count, entry_count, changed_count, grant_count, send_count;
};

static struct trace_of_it look(const struct sim *sim, const struct effects *fx)
{
    struct trace_of_it seen = {.write_count = fx->write_count,
                               .entry_count = fx->entry_count,
                               .changed_count = fx->changed_count,
                               .grant_count = fx->grant_count,
                               .send_count = fx->send_count};
    core_figures(sim->shell.core, &seen.figures);
    return seen;
}

static void expect_same(const struct trace_of_it *before, const struct trace_of_it *after)
{
    const struct core_figures *old = &before->figures;
    const struct core_figures *is = &after->figures;
    SIM_EXPECT(before->write_count == after->write_count &&
                   before->entry_count == after->entry_count &&
                   before->changed_count == after->changed_count &&
                   before->grant_count == after->grant_count,
               "a dry run writes nothing");
    SIM_EXPECT(old->ledger.digest == is->ledger.digest &&
                   old->ledger.job_no_next == is->ledger.job_no_next &&
                   old->job_count == is->job_count && old->key_count == is->key_count &&
                   old->unique_count == is->unique_count && old->lane_count == is->lane_count &&
                   old->batch_count == is->batch_count,
               "a dry run takes no place");
    SIM_EXPECT(old->submitted == is->submitted && old->replayed == is->replayed &&
                   old->refused == is->refused,
               "a dry run is not counted");
    SIM_EXPECT(after->send_count == before->send_count + 1,
               "a dry run is answered, or a worker is asked");
}

static void expect_equal(const struct msg_submitted_job *told, const struct msg_submitted_job *said)
{
    SIM_EXPECT(told->error == said->error && told->replayed == said->replayed &&
                   id_equal(&told->job_id, &said->job_id),
               "a submission gets the verdict that its dry run told");
    if (told->error != OK)
        watch_seen(SEEN_DRY_REFUSED);
    else
        watch_seen(told->replayed ? SEEN_DRY_REPLAY : SEEN_DRY_RUN);
    if (told->error == OK && !told->replayed)
        SIM_EXPECT(told->state == said->state && told->created_at == said->created_at &&
                       told->dedup_until == said->dedup_until,
                   "a job is accepted as its dry run told");
}

// Of several, concurrency keys are counted as if each were another one.
static bool is_too_strict(const struct msg_submitted *told, uint32_t i)
{
    static const char word[] = "concurrency_key_count_max";
    struct slice detail = told->jobs[i].detail;
    return told->count > 1 && detail.len >= sizeof word - 1 &&
           memcmp(detail.data, word, sizeof word - 1) == 0;
}

void dry_decide(struct sim *sim, struct sim_batch *batch, const struct command *command)
{
    struct effects *fx = &batch->fx;
    struct trace_of_it before = look(sim, fx);
    core_step(sim->shell.core, sim->now, command, fx);
    struct trace_of_it after = look(sim, fx);
    expect_same(&before, &after);
    struct msg_submitted told;
    const struct send *send = &fx->sends[fx->send_count - 1];
    if (send->msg.kind == MSG_SIMULATE)
        told = watch_simulate_asked(sim, command, send);
    else
        told = fx->sends[--fx->send_count].msg.submitted;
    watch_simulate_told(&told);
    struct msg *real = arena_take(&sim->arena, sizeof *real);
    SIM_EXPECT(real != NULL, "the simulator's arena is too small");
    *real = *command->msg;
    real->submit.dry_run = false;
    shell_decide(sim, batch,
                 &(struct command){.kind = COMMAND_MESSAGE, .peer = command->peer, .msg = real});
    const struct msg *answer = &fx->sends[fx->send_count - 1].msg;
    if (answer->kind != MSG_SUBMITTED)
        return; // whoever asks has to say HELLO first
    if (told.count > 1)
        watch_seen(SEEN_DRY_MANY);
    else
        SIM_EXPECT(slice_equal(told.jobs->detail, answer->submitted.jobs->detail) &&
                       id_equal(&told.jobs->holder_id, &answer->submitted.jobs->holder_id),
                   "a refusal says the same");
    for (uint32_t i = 0; i < told.count && !is_too_strict(&told, i); i++)
        expect_equal(&told.jobs[i], &answer->submitted.jobs[i]);
}
