// One place for the sentences about brokers that are absent, silent or of another opinion.

#include "cli/ask.h"

#include "cli/view.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "proto/check.h"

#include <errno.h>
#include <stdarg.h>

enum {
    WAIT_MS_MAX = 20 * 1000, // of one question
    SENTENCE_LEN_MAX = 768,
};

uint32_t ask_wait_ms(when_ms until)
{
    when_ms left = until - clock_mono_ms();
    return left > WAIT_MS_MAX ? WAIT_MS_MAX : left > 0 ? (uint32_t)left : 0;
}

bool ask_open(struct ask *ask, const struct config *config)
{
    *ask = (struct ask){
        .program = config->table->program,
        .endpoint = config_text(config, "broker"),
        .give_up_ms = config_number(config, "give-up"),
        .wants_json = command_wants_json(config),
    };
    struct slice tenant = slice_of_text(curve_tenant(config));
    if (!check_name(tenant)) {
        ask->code = COMMAND_USAGE;
        command_complain(ask->program, "--tenant is 1 to 128 of a-z 0-9 . _ -");
        return false;
    }
    char problem[CURVE_PROBLEM_LEN];
    if (curve_read(config, &ask->curve, &ask->has_curve, problem) != OK) {
        ask->code = COMMAND_USAGE;
        command_complain(ask->program, "%s", problem);
        return false;
    }
    const struct client_options options = {
        .endpoint = ask->endpoint, .tenant = tenant, .curve = ask->has_curve ? &ask->curve : NULL};
    err e = client_open(&options, &ask->client);
    if (e == OK)
        return true;
    ask->code = e == ERR_BAD_FIELD ? COMMAND_USAGE : COMMAND_UNKNOWN;
    command_complain(ask->program, "--broker %s: %s (%s)", ask->endpoint, err_text(e),
                     strerror(errno));
    return false;
}

void ask_close(struct ask *ask)
{
    client_close(ask->client);
    ask->client = NULL;
}

int ask_run(const struct config_table *table, int argc, char **argv,
            int (*run)(struct ask *ask, const struct config *config))
{
    struct config config;
    struct ask ask = {0};
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code))
        code = ask_open(&ask, &config) ? run(&ask, &config) : ask.code;
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

int ask_about(const struct config_table *table, int argc, char **argv,
              int (*act)(struct ask *ask, const struct id *id, const struct config *config))
{
    struct config config;
    struct ask ask = {0};
    struct id id;
    int code = COMMAND_USAGE;
    if (command_begin(&config, table, argc, argv, &code) && command_read_id(&config, &id))
        code = ask_open(&ask, &config) ? act(&ask, &id, &config) : ask.code;
    ask_close(&ask);
    config_deinit(&config);
    return command_end(table->program, code);
}

