// Message by message: frames, version, envelope, peer, fields, then the core. What is refused
// here is answered at once, for it says nothing about any job.

#include "broker/shell/intake.h"

#include "broker/core/schedules.h"
#include "broker/shell/intake_private.h"
#include "broker/shell/porter.h"
#include "broker/shell/settings.h"
#include "broker/shell/space.h"
#include "broker/shell/submission.h"
#include "lib/base/check.h"
#include "lib/base/origin.h"
#include "lib/sys/log.h"
#include "proto/check.h"
#include "proto/check_hook.h"
#include "proto/wire.h"

#include <inttypes.h>
#include <stdio.h>

// With nothing in flight, a batch of so many jobs is flushed before more is taken in, so that
// the disk works while the next one is decided.
enum { ENOUGH_JOBS = 256 };
enum { WORD_SIZE = 256 }; // of what is wrong with a message

// --- refusals ---

struct refusal {
    err error;
    uint64_t corr;
    const char *detail;
    uint32_t retry_after_ms;
};

static enum taken refuse(struct broker *broker, const struct link_message *frames,
                         struct refusal refusal)
{
    broker->counters.messages_refused++;
    struct msg msg = {
        .kind = MSG_ERROR,
        .corr = refusal.corr,
        .error = {.error = refusal.error,
                  .retry_after_ms = refusal.retry_after_ms,
                  .detail = slice_of_text(refusal.detail != NULL ? refusal.detail
                                                                 : err_text(refusal.error))}};
    if (log_is_on(LOG_LEVEL_DEBUG))
        log_debug("message.refused", "error=%s corr=%llu", err_slug(refusal.error),
                  (unsigned long long)refusal.corr);
    broker_send_to(broker, frames->route, &msg);
    porter_blame(broker, frames, refusal.error);
    return TAKEN_DONE;
}

enum taken intake_refuse(struct broker *broker, const struct arrival *arrival, err error,
                         const char *detail)
{
    return refuse(broker, arrival->frames,
                  (struct refusal){.error = error,
                                   .corr = arrival->msg.corr,
                                   .detail = detail,
                                   .retry_after_ms = arrival->retry_after_ms});
}

// --- kinds ---

static enum taken decide(struct broker *broker, struct arrival *arrival)
{
    struct msg *kept = arena_take(&broker->filling->decoded, sizeof *kept);
    if (kept == NULL)
        return TAKEN_HELD;
    *kept = arrival->msg;
    struct command command = {.kind = COMMAND_MESSAGE, .peer = arrival->peer, .msg = kept};
    if (intake_decide(broker, &command))
        return TAKEN_KEPT;
    if (core_weight(broker->core, &command) > broker->options->limits.changed_count_max)
        return intake_refuse(broker, arrival, ERR_TOO_LARGE, "the message names too many jobs");
    return TAKEN_HELD;
}

// One-off commands come and go by the thousand, so clients are told at debug only.
static void tell_of(const struct msg_hello *hello)
{
    bool is_worker = hello->role == ROLE_WORKER || hello->role == ROLE_NOTIFIER;
    log_line(is_worker ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "peer.known", "role=%s name=%s",
             is_worker ? "worker" : "client", log_quote(hello->name).text);
}

static enum taken greet(struct broker *broker, struct arrival *arrival)
{
    const char *detail = NULL;
    err e = check_hello(&arrival->msg.hello, &detail);
    if (e == OK && !porter_may_join(broker, arrival))
        return intake_refuse(broker, arrival, ERR_CONFLICT,
                             "worker_id: a session by another key has it");
    if (e == OK && arrival->peer == PEERS_NONE)
        e = peers_add(broker->peers, arrival->frames->route, broker->now.mono, &arrival->peer);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    peers_set_role(broker->peers, arrival->peer, arrival->msg.hello.role);
    peers_set_tenant(broker->peers, arrival->peer, arrival->msg.tenant);
    peers_set_key(broker->peers, arrival->peer,
                  broker->keyring != NULL ? link_user(arrival->frames) : (struct slice){0},
                  link_connection(arrival->frames));
    enum taken taken = decide(broker, arrival);
    if (taken == TAKEN_KEPT)
        tell_of(&arrival->msg.hello);
    return taken;
}

static enum taken say_bye(struct broker *broker, struct arrival *arrival)
{
    enum taken taken = decide(broker, arrival);
    if (taken == TAKEN_KEPT) {
        log_debug("peer.left", "reason=%s", log_quote(arrival->msg.bye.reason).text);
        peers_leave(broker->peers, arrival->peer);
    }
    return taken;
}

