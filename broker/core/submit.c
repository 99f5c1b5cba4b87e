// Station submit: a job is accepted, recognised, or refused.

#include "broker/core/core_private.h"

static uint16_t count16(uint32_t value)
{
    return value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
}

static void fill(uint32_t *value, uint32_t otherwise)
{
    if (*value == 0)
        *value = otherwise;
}

// What is not given yet.
static void fill_in(struct msg_defaults *given, const struct msg_defaults *otherwise)
{
    fill(&given->timeout_ms, otherwise->timeout_ms);
    fill(&given->max_attempts, otherwise->max_attempts);
    fill(&given->max_crashes, otherwise->max_crashes);
    fill(&given->retry_first_ms, otherwise->retry_first_ms);
    fill(&given->retry_longest_ms, otherwise->retry_longest_ms);
    fill(&given->retry_factor_milli, otherwise->retry_factor_milli);
    fill(&given->retry_within_s, otherwise->retry_within_s);
    fill(&given->keep_s, otherwise->keep_s);
}

// The job's word counts first, then its type's, its queue's, the broker's.
static struct msg_defaults course_of(const struct core *core, const struct msg_submit_job *job,
                                     uint32_t queue)
{
    struct msg_defaults course = msg_given(job);
    uint32_t type = types_find(&core->ledger.types, job->tenant, job->type);
    if (type != TYPES_NONE)
        fill_in(&course, types_defaults(&core->ledger.types, type));
    if (queue != QUEUES_NONE)
        fill_in(&course, &queues_peek(&core->ledger.queues, queue)->settings.defaults);
    const struct msg_defaults brokers = {.timeout_ms = core->limits.timeout_default_ms,
                                         .max_attempts = LIMITS_ATTEMPTS_DEFAULT,
                                         .max_crashes = LIMITS_CRASHES_DEFAULT,
                                         .retry_first_ms = LIMITS_RETRY_FIRST_MS,
                                         .retry_longest_ms = LIMITS_RETRY_LONGEST_MS,
                                         .retry_factor_milli = LIMITS_RETRY_FACTOR_MILLI,
                                         .keep_s = core->limits.keep_default_s};
    fill_in(&course, &brokers);
    return course;
}

struct policy submit_policy_in(const struct core *core, const struct msg_submit_job *job,
                               uint32_t queue)
{
    struct msg_defaults course = course_of(core, job, queue);
    bool is_keyed = id_version(&job->job_id) == 8;
    // An unkeyed id only has to be known for as long as its age lets it in; from a spool any age is.
    uint32_t unkeyed_s = (LIMITS_ID_AGE_MAX_MS + LIMITS_ID_AHEAD_MAX_MS) / 1000;
    if (job->is_spooled && unkeyed_s < core->limits.dedup_window_s)
        unkeyed_s = core->limits.dedup_window_s;
    return (struct policy){
        .timeout_ms = course.timeout_ms,
        .retry_first_ms = course.retry_first_ms,
        .retry_longest_ms = course.retry_longest_ms,
        .retry_factor_milli = course.retry_factor_milli,
        .keep_s = course.keep_s,
        .dedup_s = is_keyed ? core->limits.dedup_window_s : unkeyed_s,
        .max_attempts = count16(course.max_attempts),
        .max_crashes = count16(course.max_crashes),
        .retry_within_s = course.retry_within_s,
        .ttl_ms = job->ttl_ms,
    };
}

// QUEUES_NONE when neither a job nor a setting has named it yet.
static uint32_t queue_of(const struct core *core, const struct msg_submit_job *job)
{
    struct queue_name name = {.tenant = job->tenant, .queue = job->queue};
    return queues_find(&core->ledger.queues, name);
}

struct policy submit_policy(const struct core *core, const struct msg_submit_job *job)
{
    return submit_policy_in(core, job, queue_of(core, job));
}

