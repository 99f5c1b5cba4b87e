// Questions: the readers answer them from the last settled state, at once or when it changes.

#include "broker/shell/intake_private.h"

#include "broker/shell/listing.h"
#include "broker/shell/readers_endpoints.h"
#include "broker/shell/readers_queues.h"
#include "broker/shell/readers_schedules.h"
#include "broker/shell/settings.h"
#include "proto/check.h"
#include "proto/check_hook.h"

static enum taken refuse_crowd(struct broker *broker, const struct arrival *arrival)
{
    return intake_refuse(broker, arrival, ERR_FULL, "too many questions at once");
}

// Without waiting for a change. False when too many questions wait already.
static bool ask_now(struct broker *broker, const struct arrival *arrival,
                    struct watch_question *question)
{
    question->peer = peers_ref(broker->peers, arrival->peer);
    question->corr = arrival->msg.corr;
    question->tenant = arrival->msg.tenant;
    question->watch = WATCH_NONE;
    return readers_ask(broker->readers, broker->core, question);
}

static enum taken ask(struct broker *broker, const struct arrival *arrival,
                      struct watch_question question, uint32_t wait_ms)
{
    question.peer = peers_ref(broker->peers, arrival->peer);
    question.corr = arrival->msg.corr;
    question.tenant = arrival->msg.tenant;
    question.watch = WATCH_NONE;
    if (wait_ms > 0) {
        if (watch_add(broker->watches, &question, watch_until(broker->now.mono, wait_ms)) == OK)
            return TAKEN_DONE;
    }
    return ask_now(broker, arrival, &question) ? TAKEN_DONE : refuse_crowd(broker, arrival);
}

static enum taken ask_job(struct broker *broker, const struct arrival *arrival)
{
    const struct msg_status *status = &arrival->msg.status;
    struct watch_question question = {.id = status->job_id, .version = status->version};
    return ask(broker, arrival, question, status->wait_ms);
}

static enum taken ask_batch(struct broker *broker, const struct arrival *arrival)
{
    const struct msg_batch_status *status = &arrival->msg.batch_status;
    struct watch_question question = {
        .kind = WATCH_BATCH, .id = status->batch_id, .version = status->version};
    return ask(broker, arrival, question, status->wait_ms);
}

static enum taken ask_operation(struct broker *broker, const struct arrival *arrival)
{
    const struct msg_operation *operation = &arrival->msg.operation;
    struct watch_question question = {
        .kind = WATCH_OPERATION, .id = operation->operation_id, .version = operation->version};
    return ask(broker, arrival, question, operation->wait_ms);
}

// The readers free what the question carries.
enum taken intake_ask_for(struct broker *broker, const struct arrival *arrival,
                          enum watch_kind kind, const struct msg_list *list)
{
    struct watch_question question = {.kind = kind, .list = listing_new(list)};
    if (question.list == NULL)
        return intake_refuse(broker, arrival, ERR_NO_MEMORY, NULL);
    if (ask_now(broker, arrival, &question))
        return TAKEN_DONE;
    listing_free(question.list);
    return refuse_crowd(broker, arrival);
}