// For people, and for programs that read standard output.
__attribute__((format(printf, 3, 4))) static void tell(struct ask *ask, err e, const char *format,
                                                       ...)
{
    char sentence[SENTENCE_LEN_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    command_complain(ask->program, "%s", sentence);
    view_problem(&(struct view){.out = stdout, .wants_json = ask->wants_json},
                 &(struct problem){.error = e, .detail = slice_of_text(sentence)});
}

// What a door says of these says all that the error's own text does, and more exactly. NULL: of others;
// else what helps.
static const char *fix_after_detail(err e)
{
    const char *fix = strchr(err_text(e), ';');
    return e == ERR_SCOPE || e == ERR_FOREIGN_TENANT || e == ERR_QUOTA ? fix : NULL;
}

// For people: nothing twice.
static void put_sentence(struct ask *ask, const char *what, const struct problem *problem,
                         const char *holder)
{
    struct slice detail = problem->detail;
    const char *fix = detail.len > 0 ? fix_after_detail(problem->error) : NULL;
    if (fix != NULL)
        command_complain(ask->program, "%s%.*s%s", what, (int)detail.len, (const char *)detail.data,
                         fix);
    else
        command_complain(ask->program, "%s%s%s%.*s%s%s", what, err_text(problem->error),
                         detail.len > 0 ? ": " : "", (int)detail.len,
                         detail.len > 0 ? (const char *)detail.data : "",
                         holder[0] != '\0' ? "; its holder is " : "", holder);
}

// The error's own text is the title of the problem, so `detail` stands alone there.
static void tell_problem(struct ask *ask, const char *what, const struct problem *problem)
{
    struct problem told = *problem;
    if (slice_is_text(told.detail, err_text(told.error)))
        told.detail = (struct slice){0};
    char holder[ID_TEXT_LEN + 1] = "";
    if (!id_is_zero(&told.holder_id))
        id_to_text(&told.holder_id, holder);
    ask->code = COMMAND_DEAD;
    put_sentence(ask, what, &told, holder);
    view_problem(&(struct view){.out = stdout, .wants_json = ask->wants_json}, problem);
}

static void tell_refusal(struct ask *ask, const char *what, err e, struct slice detail)
{
    tell_problem(ask, what, &(struct problem){.error = e, .detail = detail});
}

static void complain(struct ask *ask, err e)
{
    double seconds = (double)ask->give_up_ms / 1000;
    ask->code = COMMAND_UNKNOWN;
    if (e == ERR_NO_KEY || e == ERR_HANDSHAKE)
        tell(ask, e, "the broker at %s does not let this side in: %s", ask->endpoint,
             curve_fix(e, ask->has_curve ? &ask->curve : NULL));
    else if (e == ERR_NO_BROKER)
        tell(ask, e, "no broker answers at %s within %gs; is 'weft dev' running? (--broker)",
             ask->endpoint, seconds);
    else if (e == ERR_TIMEOUT)
        tell(ask, e,
             "the broker at %s has not answered within %gs; what was asked may have happened: ask "
             "again (a submission with the same --key)",
             ask->endpoint, seconds);
    else
        tell_refusal(ask, "", e, client_detail(ask->client));
}

// Whoever waits may mend it meanwhile.
static void tell_silence(void *context)
{
    const struct ask *ask = context;
    command_complain(ask->program, "no broker answers at %s yet; asking on for %gs (--give-up)",
                     ask->endpoint, (double)ask->give_up_ms / 1000);
}

static const struct msg *ask_for(struct ask *ask, struct msg *question, uint32_t wait_ms,
                                 enum msg_kind kind)
{
    const struct msg *answer = NULL;
    struct client_patience patience = {
        .give_up_ms = ask->give_up_ms,
        .answer_ms = wait_ms,
        .on_silence = ask->give_up_ms > CLIENT_SILENCE_MS ? tell_silence : NULL,
        .context = ask,
    };
    err e = client_ask(ask->client, question, &patience, &answer);
    if (e == OK && answer->kind != kind)
        e = ERR_MALFORMED;
    if (e == OK)
        return answer;
    complain(ask, e);
    return NULL;
}

const struct msg_submitted *ask_submit(struct ask *ask, const struct msg_submit *submit)
{
    struct msg question = {.kind = MSG_SUBMIT, .submit = *submit};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_SUBMITTED);
    if (answer == NULL)
        return NULL;
    if (answer->submitted.count == submit->count)
        return &answer->submitted;
    complain(ask, ERR_MALFORMED);
    return NULL;
}

void ask_try(struct ask *ask, const struct client_trial *trial)
{
    const struct client_patience patience = {.give_up_ms = ask->give_up_ms};
    client_try(ask->client, trial, &patience);
}

static void complain_unknown(struct ask *ask, const char *what, const struct id *id, err e)
{
    char text[ID_TEXT_LEN + 1];
    id_to_text(id, text);
    ask->code = COMMAND_UNKNOWN;
    if (e == ERR_GONE)
        tell(ask, e, "%s %s has been removed, by retention (--keep) or on request", what, text);
    else
        tell(ask, e, "the broker at %s knows no %s %s", ask->endpoint, what, text);
}

const struct msg_status_is *ask_status(struct ask *ask, const struct msg_status *status)
{
    struct msg question = {.kind = MSG_STATUS, .status = *status};
    const struct msg *answer = ask_for(ask, &question, status->wait_ms, MSG_STATUS_IS);
    if (answer == NULL)
        return NULL;
    if (answer->status_is.error == OK)
        return &answer->status_is;
    complain_unknown(ask, "job", &status->job_id, answer->status_is.error);
    return NULL;
}

const struct msg_batch_status_is *ask_batch(struct ask *ask, const struct msg_batch_status *batch)
{
    struct msg question = {.kind = MSG_BATCH_STATUS, .batch_status = *batch};
    const struct msg *answer = ask_for(ask, &question, batch->wait_ms, MSG_BATCH_STATUS_IS);
    if (answer == NULL)
        return NULL;
    if (answer->batch_status_is.error == OK)
        return &answer->batch_status_is;
    complain_unknown(ask, "batch", &batch->batch_id, answer->batch_status_is.error);
    return NULL;
}