when_ms submit_due_at(const struct msg_submit_job *job, when_ms now)
{
    when_ms latest = (when_ms)1 << 48; // far beyond any calendar, and no sum overflows
    if (job->delay_ms > 0)
        return when_after(now, job->delay_ms < (uint64_t)latest ? (when_ms)job->delay_ms : latest);
    return job->run_at > now ? when_min(job->run_at, latest) : now;
}

// Has the id a time at which it may be new? A spool keeps its jobs for as long as it must.
static bool is_timely(const struct msg_submit_job *job, when_ms now)
{
    if (id_version(&job->job_id) != 7 || job->is_spooled)
        return true;
    when_ms made = id_time(&job->job_id);
    return made > now - LIMITS_ID_AGE_MAX_MS && made < now + LIMITS_ID_AHEAD_MAX_MS;
}

// Another tenant's is a reused id and nothing more.
static struct msg_submitted_job known_answer(const struct core *core,
                                             const struct msg_submit_job *job,
                                             const struct job_row *row)
{
    struct msg_submitted_job answer = {.job_id = job->job_id};
    if (row->fingerprint != job->fingerprint ||
        !ledger_is_of(&core->ledger, row->lane, job->tenant)) {
        answer.error = ERR_KEY_REUSED;
        return answer;
    }
    answer.replayed = true;
    answer.state = (enum job_state)row->state;
    answer.created_at = row->accepted_at;
    answer.dedup_until = row->dedup_until;
    return answer;
}

static struct msg_submitted_job refused(const struct msg_submit_job *job, err error,
                                        struct slice detail)
{
    struct msg_submitted_job answer = {.job_id = job->job_id, .error = error, .detail = detail};
    if (err_may_retry(error))
        answer.retry_after_ms = 1000;
    return answer;
}

// Its clock is another than ours, so it is told the time.
static struct msg_submitted_job untimely(const struct msg_submit_job *job, when_ms now)
{
    struct msg_submitted_job answer =
        refused(job, ERR_ID_TOO_OLD,
                slice_of_text("job_id: its time is at most 1 h behind the broker's and 5 min ahead "
                              "of it; created_at_ms tells the broker's"));
    answer.created_at = now;
    return answer;
}

static struct msg_submitted_job breaks_schema(const struct msg_submit_job *job)
{
    struct msg_submitted_job answer = refused(job, job->schema, job->detail);
    answer.violations = job->violations;
    return answer;
}

static struct msg_submitted_job held_by(const struct msg_submit_job *job, const struct id *holder)
{
    struct msg_submitted_job answer =
        refused(job, ERR_UNIQUE, slice_of_text("unique: an earlier job holds this key"));
    answer.holder_id = *holder;
    return answer;
}

static bool is_known_parent(const struct core *core, const struct proposal *proposal,
                            const struct id *parent)
{
    return ledger_parent(&core->ledger, proposal->job->tenant, parent) != PARENT_UNKNOWN ||
           (proposal->trial != NULL && atomic_has_record(proposal->trial, parent));
}

// The words, and the id behind them.
static struct slice words_of(const char *words, const struct id *id, struct effects *fx)
{
    size_t len = strlen(words);
    char *text = arena_take(fx->arena, len + ID_TEXT_LEN + 1);
    CHECK(text != NULL);
    memcpy(text, words, len);
    id_to_text(id, text + len);
    return slice_of(text, len + ID_TEXT_LEN);
}

static struct msg_submitted_job unknown_parent(const struct msg_submit_job *job,
                                               const struct id *parent, struct effects *fx)
{
    return refused(job, ERR_DEPENDENCY,
                   words_of("after: not known or no longer kept: ", parent, fx));
}

static struct msg_submitted_job of_another_batch(const struct msg_submit_job *job,
                                                 struct effects *fx)
{
    struct msg_submitted_job answer = refused(
        job, ERR_KEY_REUSED, words_of("another body was sent as batch ", &job->batch_id, fx));
    answer.holder_id = job->batch_id;
    return answer;
}

bool submit_is_of_another_batch(const struct core *core, const struct proposal *proposal)
{
    return ledger_batch_is_another(&core->ledger, proposal->job) ||
           (proposal->trial != NULL && atomic_has_another(proposal->trial));
}

