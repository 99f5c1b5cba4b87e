// A run in words: what the broker heard, what moved, what was stored, what it said. The lines are
// those of stories, but that storing and saying have their own times here.

#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX = 2048, NUMBERS = 1024 };

// --- who and what ---

// Ids get numbers as they are first told.
static unsigned number_of(void *ctx, const struct id *id)
{
    static struct id ids[NUMBERS];
    static unsigned count;
    (void)ctx;
    for (unsigned i = 0; i < count; i++)
        if (id_equal(&ids[i], id))
            return i + 1;
    if (count < NUMBERS)
        ids[count++] = *id;
    return count;
}

static void tell_peer(struct tell *tell, uint32_t peer)
{
    const struct sim *sim = sim_now;
    for (uint32_t i = 0; i < SIM_CLIENTS; i++)
        if (sim->clients[i].peer == peer) {
            tell_text(tell, "client %u", i + 1);
            return;
        }
    for (uint32_t i = 0; i < SIM_WORKERS; i++)
        if (sim->workers[i].peer == peer) {
            tell_text(tell, "worker %u", i + 1);
            return;
        }
    tell_text(tell, "gone peer %u", peer);
}

// The beginning of a line, or NULL when nothing is to be told (any more).
static struct tell *line(struct sim *sim)
{
    struct tell *tell = sim->plan->tell;
    if (tell == NULL || tell->cap - tell->len < LINE_MAX)
        return NULL;
    tell->epoch = sim->now.store - sim->now.mono;
    tell->number_of = number_of;
    tell->peer = tell_peer;
    tell_text(tell, "[%lld] ", (long long)sim->now.mono);
    return tell;
}

void transcript_note(struct sim *sim, const char *form, ...)
{
    struct tell *tell = line(sim);
    if (tell == NULL)
        return;
    char text[256];
    va_list rest;
    va_start(rest, form);
    (void)vsnprintf(text, sizeof text, form, rest);
    va_end(rest);
    tell_text(tell, "%s\n", text);
}

// --- what the broker hears ---

static const char *outcome_name(enum outcome outcome)
{
    static const char *const names[] = {"none",    "succeeded",   "failed",  "dead",
                                        "crashed", "interrupted", "snoozed", "cancelled"};
    return (size_t)outcome < sizeof names / sizeof names[0] ? names[outcome] : "?";
}

static void tell_held(struct tell *tell, const struct id *job_id, uint64_t token)
{
    tell_text(tell, " %u@%u.%u", number_of(NULL, job_id), (unsigned)(token >> 40),
              (unsigned)(token & 0xffffffffffu));
}

static void tell_list(struct tell *tell, const char *verb, const struct msg_held_list *list)
{
    tell_text(tell, "%s", verb);
    for (uint32_t i = 0; i < list->count; i++)
        tell_held(tell, &list->items[i].job_id, list->items[i].token);
}

static void tell_submit(struct tell *tell, const struct msg_submit *submit)
{
    for (uint32_t i = 0; i < submit->count; i++) {
        const struct msg_submit_job *job = &submit->jobs[i];
        tell_text(tell, "%s %u body %04x", i == 0 ? "submit" : ",", number_of(NULL, &job->job_id),
                  (unsigned)(job->fingerprint & 0xffff));
        if (job->delay_ms > 0)
            tell_text(tell, " delay %llu", (unsigned long long)job->delay_ms);
        if (job->max_attempts > 0)
            tell_text(tell, " attempts %u", job->max_attempts);
        if (job->max_crashes > 0)
            tell_text(tell, " crashes %u", job->max_crashes);
        if (!id_is_zero(&job->batch_id))
            tell_text(tell, " in batch %u", number_of(NULL, &job->batch_id));
        if (job->batch_fingerprint != 0)
            tell_text(tell, " of body %u", (unsigned)job->batch_fingerprint);
    }
}

static void tell_finish(struct tell *tell, const struct msg_finish *finish)
{
    tell_text(tell, "finish");
    for (uint32_t i = 0; i < finish->count; i++) {
        tell_held(tell, &finish->jobs[i].job_id, finish->jobs[i].token);
        tell_text(tell, " %s", outcome_name(finish->jobs[i].outcome));
    }
}