const struct msg_batch_status_is *ask_seal(struct ask *ask, const struct id *batch_id)
{
    struct msg question = {.kind = MSG_BATCH_SEAL, .batch_seal = {.batch_id = *batch_id}};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_BATCH_STATUS_IS);
    return answer != NULL ? &answer->batch_status_is : NULL;
}

const struct msg_timeline_is *ask_timeline(struct ask *ask, const struct msg_timeline *timeline)
{
    struct msg question = {.kind = MSG_TIMELINE, .timeline = *timeline};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_TIMELINE_IS);
    if (answer == NULL)
        return NULL;
    if (answer->timeline_is.error == OK)
        return &answer->timeline_is;
    complain_unknown(ask, "job", &timeline->job_id, answer->timeline_is.error);
    return NULL;
}

const struct msg_log_is *ask_log(struct ask *ask, const struct msg_log *log)
{
    struct msg question = {.kind = MSG_LOG, .log = *log};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_LOG_IS);
    if (answer == NULL)
        return NULL;
    if (answer->log_is.error == OK)
        return &answer->log_is;
    complain_unknown(ask, "job", &log->job_id, answer->log_is.error);
    return NULL;
}

const struct msg_event *ask_watch(struct ask *ask, const struct msg_watch *watch)
{
    struct msg question = {.kind = MSG_WATCH, .watch = *watch};
    const struct msg *answer = ask_for(ask, &question, watch->wait_ms, MSG_EVENT);
    return answer != NULL ? &answer->event : NULL;
}

const struct msg_listed *ask_list(struct ask *ask, const struct msg_list *list)
{
    struct msg question = {.kind = MSG_LIST, .list = *list};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_LISTED);
    if (answer == NULL)
        return NULL;
    if (answer->listed.error == OK)
        return &answer->listed;
    if (answer->listed.error == ERR_NOT_FOUND)
        complain_unknown(ask, "batch", &list->filter.batch_id, ERR_NOT_FOUND);
    else
        complain(ask, answer->listed.error);
    return NULL;
}

static void complain_not_done(struct ask *ask, const char *what, const struct id *id,
                              const struct msg_acted *acted)
{
    if (acted->error == ERR_NOT_FOUND || acted->error == ERR_GONE) {
        complain_unknown(ask, what, id, acted->error);
        return;
    }
    tell_problem(ask, "not done: ",
                 &(struct problem){.error = acted->error,
                                   .detail = acted->detail,
                                   .holder_id = acted->holder_id});
}

static const struct msg_operation_is *operation_of(struct ask *ask, const struct msg *answer)
{
    if (answer == NULL)
        return NULL;
    if (answer->operation_is.error == OK)
        return &answer->operation_is;
    err e = answer->operation_is.error;
    struct slice detail = answer->operation_is.detail;
    if (e == ERR_NOT_FOUND && detail.len > 0) // it says all: which of operation, batch and queue
        tell(ask, e, "%.*s", (int)detail.len, (const char *)detail.data);
    else
        tell_refusal(ask, "not done: ", e, detail);
    if (e == ERR_NOT_FOUND)
        ask->code = COMMAND_UNKNOWN;
    return NULL;
}

const struct msg_operation_is *ask_operate(struct ask *ask, const struct msg_operate *operate)
{
    struct msg question = {.kind = MSG_OPERATE, .operate = *operate};
    return operation_of(ask, ask_for(ask, &question, 0, MSG_OPERATION_IS));
}

const struct msg_operation_is *ask_operation(struct ask *ask, const struct msg_operation *operation)
{
    struct msg question = {.kind = MSG_OPERATION, .operation = *operation};
    return operation_of(ask, ask_for(ask, &question, operation->wait_ms, MSG_OPERATION_IS));
}

const struct msg_operation_listed *ask_operations(struct ask *ask,
                                                  const struct msg_operation_list *list)
{
    struct msg question = {.kind = MSG_OPERATION_LIST, .operation_list = *list};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_OPERATION_LISTED);
    if (answer == NULL)
        return NULL;
    if (answer->operation_listed.error == OK)
        return &answer->operation_listed;
    tell_refusal(ask, "", answer->operation_listed.error, (struct slice){0});
    return NULL;
}