static enum taken ask_list(struct broker *broker, const struct arrival *arrival)
{
    const char *detail = NULL;
    err e = check_list(&arrival->msg.list, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    return intake_ask_for(broker, arrival, WATCH_LIST, &arrival->msg.list);
}

// Answered at once: who wants to follow waits for the job's next version.
static enum taken ask_timeline(struct broker *broker, const struct arrival *arrival)
{
    struct watch_question question = {.kind = WATCH_TIMELINE, .id = arrival->msg.timeline.job_id};
    return ask(broker, arrival, question, 0);
}

static enum taken ask_log(struct broker *broker, const struct arrival *arrival)
{
    struct watch_question question = {
        .kind = WATCH_LOG, .id = arrival->msg.log.job_id, .after = arrival->msg.log.after};
    return ask(broker, arrival, question, 0);
}

static enum taken ask_operations(struct broker *broker, const struct arrival *arrival)
{
    const struct msg_operation_list *list = &arrival->msg.operation_list;
    if (list->limit > MSG_OPERATIONS_MAX || list->before < 0)
        return intake_refuse(broker, arrival, ERR_BAD_FIELD, "limit: at most 256");
    struct watch_question question = {.kind = WATCH_OPERATIONS,
                                      .id = list->before_id,
                                      .before = list->before,
                                      .after = list->limit};
    return ask(broker, arrival, question, 0);
}

// The readers free what the question carries.
static enum taken ask_schedules(struct broker *broker, const struct arrival *arrival,
                                struct slice name, uint32_t count)
{
    if (count > MSG_SCHEDULES_MAX)
        return intake_refuse(broker, arrival, ERR_BAD_FIELD, "limit: at most 256");
    struct watch_question question = {.schedules =
                                          readers_schedules_new(arrival->msg.tenant, name, count)};
    if (question.schedules == NULL)
        return intake_refuse(broker, arrival, ERR_NO_MEMORY, NULL);
    question.schedules->is_list = arrival->msg.kind == MSG_SCHEDULE_LIST;
    if (ask_now(broker, arrival, &question))
        return TAKEN_DONE;
    readers_schedules_free(question.schedules);
    return refuse_crowd(broker, arrival);
}

static enum taken ask_queues(struct broker *broker, const struct arrival *arrival)
{
    const char *detail = NULL;
    err e = settings_check(&arrival->msg, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    struct watch_question question = {.queues = readers_queues_new(&arrival->msg)};
    if (question.queues == NULL)
        return intake_refuse(broker, arrival, ERR_NO_MEMORY, NULL);
    if (ask_now(broker, arrival, &question))
        return TAKEN_DONE;
    readers_queues_free(question.queues);
    return refuse_crowd(broker, arrival);
}

static enum taken ask_endpoints(struct broker *broker, const struct arrival *arrival)
{
    const char *detail = NULL;
    err e = check_hook_status(&arrival->msg.webhook_status, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    struct watch_question question = {.endpoints = readers_endpoints_new(&arrival->msg)};
    if (question.endpoints == NULL)
        return intake_refuse(broker, arrival, ERR_NO_MEMORY, NULL);
    if (ask_now(broker, arrival, &question))
        return TAKEN_DONE;
    readers_endpoints_free(question.endpoints);
    return refuse_crowd(broker, arrival);
}

enum taken intake_ask(struct broker *broker, const struct arrival *arrival)
{
    const struct msg *msg = &arrival->msg;
    if (msg->kind == MSG_STATUS)
        return ask_job(broker, arrival);
    if (msg->kind == MSG_BATCH_STATUS)
        return ask_batch(broker, arrival);
    if (msg->kind == MSG_OPERATION)
        return ask_operation(broker, arrival);
    if (msg->kind == MSG_OPERATION_LIST)
        return ask_operations(broker, arrival);
    if (msg->kind == MSG_SCHEDULE_STATUS)
        return ask_schedules(broker, arrival, msg->schedule_status.schedule_id,
                             msg->schedule_status.next_count);
    if (msg->kind == MSG_SCHEDULE_LIST)
        return ask_schedules(broker, arrival, msg->schedule_list.after, msg->schedule_list.limit);
    if (msg->kind == MSG_QUEUE_STATUS || msg->kind == MSG_TYPE_STATUS)
        return ask_queues(broker, arrival);
    if (msg->kind == MSG_WEBHOOK_STATUS)
        return ask_endpoints(broker, arrival);
    if (msg->kind == MSG_LIST)
        return ask_list(broker, arrival);
    if (msg->kind == MSG_TIMELINE)
        return ask_timeline(broker, arrival);
    CHECK(msg->kind == MSG_LOG);
    return ask_log(broker, arrival);
}