static void tell_heard(struct tell *tell, const struct msg *msg)
{
    if (msg->kind == MSG_SUBMIT)
        tell_submit(tell, &msg->submit);
    else if (msg->kind == MSG_FINISH)
        tell_finish(tell, &msg->finish);
    else if (msg->kind == MSG_RENEW)
        tell_list(tell, "renew", &msg->renew.running);
    else if (msg->kind == MSG_HELLO)
        tell_list(tell, "hello", &msg->hello.running);
    else if (msg->kind == MSG_BYE)
        tell_list(tell, msg->bye.is_all ? "bye, with all of" : "bye", &msg->bye.running);
    else if (msg->kind == MSG_READY)
        tell_text(tell, "ready for %u", msg->ready.slots);
    else if (msg->kind == MSG_BATCH_SEAL)
        tell_text(tell, "seal batch %u", number_of(NULL, &msg->batch_seal.batch_id));
    else if (msg->kind == MSG_QUEUE_SET)
        tell_text(tell, "set queue %.*s: weight %u open_max %u", (int)msg->queue_set.queue.len,
                  (const char *)msg->queue_set.queue.data, msg->queue_set.settings.weight,
                  msg->queue_set.settings.open_max);
    else if (msg->kind == MSG_TYPE_SET)
        tell_text(tell, "set type %.*s: attempts %u", (int)msg->type_set.type.len,
                  (const char *)msg->type_set.type.data, msg->type_set.defaults.max_attempts);
    else if (msg->kind == MSG_ACT && msg->act.queue.len > 0)
        tell_text(tell, "act %u on queue %.*s", (unsigned)msg->act.kind, (int)msg->act.queue.len,
                  (const char *)msg->act.queue.data);
    else if (msg->kind == MSG_ACT)
        tell_text(tell, "act %u on %u", (unsigned)msg->act.kind, number_of(NULL, &msg->act.job_id));
    else
        tell_text(tell, "message %u", (unsigned)msg->kind);
}

// Signs of life, and ticks, which are told by what they move.
static bool is_dull_command(const struct command *command)
{
    if (command->kind != COMMAND_MESSAGE)
        return command->kind == COMMAND_TICK;
    return command->msg->kind == MSG_RENEW && command->msg->renew.running.count == 0;
}

void transcript_hears(struct sim *sim, const struct command *command)
{
    struct tell *tell = is_dull_command(command) ? NULL : line(sim);
    if (tell == NULL)
        return;
    if (command->kind == COMMAND_MESSAGE) {
        tell_peer(tell, command->peer);
        tell_text(tell, ": ");
        tell_heard(tell, command->msg);
    } else if (command->kind == COMMAND_UNSENT) {
        tell_list(tell, "could not be sent:", &command->unsent);
    } else if (command->kind == COMMAND_STEP) {
        tell_text(tell, "step from %llu to %llu:", (unsigned long long)command->step->from,
                  (unsigned long long)command->step->next);
        for (uint32_t i = 0; i < command->step->count; i++)
            tell_text(tell, " %u", number_of(NULL, &command->step->items[i].id));
    } else if (command->kind == COMMAND_UNUSED) {
        tell_text(tell, "the auditor has seen all rows");
    } else if (command->kind == COMMAND_REMOVE) {
        tell_text(tell, "the sweeper names %u", command->job_no_count);
    } else {
        tell_text(tell, "the shell forgets peer %u", command->peer);
    }
    tell_text(tell, "\n");
}

// --- what comes of it ---

void transcript_moves(struct sim *sim, const struct id *id, enum job_state from, enum job_state to)
{
    struct tell *tell = line(sim);
    if (tell != NULL)
        tell_text(tell, "  %u: %s to %s\n", number_of(NULL, id), job_state_name(from),
                  job_state_name(to));
}

static bool is_dull_write(enum write_kind kind)
{
    return kind == WRITE_BODY || kind == WRITE_LANE || kind == DROP_LANE || kind == DROP_QUEUE ||
           kind == WRITE_POLICY || kind == WRITE_LEDGER;
}

void transcript_stores(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->write_count; i++) {
        struct tell *tell = is_dull_write(fx->writes[i].kind) ? NULL : line(sim);
        if (tell == NULL)
            continue;
        tell_text(tell, "  stored: ");
        tell_write(tell, &fx->writes[i]);
        tell_text(tell, "\n");
    }
}

static bool is_dull_answer(const struct msg *msg)
{
    return msg->kind == MSG_RENEWED && msg->renewed.lost.count == 0;
}

void transcript_says(struct sim *sim, const struct effects *fx)
{
    for (uint32_t i = 0; i < fx->send_count; i++) {
        struct tell *tell = is_dull_answer(&fx->sends[i].msg) ? NULL : line(sim);
        if (tell == NULL)
            continue;
        tell_text(tell, "  ");
        tell_send(tell, &fx->sends[i]);
        tell_text(tell, "\n");
    }
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        struct tell *tell = line(sim);
        if (tell == NULL)
            return;
        tell_text(tell, "  ");
        tell_grant(tell, &fx->grants[i]);
        tell_text(tell, "\n");
    }
}
