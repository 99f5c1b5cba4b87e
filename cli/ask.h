#pragma once

// Questions of the verbs to a broker, with the complaint when there is no answer. Not thread-safe.

#include "cli/command.h"
#include "lib/client/client.h"

struct ask {
    const char *program; // for complaints
    const char *endpoint;
    when_ms give_up_ms;
    struct client *client;
    struct link_curve curve; // of the client, when it has a key
    bool has_curve;
    bool wants_json; // then a complaint is also a problem, as over HTTP, on standard output
    int code;        // after an error: what the verb ends with
};

// From settings with COMMAND_KEY_BROKER, COMMAND_KEY_GIVE_UP and COMMAND_KEY_OUTPUT. False after a complaint.
bool ask_open(struct ask *ask, const struct config *config);
void ask_close(struct ask *ask);

// The whole life of a verb: reads the settings, asks by `run`, closes. Gives the exit code.
int ask_run(const struct config_table *table, int argc, char **argv,
            int (*run)(struct ask *ask, const struct config *config));
// Of a verb whose argument is an id, alike.
int ask_about(const struct config_table *table, int argc, char **argv,
              int (*act)(struct ask *ask, const struct id *id, const struct config *config));

// Each gives the answer, borrowed until the next one, or NULL after a complaint; then `code` is set.
const struct msg_submitted *ask_submit(struct ask *ask, const struct msg_submit *submit);
// Asks workers about each job of a dry run; nobody complains.
void ask_try(struct ask *ask, const struct client_trial *trial);
// A job or batch that is not known is a complaint too.
const struct msg_status_is *ask_status(struct ask *ask, const struct msg_status *status);
const struct msg_batch_status_is *ask_batch(struct ask *ask, const struct msg_batch_status *batch);
const struct msg_batch_status_is *ask_seal(struct ask *ask, const struct id *batch_id);
const struct msg_timeline_is *ask_timeline(struct ask *ask, const struct msg_timeline *timeline);
const struct msg_log_is *ask_log(struct ask *ask, const struct msg_log *log);
const struct msg_event *ask_watch(struct ask *ask, const struct msg_watch *watch);
const struct msg_listed *ask_list(struct ask *ask, const struct msg_list *list);
// How far an act on many has come; a refusal and an unknown one are complaints too.
const struct msg_operation_is *ask_operate(struct ask *ask, const struct msg_operate *operate);
const struct msg_operation_listed *ask_operations(struct ask *ask,
                                                  const struct msg_operation_list *list);
const struct msg_operation_is *ask_operation(struct ask *ask,
                                             const struct msg_operation *operation);
// An act that was refused is a complaint too.
const struct msg_acted *ask_act(struct ask *ask, const struct msg_act *act);

// A refusal and an unknown schedule are complaints too.
const struct msg_schedule_status_is *ask_schedule_set(struct ask *ask,
                                                      const struct msg_schedule_set *set);
const struct msg_schedule_status_is *ask_schedule(struct ask *ask,
                                                  const struct msg_schedule_status *status);
const struct msg_worker_listed *ask_workers(struct ask *ask, const struct msg_worker_list *list);
const struct msg_schedule_listed *ask_schedules(struct ask *ask,
                                                const struct msg_schedule_list *list);

// A refusal and an unknown queue are complaints too.
const struct msg_queue *ask_queue_set(struct ask *ask, const struct msg_queue_set *set);
const struct msg_queue *ask_queue(struct ask *ask, struct slice name);
// A page of all of them.
const struct msg_queue_status_is *ask_queues(struct ask *ask, struct slice after);

// The same of types.
const struct msg_type *ask_type_set(struct ask *ask, const struct msg_type_set *set);
const struct msg_type *ask_type(struct ask *ask, struct slice name);
const struct msg_type_status_is *ask_types(struct ask *ask, struct slice after);

// A refusal and an unknown endpoint of webhooks are complaints too. With an id the answer has one, but
// that of a deletion or a test.
const struct msg_webhook_status_is *ask_webhook_set(struct ask *ask,
                                                    const struct msg_webhook_set *set);
const struct msg_webhook_status_is *ask_webhooks(struct ask *ask,
                                                 const struct msg_webhook_status *status);

// Tells why a job was refused, and sets `code`.
void ask_complain_refused(struct ask *ask, const struct msg_submit_job *job,
                          const struct msg_submitted_job *said);

// " --broker ENDPOINT" for a command to be typed, when it is needed there; else empty.
enum { ASK_FLAG_LEN_MAX = 300 };
void ask_broker_flag(const struct ask *ask, char out[ASK_FLAG_LEN_MAX]);

// How long the next STATUS may wait for a change when nothing is waited for after `until`.
uint32_t ask_wait_ms(when_ms until);