// What a gateway has taken while we were away; nobody else can have kept an id for so long.
static err judge_spooled(const struct broker *broker, const struct arrival *arrival,
                         const char **out_detail)
{
    const struct msg_submit *submit = &arrival->msg.submit;
    *out_detail = "spooled: only a gateway says this, of jobs it has kept";
    for (uint32_t i = 0; i < submit->count; i++)
        submit->jobs[i].is_spooled = submit->spooled;
    bool may = !submit->spooled || peers_role(broker->peers, arrival->peer) == ROLE_GATEWAY;
    return may ? OK : ERR_BAD_FIELD;
}

static enum taken take_submit(struct broker *broker, struct arrival *arrival)
{
    const char *detail = NULL;
    err e = check_submit(&arrival->msg.submit, &detail);
    if (e == OK)
        e = judge_spooled(broker, arrival, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    submission_judge(broker->core, broker->now.store, &arrival->msg.submit);
    schemas_judge(broker->schemas, &arrival->msg.submit, &broker->filling->decoded);
    bool is_short = space_is_short(broker);
    if (is_short)
        submission_close(&arrival->msg.submit);
    enum taken taken = decide(broker, arrival);
    if (taken == TAKEN_KEPT && !is_short && !arrival->msg.submit.dry_run)
        broker->filling->stored_bytes += arrival->frames->block.len;
    return taken;
}

// The core knows a schedule by its tenant and its id.
static err name_schedule(struct arrival *arrival, struct arena *arena)
{
    struct slice *id = &arrival->msg.schedule_set.given.schedule_id;
    uint8_t *room = arena_take(arena, SCHEDULES_NAME_LEN_MAX);
    if (room == NULL)
        return ERR_NO_MEMORY;
    *id = schedules_name(arrival->msg.tenant, *id, room);
    return OK;
}

static enum taken take_schedule_set(struct broker *broker, struct arrival *arrival)
{
    struct msg_schedule_set *set = &arrival->msg.schedule_set;
    struct arena *arena = &broker->filling->decoded;
    err e = timetable_judge(broker->timetable, set, broker->now.store, arena);
    if (e == OK && set->act == SCHEDULE_SET && set->verdict == OK)
        schemas_judge_schedule(broker->schemas, set, arena);
    bool grows = set->act == SCHEDULE_SET && !set->dry_run && set->verdict == OK;
    if (grows && space_is_short(broker)) {
        set->verdict = ERR_DISK;
        set->detail = slice_of_text(SPACE_SHORT_DETAIL);
    }
    if (e == OK && arrival->msg.tenant.len > 0)
        e = name_schedule(arrival, arena);
    return e == OK ? decide(broker, arrival) : TAKEN_HELD;
}

static enum taken take_setting(struct broker *broker, struct arrival *arrival)
{
    settings_judge(&arrival->msg);
    if (arrival->msg.kind == MSG_QUEUE_SET)
        return decide(broker, arrival);
    struct msg_type_set *set = &arrival->msg.type_set;
    if (schemas_keep(broker->schemas, set, &broker->filling->decoded) != OK)
        return TAKEN_HELD;
    struct schema *schema = schemas_compile(broker->schemas, set, &broker->filling->decoded);
    if (schema != NULL && space_is_short(broker)) {
        set->verdict = ERR_DISK;
        set->detail = slice_of_text(SPACE_SHORT_DETAIL);
    }
    enum taken taken = decide(broker, arrival);
    settings_keep(broker, set, schema, taken == TAKEN_KEPT);
    return taken;
}

// Neither where it leads to, which may be a secret in itself, nor what signs.
static void tell_of_webhook(const struct broker *broker, const struct arrival *arrival)
{
    static const char *const acts[] = {"none",    "set",  "rotate", "enable",
                                       "disable", "test", "delete"};
    const struct effects *fx = &broker->filling->effects;
    const struct msg_webhook_set *set = &arrival->msg.webhook_set;
    struct slice tenant = origin_tenant(set->tenant);
    struct slice id = set->given.webhook_id;
    const struct msg_webhook_status_is *is = &fx->sends[fx->send_count - 1].msg.webhook_status_is;
    bool has_moved = set->act == WEBHOOK_DISABLE && is->count == 1 && !is->webhooks[0].disabled;
    if (is->error == OK && !has_moved)
        log_info("webhook.act", "act=%s tenant=%.*s webhook=%.*s actor=%s reason=%s",
                 acts[set->act], (int)tenant.len, tenant.data, (int)id.len, id.data,
                 log_quote(set->actor).text, log_quote(set->reason).text);
}

static enum taken take_webhook_set(struct broker *broker, struct arrival *arrival)
{
    struct msg_webhook_set *set = &arrival->msg.webhook_set;
    const char *detail = NULL;
    set->verdict = check_hook_set(set, &detail);
    if (set->verdict == OK && set->act == WEBHOOK_SET && space_is_short(broker)) {
        set->verdict = ERR_DISK;
        detail = SPACE_SHORT_DETAIL;
    }
    if (set->verdict != OK)
        set->detail = slice_of_text(detail);
    enum taken taken = decide(broker, arrival);
    if (taken == TAKEN_KEPT)
        tell_of_webhook(broker, arrival);
    return taken;
}

static enum taken take_ready_or_simulated(struct broker *broker, struct arrival *arrival)
{
    const char *detail = NULL;
    enum role role = peers_role(broker->peers, arrival->peer);
    err e = arrival->msg.kind == MSG_READY ? check_ready(&arrival->msg.ready, role, &detail)
                                           : check_simulated(&arrival->msg.simulated, &detail);
    return e == OK ? decide(broker, arrival) : intake_refuse(broker, arrival, e, detail);
}

// What is left of the disk is for outcomes, not for words.
static enum taken take_renew(struct broker *broker, struct arrival *arrival)
{
    if (space_is_short(broker))
        arrival->msg.renew.log_count = 0;
    return decide(broker, arrival);
}

static enum taken take_finish(struct broker *broker, struct arrival *arrival)
{
    const char *detail = NULL;
    err e = check_finish(&arrival->msg.finish, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    if (space_is_short(broker))
        arrival->msg.finish.log_count = 0;
    uint64_t bytes = space_of_finish(&arrival->msg.finish);
    if (broker->is_short && !space_has_room(broker, bytes, arrival->msg.finish.count))
        return intake_refuse(broker, arrival, ERR_DISK, "the disk is full: say it again later");
    enum taken taken = decide(broker, arrival);
    if (taken == TAKEN_KEPT)
        broker->filling->stored_bytes += bytes;
    return taken;
}

static enum taken take_act(struct broker *broker, struct arrival *arrival)
{
    const char *detail = NULL;
    err e = check_act(&arrival->msg.act, &detail);
    if (e == OK && arrival->msg.act.kind == ACT_RETRY && space_is_short(broker))
        return intake_refuse(broker, arrival, ERR_DISK, SPACE_SHORT_DETAIL);
    return e == OK ? decide(broker, arrival) : intake_refuse(broker, arrival, e, detail);
}

static enum taken take_operate(struct broker *broker, struct arrival *arrival)
{
    struct msg_operate *operate = &arrival->msg.operate;
    const char *detail = NULL;
    err e = check_operate(operate, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    uint32_t states = check_operate_states(operate->kind);
    operate->filter.states = operate->filter.states == 0 ? states : operate->filter.states & states;
    // The core refuses what is not known, a dry run of it too.
    if (!operate->dry_run || !core_knows(broker->core, operate))
        return decide(broker, arrival);
    struct msg_list list = {.filter = operate->filter, .cursor = operate->cursor};
    return intake_ask_for(broker, arrival, WATCH_COUNT, &list);
}

static enum taken take_kind(struct broker *broker, struct arrival *arrival)
{
    switch (arrival->msg.kind) {
    case MSG_HELLO: return greet(broker, arrival);
    case MSG_SUBMIT: return take_submit(broker, arrival);
    case MSG_READY:
    case MSG_SIMULATED: return take_ready_or_simulated(broker, arrival);
    case MSG_RENEW: return take_renew(broker, arrival);
    case MSG_FINISH: return take_finish(broker, arrival);
    case MSG_ACT: return take_act(broker, arrival);
    case MSG_BATCH_SEAL:
    case MSG_WORKER_LIST: return decide(broker, arrival);
    case MSG_OPERATE: return take_operate(broker, arrival);
    case MSG_SCHEDULE_SET: return take_schedule_set(broker, arrival);
    case MSG_QUEUE_SET:
    case MSG_TYPE_SET: return take_setting(broker, arrival);
    case MSG_WEBHOOK_SET: return take_webhook_set(broker, arrival);
    case MSG_BYE: return say_bye(broker, arrival);
    case MSG_STATUS:
    case MSG_BATCH_STATUS:
    case MSG_OPERATION:
    case MSG_OPERATION_LIST:
    case MSG_SCHEDULE_STATUS:
    case MSG_SCHEDULE_LIST:
    case MSG_QUEUE_STATUS:
    case MSG_TYPE_STATUS:
    case MSG_LIST:
    case MSG_TIMELINE:
    case MSG_WEBHOOK_STATUS:
    case MSG_LOG: return intake_ask(broker, arrival);
    case MSG_WATCH: return intake_watch(broker, arrival);
    case MSG_SIMULATE:
    case MSG_WELCOME:
    case MSG_SUBMITTED:
    case MSG_JOBS:
    case MSG_RENEWED:
    case MSG_FINISHED:
    case MSG_STATUS_IS:
    case MSG_BATCH_STATUS_IS:
    case MSG_ACTED:
    case MSG_QUEUE_STATUS_IS:
    case MSG_OPERATION_IS:
    case MSG_OPERATION_LISTED:
    case MSG_TYPE_STATUS_IS:
    case MSG_SCHEDULE_STATUS_IS:
    case MSG_SCHEDULE_LISTED:
    case MSG_WORKER_LISTED:
    case MSG_LISTED:
    case MSG_TIMELINE_IS:
    case MSG_LOG_IS:
    case MSG_EVENT:
    case MSG_WEBHOOK_STATUS_IS:
    case MSG_ERROR:
        return intake_refuse(broker, arrival, ERR_UNSUPPORTED, "a broker does not take this");
    }
    UNREACHABLE();
}

// --- one message ---

static void hand_down(struct msg *msg)
{
    struct slice tenant = msg->tenant;
    if (msg->kind == MSG_ACT)
        msg->act.tenant = tenant;
    else if (msg->kind == MSG_QUEUE_SET)
        msg->queue_set.tenant = tenant;
    else if (msg->kind == MSG_TYPE_SET)
        msg->type_set.tenant = tenant;
    else if (msg->kind == MSG_WEBHOOK_SET)
        msg->webhook_set.tenant = tenant;
    else if (msg->kind == MSG_OPERATE)
        msg->operate.tenant = tenant;
    else if (msg->kind == MSG_SCHEDULE_SET && msg->schedule_set.given.job_count == 1)
        msg->schedule_set.given.jobs->tenant = tenant;
    for (uint32_t i = 0; msg->kind == MSG_SUBMIT && i < msg->submit.count; i++) {
        msg->submit.jobs[i].tenant = tenant;
        msg->submit.jobs[i].tenant_open_max = msg->submit.tenant_open_max;
    }
}

// Is something of its tenant there behind it that need not have been before?
static bool makes(const struct msg *msg)
{
    return (msg->kind == MSG_SUBMIT && !msg->submit.spooled) || msg->kind == MSG_QUEUE_SET ||
           msg->kind == MSG_TYPE_SET ||
           (msg->kind == MSG_SCHEDULE_SET && msg->schedule_set.act == SCHEDULE_SET) ||
           (msg->kind == MSG_WEBHOOK_SET && msg->webhook_set.act == WEBHOOK_SET);
}

// Whose message it is: as it says, else as its peer has said. The name is kept for good.
static err name_tenant(struct broker *broker, struct arrival *arrival, const char **out_detail)
{
    struct msg *msg = &arrival->msg;
    bool is_told = msg->tenant.len > 0 || arrival->peer == PEERS_NONE || msg->kind == MSG_HELLO;
    struct slice name = is_told ? msg->tenant : peers_tenant(broker->peers, arrival->peer);
    bool is_name = makes(msg) ? check_new_name(name) : check_name(name);
    *out_detail = "tenant: " CHECK_NEW_NAME_RULE;
    if (name.len > 0 && !is_name)
        return ERR_BAD_FIELD;
    *out_detail = "tenant_count_max: too many tenants";
    if (!is_told)
        msg->tenant = name;
    else if (tenants_keep(broker->tenants, name, &msg->tenant) != OK)
        return ERR_FULL;
    hand_down(msg);
    return OK;
}

static enum taken take_decoded(struct broker *broker, struct arrival *arrival)
{
    const char *detail = NULL;
    arrival->peer = peers_find(broker->peers, arrival->frames->route);
    err e = porter_judge(broker, arrival, &detail);
    if (e != OK)
        return intake_refuse(broker, arrival, e, detail);
    if (arrival->peer != PEERS_NONE)
        peers_heard(broker->peers, arrival->peer, broker->now.mono);
    else if (arrival->msg.kind != MSG_HELLO)
        return intake_refuse(broker, arrival, ERR_UNKNOWN_PEER, NULL);
    e = name_tenant(broker, arrival, &detail);
    return e == OK ? take_kind(broker, arrival) : intake_refuse(broker, arrival, e, detail);
}

// In words for whoever wrote the peer; NULL: nothing more is known than the error.
static const char *word(const struct wire_fault *fault, char text[WORD_SIZE])
{
    const char *field = fault->field != NULL ? fault->field : "";
    const char *colon = fault->field != NULL ? ": " : "";
    if (fault->rule == NULL)
        return NULL;
    if (fault->max > 0)
        (void)snprintf(text, WORD_SIZE, "%s%s%" PRIu32 " %s", field, colon, fault->max,
                       fault->rule);
    else
        (void)snprintf(text, WORD_SIZE, "%s%s%s", field, colon, fault->rule);
    return text;
}

static enum taken take(struct broker *broker, struct link_message *frames)
{
    struct batch *batch = broker->filling;
    if (!slice_is_text(frames->version, WIRE_VERSION))
        return refuse(
            broker, frames,
            (struct refusal){.error = ERR_VERSION, .detail = "spoken here: " WIRE_VERSION});
    size_t used = batch->decoded.used;
    struct arrival arrival = {.frames = frames};
    struct wire_fault fault;
    char text[WORD_SIZE];
    err e =
        wire_decode_or_say(frames->envelope, frames->block, &batch->decoded, &arrival.msg, &fault);
    if (e != OK)
        batch->decoded.used = used;
    if (e == ERR_NO_MEMORY && used > 0)
        return TAKEN_HELD;
    if (e != OK)
        return refuse(broker, frames,
                      (struct refusal){.error = e,
                                       .corr = wire_corr(frames->envelope),
                                       .detail = word(&fault, text)});
    enum taken taken = take_decoded(broker, &arrival);
    if (taken != TAKEN_KEPT)
        batch->decoded.used = used;
    return taken;
}

// The message that had no room before, or the next one of the link; NULL when there is none.
static struct link_message *next(struct broker *broker)
{
    struct link_message *frames = broker->held;
    broker->held = NULL;
    if (frames != NULL)
        return frames;
    frames = batch_pool_take(broker->pool);
    err e = link_receive(broker->router, frames);
    if (e != ERR_AGAIN)
        metrics_mark(broker->metrics); // not all that is counted makes a batch
    while (e == ERR_MALFORMED) {
        (void)refuse(broker, frames,
                     (struct refusal){.error = e, .detail = "a message is three frames"});
        link_release(frames);
        e = link_receive(broker->router, frames);
    }
    if (e == OK) {
        link_guard_heard(broker->guard, frames);
        return frames;
    }
    link_release(frames);
    batch_pool_give(broker->pool, frames);
    CHECK(e == ERR_AGAIN); // a bound ROUTER has no other reason to give nothing
    if (broker->now.mono >= link_guard_at(broker->guard))
        porter_count_cut(broker, link_guard_look(broker->guard, broker->now.mono));
    return NULL;
}

// False when the batch can take no more.
static bool settle_in(struct broker *broker, struct link_message *frames, enum taken taken)
{
    struct batch *batch = broker->filling;
    if (taken == TAKEN_HELD) {
        broker->held = frames;
        return false;
    }
    if (taken == TAKEN_KEPT) {
        batch->bytes += frames->envelope.len + frames->block.len;
        batch->messages[batch->message_count++] = frames;
        return batch_has_room(batch);
    }
    link_release(frames);
    batch_pool_give(broker->pool, frames);
    return true;
}

static bool is_time_to_flush(const struct broker *broker)
{
    return broker->committing != NULL ? commit_is_done(broker->commit)
                                      : broker->filling->job_count >= ENOUGH_JOBS;
}

void intake_run(struct broker *broker)
{
    bool has_room = batch_has_room(broker->filling);
    for (uint32_t i = 0; i < BATCH_MESSAGES_MAX && has_room && !is_time_to_flush(broker); i++) {
        struct link_message *frames = next(broker);
        if (frames == NULL)
            return;
        has_room = settle_in(broker, frames, take(broker, frames));
    }
}

bool intake_decide(struct broker *broker, const struct command *command)
{
    struct batch *batch = broker->filling;
    uint32_t weight = core_weight(broker->core, command);
    if (!effects_has_room(&batch->effects, weight))
        return false;
    (void)broker_view(broker);
    core_step(broker->core, broker->now, command, &batch->effects);
    batch->command_count++;
    batch->job_count += weight;
    return true;
}

void intake_release(struct broker *broker, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->message_count; i++) {
        link_release(batch->messages[i]);
        batch_pool_give(broker->pool, batch->messages[i]);
    }
    batch->message_count = 0;
}
