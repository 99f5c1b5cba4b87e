// How much a command may change at most, as records: a batch must have room for all of it before it
// is decided.

#include "broker/core/core_private.h"

// The worker that says HELLO or BYE and so may end leases of its own, or WORKERS_NONE.
static uint32_t worker_naming(const struct core *core, const struct command *command)
{
    const struct msg *msg = command->msg;
    if (msg->kind == MSG_HELLO)
        return workers_find(&core->workers, hello_tenant(msg), &msg->hello.worker_id);
    return msg->bye.is_all ? workers_of_peer(&core->workers, command->peer) : WORKERS_NONE;
}

// Leases that it may end, and of HELLO room for the list of lost ones: a quarter of a job's answer each.
static uint32_t naming_weight(const struct core *core, const struct command *command)
{
    uint32_t worker = worker_naming(core, command);
    uint32_t ends = worker == WORKERS_NONE ? 0 : workers_at(&core->workers, worker)->out_count;
    return command->msg->kind == MSG_BYE ? ends : ends + command->msg->hello.running.count / 4;
}

// Could the end of this lease be the end of the job?
static bool may_be_last(const struct core *core, const struct job_row *row)
{
    const struct policy *policy = policies_at(&core->ledger.policies, row->policy);
    return row->cancel != CANCEL_NONE || policy->retry_within_s > 0 ||
           row->crashes + 1u >= policy->max_crashes ||
           row->errors + row->crashes + 1u >= policy->max_attempts;
}

// A worker may hold far more jobs than one message names, so these are counted one by one.
static uint32_t naming_deliveries(const struct core *core, const struct command *command)
{
    uint32_t worker = worker_naming(core, command);
    uint32_t at = worker == WORKERS_NONE ? LEASES_NONE : workers_at(&core->workers, worker)->leases;
    uint32_t sum = 0;
    for (; at != LEASES_NONE; at = leases_at(&core->leases, at)->next) {
        const struct lease *lease = leases_at(&core->leases, at);
        if (!lease->is_live)
            continue;
        const struct job_row row = ledger_row_of(&core->ledger, lease->slot);
        uint32_t places = ledger_places(&row) + progress_places(core, lease->slot);
        sum += places > 0 && may_be_last(core, &row) ? places : 0;
    }
    return sum;
}

static uint32_t renew_weight(const struct core *core, const struct msg_renew *renew)
{
    uint32_t talkers =
        renew->log_count < renew->running.count ? renew->log_count : renew->running.count;
    return renew->progress_count + progress_weight(core, renew->progress_count) + talkers +
           renew->running.count / 4;
}

// The first of its batch brings deliveries: its own one, and one to each endpoint that wants batches.
static uint32_t batch_weight(const struct core *core, const struct msg_submit *submit)
{
    uint32_t sum = 0;
    uint32_t hearing = 0;
    if (submit->count > 0)
        hearing = endpoints_hearing(&core->ledger.endpoints, submit->jobs->tenant,
                                    WEBHOOK_BATCH_FINISHED);
    for (uint32_t i = 0; i < submit->count; i++) {
        const struct msg_submit_job *job = &submit->jobs[i];
        bool may_be_first =
            !id_is_zero(&job->batch_id) && (i == 0 || !id_equal(&job->batch_id, &job[-1].batch_id));
        if (may_be_first)
            sum += (job->batch_webhook.len > 0) + hearing;
    }
    return sum;
}

// A refusal that names an unknown parent needs room for its words.
static uint32_t submit_weight(const struct core *core, const struct msg_submit *submit)
{
    bool is_tried = submit->is_atomic || submit->dry_run;
    uint32_t weight = is_tried ? atomic_weight(submit->count) : submit->count;
    for (uint32_t i = 0; i < submit->count; i++)
        weight += submit->jobs[i].after.count > 0;
    return weight + batch_weight(core, submit);
}

static uint32_t message_weight(const struct core *core, const struct command *command)
{
    const struct msg *msg = command->msg;
    if (msg->kind == MSG_SUBMIT)
        return submit_weight(core, &msg->submit);
    if (msg->kind == MSG_FINISH)
        return msg->finish.count;
    if (msg->kind == MSG_RENEW)
        return renew_weight(core, &msg->renew);
    if (msg->kind == MSG_SCHEDULE_SET || msg->kind == MSG_QUEUE_SET || msg->kind == MSG_TYPE_SET ||
        msg->kind == MSG_ACT || msg->kind == MSG_BATCH_SEAL)
        return 1;
    if (msg->kind == MSG_WORKER_LIST)
        return ROSTER_WEIGHT;
    if (msg->kind == MSG_HELLO || msg->kind == MSG_BYE)
        return naming_weight(core, command);
    if (msg->kind == MSG_OPERATE)
        return OPERATION_WEIGHT;
    if (msg->kind == MSG_WEBHOOK_SET)
        return ENDPOINT_WEIGHT;
    return 0;
}

static uint32_t weight_of(const struct core *core, const struct command *command)
{
    switch (command->kind) {
    case COMMAND_MESSAGE: return message_weight(core, command);
    case COMMAND_GONE: return 0;
    case COMMAND_UNSENT: return command->unsent.count;
    case COMMAND_TICK: return LIMITS_STEP_RECORDS_MAX;
    case COMMAND_MOMENT: return 3; // the job, the one it replaces, and the schedule
    case COMMAND_STEP: return command->step->count + OPERATION_WEIGHT;
    case COMMAND_REMOVE: return command->job_no_count * 2;
    case COMMAND_UNUSED: return LIMITS_STEP_RECORDS_MAX;
    }
    UNREACHABLE();
}

// What ends jobs may bring deliveries, as long as there are jobs whose end is told: so many jobs more
// may be changed. A tick ends fewer then.
static uint32_t delivery_weight(const struct core *core, const struct command *command,
                                uint32_t weight)
{
    uint32_t most = ledger_places_most(&core->ledger);
    if (most == 0)
        return 0;
    switch (command->kind) {
    case COMMAND_MESSAGE: break;
    case COMMAND_GONE:
    case COMMAND_UNSENT:
    case COMMAND_MOMENT:
    case COMMAND_STEP: return weight * most;
    case COMMAND_TICK:
    case COMMAND_REMOVE:
    case COMMAND_UNUSED: return 0;
    }
    if (command->msg->kind == MSG_HELLO || command->msg->kind == MSG_BYE)
        return naming_deliveries(core, command);
    bool may_end = command->msg->kind == MSG_FINISH || command->msg->kind == MSG_ACT;
    return may_end ? weight * most : 0;
}

uint32_t core_weight(const struct core *core, const struct command *command)
{
    uint32_t weight = weight_of(core, command);
    return weight + delivery_weight(core, command, weight);
}