static void complain_queue(struct ask *ask, struct slice name)
{
    tell(ask, ERR_NOT_FOUND, "the broker at %s knows no queue %.*s", ask->endpoint, (int)name.len,
         (const char *)name.data);
    ask->code = COMMAND_UNKNOWN;
}

const struct msg_acted *ask_act(struct ask *ask, const struct msg_act *act)
{
    struct msg question = {.kind = MSG_ACT, .act = *act};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_ACTED);
    if (answer == NULL)
        return NULL;
    if (answer->acted.error == OK)
        return &answer->acted;
    if (act->queue.len > 0 && answer->acted.error == ERR_NOT_FOUND) {
        complain_queue(ask, act->queue);
        return NULL;
    }
    bool is_job = id_is_zero(&act->worker_id);
    complain_not_done(ask, is_job ? "job" : "worker", is_job ? &act->job_id : &act->worker_id,
                      &answer->acted);
    return NULL;
}

static const struct msg_schedule_status_is *ask_about_schedule(struct ask *ask,
                                                               struct msg *question)
{
    const struct msg *answer = ask_for(ask, question, 0, MSG_SCHEDULE_STATUS_IS);
    if (answer == NULL)
        return NULL;
    const struct msg_schedule_status_is *is = &answer->schedule_status_is;
    if (is->error == OK)
        return is;
    if (is->error == ERR_NOT_FOUND) {
        tell(ask, is->error, "the broker at %s knows no schedule %.*s", ask->endpoint,
             (int)is->given.schedule_id.len, (const char *)is->given.schedule_id.data);
        ask->code = COMMAND_UNKNOWN;
    } else {
        tell_problem(ask, "not done: ",
                     &(struct problem){
                         .error = is->error, .detail = is->detail, .violations = is->violations});
    }
    return NULL;
}

const struct msg_schedule_status_is *ask_schedule_set(struct ask *ask,
                                                      const struct msg_schedule_set *set)
{
    struct msg question = {.kind = MSG_SCHEDULE_SET, .schedule_set = *set};
    return ask_about_schedule(ask, &question);
}

const struct msg_schedule_status_is *ask_schedule(struct ask *ask,
                                                  const struct msg_schedule_status *status)
{
    struct msg question = {.kind = MSG_SCHEDULE_STATUS, .schedule_status = *status};
    return ask_about_schedule(ask, &question);
}

const struct msg_worker_listed *ask_workers(struct ask *ask, const struct msg_worker_list *list)
{
    struct msg question = {.kind = MSG_WORKER_LIST, .worker_list = *list};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_WORKER_LISTED);
    return answer != NULL ? &answer->worker_listed : NULL;
}

const struct msg_schedule_listed *ask_schedules(struct ask *ask,
                                                const struct msg_schedule_list *list)
{
    struct msg question = {.kind = MSG_SCHEDULE_LIST, .schedule_list = *list};
    const struct msg *answer = ask_for(ask, &question, 0, MSG_SCHEDULE_LISTED);
    if (answer == NULL)
        return NULL;
    if (answer->schedule_listed.error == OK)
        return &answer->schedule_listed;
    tell_refusal(ask, "", answer->schedule_listed.error, answer->schedule_listed.detail);
    return NULL;
}

static const struct msg_queue_status_is *ask_about_queue(struct ask *ask, struct msg *question,
                                                         struct slice name)
{
    const struct msg *answer = ask_for(ask, question, 0, MSG_QUEUE_STATUS_IS);
    if (answer == NULL)
        return NULL;
    const struct msg_queue_status_is *is = &answer->queue_status_is;
    if (is->error == OK && (name.len == 0 || is->count == 1))
        return is;
    if (is->error == ERR_NOT_FOUND)
        complain_queue(ask, name);
    else
        tell_refusal(ask, "not done: ", is->error != OK ? is->error : ERR_MALFORMED, is->detail);
    return NULL;
}

const struct msg_queue *ask_queue_set(struct ask *ask, const struct msg_queue_set *set)
{
    struct msg question = {.kind = MSG_QUEUE_SET, .queue_set = *set};
    const struct msg_queue_status_is *is = ask_about_queue(ask, &question, set->queue);
    return is != NULL ? is->queues : NULL;
}

const struct msg_queue *ask_queue(struct ask *ask, struct slice name)
{
    struct msg question = {.kind = MSG_QUEUE_STATUS, .queue_status = {.queue = name}};
    const struct msg_queue_status_is *is = ask_about_queue(ask, &question, name);
    return is != NULL ? is->queues : NULL;
}