static struct msg_submitted_job accept(struct core *core, struct now now,
                                       const struct msg_submit_job *job,
                                       const struct policy *policy, struct effects *fx)
{
    struct ledger_hearers hearers = ledger_batch_hearers(&core->ledger, job);
    unique_free(core, now, job, fx);
    uint32_t slot =
        ledger_apply(&core->ledger,
                     &(struct entry){.kind = ENTRY_SUBMIT,
                                     .at = now.store,
                                     .job_id = job->job_id,
                                     .slot = ENTRY_NO_SLOT,
                                     .submit = {.job = job,
                                                .policy = *policy,
                                                .due_at = submit_due_at(job, now.store),
                                                .waits = ledger_must_wait(&core->ledger, job)}},
                     fx);
    wait_begin(core, slot);
    if (hearers.count > 0)
        deliver_batch(core, now, job, &hearers, fx);
    return (struct msg_submitted_job){
        .job_id = job->job_id,
        .state = (enum job_state)jobs_at(&core->ledger.jobs, slot)->state,
        .created_at = now.store,
        .dedup_until = when_after(now.store, (when_ms)policy->dedup_s * 1000)};
}

// LANES_NONE when no job has named it yet.
static uint32_t lane_of(const struct core *core, uint32_t queue, const struct msg_submit_job *job)
{
    return queue == QUEUES_NONE ? LANES_NONE : lanes_find(&core->ledger.lanes, queue, job->type);
}

// Only who makes a batch needs room for what tells of it.
static err room_refusal(const struct core *core, const struct proposal *proposal,
                        const char **out_detail)
{
    struct msg_submit_job member;
    const struct msg_submit_job *job = proposal->job;
    if (proposal->trial != NULL && atomic_has_batch(proposal->trial)) {
        member = *job;
        member.batch_id = (struct id){0};
        job = &member;
    }
    return ledger_refusal(&core->ledger, job, &proposal->policy, out_detail);
}

// Verdicts in this order: the shell's (format, identity), replay, of the batch before the job, schema,
// limits.
struct msg_submitted_job submit_judge(const struct core *core, struct now now,
                                      struct proposal *proposal, struct effects *fx)
{
    const struct msg_submit_job *job = proposal->job;
    if (job->verdict != OK)
        return refused(job, job->verdict, job->detail);
    if (submit_is_of_another_batch(core, proposal))
        return of_another_batch(job, fx);
    struct ledger_view view = ledger_lookup(&core->ledger, &job->job_id);
    if (view.is_known)
        return known_answer(core, job, &view.row);
    if (!is_timely(job, now.store))
        return untimely(job, now.store);
    if (job->schema != OK)
        return breaks_schema(job);
    if (job->closed != OK)
        return refused(job, job->closed, job->detail);
    const char *detail = NULL;
    if (ledger_endpoint_refusal(&core->ledger, job, &detail) != OK)
        return refused(job, ERR_WEBHOOK, slice_of_text(detail));
    const struct id *holder = unique_holder(core, now, job);
    if (holder != NULL)
        return held_by(job, holder);
    if (proposal->trial != NULL && atomic_holds_key(proposal->trial))
        return refused(job, ERR_UNIQUE,
                       slice_of_text("unique: an earlier record asks for this key"));
    for (uint32_t i = 0; i < job->after.count; i++)
        if (!is_known_parent(core, proposal, &job->after.items[i]))
            return unknown_parent(job, &job->after.items[i], fx);
    if (ledger_is_circular(&core->ledger, job))
        return refused(job, ERR_DEPENDENCY, slice_of_text(atomic_circle));
    uint32_t queue = queue_of(core, job);
    proposal->policy = submit_policy_in(core, job, queue);
    err refusal = queue_refusal(core, queue, &detail);
    if (refusal == OK)
        refusal = room_refusal(core, proposal, &detail);
    if (refusal == OK && !wait_has_room(core, lane_of(core, queue, job), job->key_hash, &detail))
        refusal = ERR_FULL;
    if (refusal != OK)
        return refused(job, refusal, slice_of_text(detail));
    if (queue_quota_left(core, job) == 0)
        return refused(job, ERR_QUOTA, slice_of_text(queue_quota_spent));
    return (struct msg_submitted_job){.job_id = job->job_id};
}

struct msg_submitted_job submit_foresee(const struct core *core, struct now now,
                                        const struct proposal *proposal)
{
    bool is_later =
        submit_due_at(proposal->job, now.store) > now.store || forecast_waits(core, proposal);
    return (struct msg_submitted_job){
        .job_id = proposal->job->job_id,
        .state = is_later ? JOB_SCHEDULED : JOB_QUEUED,
        .created_at = now.store,
        .dedup_until = when_after(now.store, (when_ms)proposal->policy.dedup_s * 1000)};
}

// With a place for a forecast it is a dry run, which ends before anything changes.
static struct msg_submitted_job submit(struct core *core, struct now now,
                                       const struct msg_submit_job *job,
                                       struct msg_forecast **forecast, struct effects *fx)
{
    struct proposal proposal = {.job = job};
    struct msg_submitted_job answer = submit_judge(core, now, &proposal, fx);
    if (answer.error != OK || answer.replayed)
        return answer;
    if (forecast == NULL)
        return accept(core, now, job, &proposal.policy, fx);
    *forecast = arena_take(fx->arena, sizeof **forecast);
    CHECK(*forecast != NULL);
    **forecast = forecast_of(core, now, &proposal);
    return submit_foresee(core, now, &proposal);
}

struct msg_submitted_job submit_one(struct core *core, struct now now,
                                    const struct msg_submit_job *job, struct effects *fx)
{
    return submit(core, now, job, NULL, fx);
}

static void count(struct core *core, const struct msg_submitted_job *answers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        core->figures.submitted += !answers[i].replayed && answers[i].error == OK;
        core->figures.replayed += answers[i].replayed;
        core->figures.refused += answers[i].error != OK;
    }
}

static void tell_retry(struct core *core, struct now now, const struct msg_submit *asked,
                       struct msg_submitted_job *answers)
{
    for (uint32_t i = 0; i < asked->count; i++)
        if (answers[i].error == ERR_QUOTA || answers[i].error == ERR_FULL)
            answers[i].retry_after_ms =
                queue_retry_ms(core, now, &asked->jobs[i], answers[i].error);
}

// All jobs of a message are one tenant's.
static void tell_quota(const struct core *core, const struct msg_submit *asked,
                       struct msg_submitted *answer)
{
    if (asked->count == 0)
        return;
    answer->open_max = queue_quota(core, asked->jobs);
    if (answer->open_max > 0)
        answer->open_left = queue_quota_left(core, asked->jobs);
}

void submit_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                 struct effects *fx)
{
    const struct msg_submit *asked = &msg->submit;
    struct msg_submitted_job *answers = arena_take_array(fx->arena, asked->count, sizeof *answers);
    CHECK(answers != NULL);
    struct msg_forecast *forecast = NULL;
    if (asked->is_atomic)
        atomic_submit(core, now, asked, answers, fx);
    else if (asked->dry_run && asked->count == 1)
        answers[0] = submit(core, now, asked->jobs, &forecast, fx);
    else if (asked->dry_run)
        atomic_try(core, now, asked, answers, fx);
    else
        for (uint32_t i = 0; i < asked->count; i++)
            answers[i] = submit_one(core, now, &asked->jobs[i], fx);
    if (!asked->dry_run)
        count(core, answers, asked->count);
    struct msg_submitted answer = {.jobs = answers,
                                   .count = asked->count,
                                   .forecasts = forecast,
                                   .forecast_count = forecast != NULL};
    tell_retry(core, now, asked, answers);
    tell_quota(core, asked, &answer);
    const struct simulate_question question = {peer, msg->corr, asked->jobs, &answer, forecast};
    if (forecast != NULL && simulate_begin(core, now, &question, fx))
        return;
    effects_send(fx, peer, MSG_SUBMITTED, msg->corr)->submitted = answer;
}