const struct msg_queue_status_is *ask_queues(struct ask *ask, struct slice after)
{
    struct msg question = {.kind = MSG_QUEUE_STATUS, .queue_status = {.after = after}};
    return ask_about_queue(ask, &question, (struct slice){0});
}

static const struct msg_webhook_status_is *ask_about_webhook(struct ask *ask, struct msg *question,
                                                             struct slice id, bool needs_one)
{
    const struct msg *answer = ask_for(ask, question, 0, MSG_WEBHOOK_STATUS_IS);
    if (answer == NULL)
        return NULL;
    const struct msg_webhook_status_is *is = &answer->webhook_status_is;
    if (is->error == OK && (!needs_one || is->count == 1))
        return is;
    if (is->error == ERR_NOT_FOUND) {
        tell(ask, is->error, "the broker at %s knows no endpoint %.*s", ask->endpoint, (int)id.len,
             (const char *)id.data);
        ask->code = COMMAND_UNKNOWN;
    } else {
        tell_refusal(ask, "not done: ", is->error != OK ? is->error : ERR_MALFORMED, is->detail);
    }
    return NULL;
}

const struct msg_webhook_status_is *ask_webhook_set(struct ask *ask,
                                                    const struct msg_webhook_set *set)
{
    struct msg question = {.kind = MSG_WEBHOOK_SET, .webhook_set = *set};
    bool needs_one = set->act != WEBHOOK_DELETE && set->act != WEBHOOK_TEST;
    return ask_about_webhook(ask, &question, set->given.webhook_id, needs_one);
}

const struct msg_webhook_status_is *ask_webhooks(struct ask *ask,
                                                 const struct msg_webhook_status *status)
{
    struct msg question = {.kind = MSG_WEBHOOK_STATUS, .webhook_status = *status};
    return ask_about_webhook(ask, &question, status->webhook_id, status->webhook_id.len > 0);
}

static const struct msg_type_status_is *ask_about_type(struct ask *ask, struct msg *question,
                                                       struct slice name)
{
    const struct msg *answer = ask_for(ask, question, 0, MSG_TYPE_STATUS_IS);
    if (answer == NULL)
        return NULL;
    const struct msg_type_status_is *is = &answer->type_status_is;
    if (is->error == OK && (name.len == 0 || is->count == 1))
        return is;
    if (is->error == ERR_NOT_FOUND) {
        tell(ask, is->error, "at the broker at %s nothing is set for the type %.*s", ask->endpoint,
             (int)name.len, (const char *)name.data);
        ask->code = COMMAND_UNKNOWN;
    } else {
        tell_refusal(ask, "not done: ", is->error != OK ? is->error : ERR_MALFORMED, is->detail);
    }
    return NULL;
}

const struct msg_type *ask_type_set(struct ask *ask, const struct msg_type_set *set)
{
    struct msg question = {.kind = MSG_TYPE_SET, .type_set = *set};
    const struct msg_type_status_is *is = ask_about_type(ask, &question, set->type);
    return is != NULL ? is->types : NULL;
}

const struct msg_type *ask_type(struct ask *ask, struct slice name)
{
    struct msg question = {.kind = MSG_TYPE_STATUS, .type_status = {.type = name}};
    const struct msg_type_status_is *is = ask_about_type(ask, &question, name);
    return is != NULL ? is->types : NULL;
}

const struct msg_type_status_is *ask_types(struct ask *ask, struct slice after)
{
    struct msg question = {.kind = MSG_TYPE_STATUS, .type_status = {.after = after}};
    return ask_about_type(ask, &question, (struct slice){0});
}

void ask_complain_refused(struct ask *ask, const struct msg_submit_job *job,
                          const struct msg_submitted_job *said)
{
    CHECK(said->error != OK);
    tell_problem(ask, "refused, nothing is stored: ",
                 &(struct problem){.error = said->error,
                                   .detail = said->detail,
                                   .holder_id = problem_holder(said->error, job, said),
                                   .violations = said->violations});
}

void ask_broker_flag(const struct ask *ask, char out[ASK_FLAG_LEN_MAX])
{
    bool is_usual = strcmp(ask->endpoint, COMMAND_BROKER_DEFAULT) == 0;
    out[0] = '\0';
    if (!is_usual)
        (void)snprintf(out, ASK_FLAG_LEN_MAX, " --broker %s", ask->endpoint);
}
