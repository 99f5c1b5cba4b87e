// Rules of fields, each with the sentence that a refusal says.

#include "proto/check.h"

#include "proto/hook.h"
#include "proto/labels.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

// One thing that must hold, and what is wrong when it does not.
struct rule {
    bool holds;
    err otherwise;
    const char *detail;
};

static err judge(const struct rule *rules, size_t count, const char **out_detail)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].holds)
            continue;
        *out_detail = rules[i].detail;
        return rules[i].otherwise;
    }
    return OK;
}

static bool is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool check_name(struct slice name)
{
    if (name.len == 0 || name.len > MSG_NAME_LEN_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_char(name.data[i]))
            return false;
    }
    return true;
}

bool check_new_name(struct slice name)
{
    return check_name(name) && !slice_is_text(name, ".") && !slice_is_text(name, "..");
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e)
            return false;
    }
    return true;
}

bool check_key(struct slice key)
{
    return key.len > 0 && key.len <= MSG_KEY_LEN_MAX && is_printable(key) && key.data[0] != ' ' &&
           key.data[key.len - 1] != ' ';
}

static bool is_empty_or_name(struct slice name)
{
    return name.len == 0 || check_name(name);
}

// JSON and MessagePack have no value of zero bytes.
static bool is_whole(const struct body *body)
{
    bool needs_bytes = body->content == CONTENT_JSON || body->content == CONTENT_MSGPACK;
    return needs_bytes ? body->bytes.len > 0
                       : body->content != CONTENT_NONE || body->bytes.len == 0;
}

err check_hello(const struct msg_hello *hello, const char **out_detail)
{
    bool is_worker = hello->role == ROLE_WORKER || hello->role == ROLE_NOTIFIER;
    const struct rule rules[] = {
        {hello->role != ROLE_NONE, ERR_BAD_FIELD, "role: client, gateway, worker or notifier"},
        {hello->session != 0, ERR_BAD_FIELD, "session: a random number, new at each start"},
        {!is_worker || !id_is_zero(&hello->worker_id), ERR_BAD_FIELD,
         "worker_id: a worker has a UUID that it keeps"},
        {is_worker || hello->running.count == 0, ERR_BAD_FIELD, "running: only a worker has jobs"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static struct rule not_reserved(struct slice queue)
{
    return (struct rule){!msg_hook_is_reserved(queue), ERR_RESERVED,
                         "queue: names that begin with 'weft.' are the fabric's own"};
}

// What a gateway has promised to keep was judged when it came.
static bool is_name_of_job(const struct msg_submit_job *job, struct slice name)
{
    return job->is_spooled ? check_name(name) : check_new_name(name);
}

static err check_submit_texts(const struct msg_submit_job *job, const char **out_detail)
{
    const struct rule rules[] = {
        {job->type.len > 0, ERR_BAD_FIELD,
         "type: missing; it says what kind of work it is, in " CHECK_NEW_NAME_RULE},
        {is_name_of_job(job, job->type), ERR_BAD_FIELD, "type: " CHECK_NEW_NAME_RULE},
        {job->queue.len == 0 || is_name_of_job(job, job->queue), ERR_BAD_FIELD,
         "queue: " CHECK_NEW_NAME_RULE},
        not_reserved(job->queue),
        {job->key.len == 0 || check_key(job->key), ERR_BAD_FIELD,
         "key: 1 to 255 printable ASCII characters, no space at either end"},
        {job->payload.bytes.len <= MSG_PAYLOAD_LEN_MAX, ERR_TOO_LARGE,
         "payload: at most 1,048,576 bytes"},
        {is_whole(&job->payload), ERR_BAD_FIELD, "payload: its bytes do not fit its content type"},
        {job->traceparent.len <= MSG_TRACEPARENT_LEN_MAX && is_printable(job->traceparent),
         ERR_BAD_FIELD, "traceparent: at most 128 printable ASCII characters"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static bool are_distinct(const struct msg_ids *ids)
{
    for (uint32_t i = 0; i < ids->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (id_equal(&ids->items[i], &ids->items[j]))
                return false;
    return true;
}

static err check_submit_after(const struct msg_submit_job *job, const char **out_detail)
{
    bool has_parents = job->after.count > 0;
    bool has_rule = job->on_dependency_failure != ON_FAILURE_NONE;
    const struct rule rules[] = {
        {job->after.count <= MSG_AFTER_MAX, ERR_TOO_LARGE, "after: at most 100 jobs"},
        {!has_parents || has_rule, ERR_BAD_FIELD,
         "on_dependency_failure: with after it must be cancel or run; nobody can guess which"},
        {has_parents || !has_rule, ERR_BAD_FIELD,
         "on_dependency_failure: only with after, which names the jobs waited for"},
        {are_distinct(&job->after), ERR_BAD_FIELD, "after: name each job once"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static err check_submit_unique(const struct msg_submit_job *job, const char **out_detail)
{
    bool has_key = job->unique_key.len > 0;
    bool has_span = job->unique_for_s > 0 || job->unique_while_unfinished;
    const struct rule rules[] = {
        {!has_key || check_key(job->unique_key), ERR_BAD_FIELD,
         "unique: the key is 1 to 255 printable ASCII characters, no space at either end"},
        {!has_key || has_span, ERR_BAD_FIELD,
         "unique: say for how long, or while the job is unfinished"},
        {has_key || !has_span, ERR_BAD_FIELD, "unique: a span needs its key"},
        {job->unique_for_s <= CHECK_KEEP_S_MAX, ERR_BAD_FIELD, "unique: at most 3660 days"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static err check_submit_sharing(const struct msg_submit_job *job, const char **out_detail)
{
    bool has_key = job->concurrency_key.len > 0;
    const struct rule rules[] = {
        {!has_key || check_key(job->concurrency_key), ERR_BAD_FIELD,
         "concurrency_key: 1 to 255 printable ASCII characters, no space at either end"},
        {has_key || job->order == ORDER_NONE, ERR_BAD_FIELD,
         "order: needs a concurrency_key, whose jobs it orders"},
        {job->cost <= MSG_COST_MAX, ERR_BAD_FIELD, "cost: 1 to 10,000"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static err check_defaults(const struct msg_defaults *given, const char **out_detail)
{
    bool is_ordered = given->retry_first_ms == 0 || given->retry_longest_ms == 0 ||
                      given->retry_first_ms <= given->retry_longest_ms;
    bool is_growing =
        given->retry_factor_milli == 0 || (given->retry_factor_milli >= CHECK_FACTOR_MILLI_MIN &&
                                           given->retry_factor_milli <= CHECK_FACTOR_MILLI_MAX);
    const struct rule rules[] = {
        {given->timeout_ms <= CHECK_TIMEOUT_MS_MAX, ERR_BAD_FIELD, "timeout: at most 7 days"},
        {given->max_attempts <= CHECK_ATTEMPTS_MAX, ERR_BAD_FIELD, "max_attempts: at most 10,000"},
        {given->max_crashes <= CHECK_CRASHES_MAX, ERR_BAD_FIELD, "max_crashes: at most 10,000"},
        {given->retry_first_ms <= CHECK_RETRY_MS_MAX &&
             given->retry_longest_ms <= CHECK_RETRY_MS_MAX,
         ERR_BAD_FIELD, "retry: first and longest are at most 24 days"},
        {is_ordered, ERR_BAD_FIELD, "retry: first must not be longer than longest"},
        {is_growing, ERR_BAD_FIELD, "retry: factor is from 1 to 100"},
        {given->keep_s <= CHECK_KEEP_S_MAX, ERR_BAD_FIELD, "keep: at most 3660 days"},
        {given->retry_within_s <= CHECK_KEEP_S_MAX, ERR_BAD_FIELD,
         "retry: within is at most 3660 days"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static err check_submit_numbers(const struct msg_submit_job *job, const char **out_detail)
{
    const struct msg_defaults given = msg_given(job);
    const struct rule rules[] = {
        {job->priority <= MSG_PRIORITY_MAX || job->priority == MSG_PRIORITY_NOT_GIVEN,
         ERR_BAD_FIELD, "priority: 0 (first) to 9"},
        {job->delay_ms <= CHECK_DELAY_MS_MAX, ERR_BAD_FIELD, "delay: at most 36600 days"},
        {job->run_at >= 0 && job->run_at <= CHECK_RUN_AT_MAX, ERR_BAD_FIELD,
         "run_at: from 1970 to 9999"},
        {job->delay_ms == 0 || job->run_at == 0, ERR_BAD_FIELD, "delay: not together with run_at"},
        {job->ttl_ms <= CHECK_DELAY_MS_MAX, ERR_BAD_FIELD, "ttl: at most 36600 days"},
        {job->ttl_ms == 0 || job->ttl_ms > job->delay_ms, ERR_BAD_FIELD, CHECK_TTL_TOO_SHORT},
    };
    err e = judge(rules, COUNT(rules), out_detail);
    return e == OK ? check_defaults(&given, out_detail) : e;
}

err check_submit(const struct msg_submit *submit, const char **out_detail)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < submit->count; i++)
        bytes += submit->jobs[i].payload.bytes.len;
    const struct rule rules[] = {
        {submit->is_atomic || submit->dry_run || submit->count <= MSG_JOBS_MAX, ERR_TOO_LARGE,
         "jobs: at most 1,024, and 10,000 when atomic or a dry run"},
        {bytes <= MSG_ATOMIC_BYTES_MAX, ERR_TOO_LARGE, "jobs: at most 16 MiB of payloads"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static err check_submit_batch(const struct msg_submit_job *job, const char **out_detail)
{
    const struct rule rules[] = {
        {job->batch_webhook.len == 0 || !id_is_zero(&job->batch_id), ERR_BAD_FIELD,
         "batch_webhook: needs a batch_id"},
        {job->batch_fingerprint == 0 || !id_is_zero(&job->batch_id), ERR_BAD_FIELD,
         "batch_fingerprint: needs a batch_id"},
    };
    err e = judge(rules, COUNT(rules), out_detail);
    if (e != OK)
        return e;
    e = hook_check(job->batch_webhook, out_detail);
    if (e != OK)
        *out_detail = "batch_webhook: as a webhook, with a url or an endpoint";
    return e;
}

err check_submit_job(const struct msg_submit_job *job, const char **out_detail)
{
    err e = check_submit_texts(job, out_detail);
    if (e == OK)
        e = check_submit_numbers(job, out_detail);
    if (e == OK)
        e = check_submit_unique(job, out_detail);
    if (e == OK)
        e = check_submit_sharing(job, out_detail);
    if (e == OK)
        e = labels_check(job->labels, out_detail);
    if (e == OK)
        e = hook_check(job->webhook, out_detail);
    if (e == OK)
        e = check_submit_batch(job, out_detail);
    return e == OK ? check_submit_after(job, out_detail) : e;
}

// The schedule decides when its jobs come, and under which id.
static err check_schedule_job(const struct msg_submit_job *job, const char **out_detail)
{
    const struct rule rules[] = {
        {id_is_zero(&job->job_id) && job->key.len == 0, ERR_BAD_FIELD,
         "job: no job_id and no key; each is derived from schedule and moment"},
        {job->delay_ms == 0 && job->run_at == 0, ERR_BAD_FIELD,
         "job: no delay and no run_at; the schedule says when"},
        {id_is_zero(&job->batch_id) && job->batch_webhook.len == 0, ERR_BAD_FIELD, "job: no batch"},
    };
    err e = judge(rules, COUNT(rules), out_detail);
    return e == OK ? check_submit_job(job, out_detail) : e;
}

err check_schedule_set(const struct msg_schedule_set *set, const char **out_detail)
{
    const struct msg_schedule *given = &set->given;
    bool is_set = set->act == SCHEDULE_SET;
    const struct rule rules[] = {
        {is_set ? check_new_name(given->schedule_id) : check_name(given->schedule_id),
         ERR_BAD_FIELD, "schedule_id: " CHECK_NEW_NAME_RULE},
        {set->act != SCHEDULE_NONE, ERR_BAD_FIELD, "act: set, delete, pause or resume"},
        {!is_set || given->job_count == 1, ERR_BAD_FIELD,
         "job: missing; it is what each moment submits"},
        {given->jitter_ms <= CHECK_JITTER_MS_MAX, ERR_BAD_FIELD, "jitter: at most 24 hours"},
        {set->next_count <= MSG_MOMENTS_MAX, ERR_BAD_FIELD, "next: at most 100"},
    };
    err e = judge(rules, COUNT(rules), out_detail);
    return e == OK && is_set ? check_schedule_job(given->jobs, out_detail) : e;
}

static bool is_rate(const struct msg_rate *rate)
{
    bool is_none = rate->count == 0 && rate->per_ms == 0;
    return is_none || (rate->count > 0 && rate->count <= MSG_RATE_COUNT_MAX && rate->per_ms > 0 &&
                       rate->per_ms <= MSG_RATE_PER_MS_MAX);
}

static const char rule_named[] = "named: 1 << the number of each field that is meant";

static bool is_both(uint32_t named, uint32_t both)
{
    return (named & both) == 0 || (named & both) == both;
}

err check_queue_set(const struct msg_queue_set *set, const char **out_detail)
{
    const struct rule rules[] = {
        {check_new_name(set->queue), ERR_BAD_FIELD, "queue: " CHECK_NEW_NAME_RULE},
        not_reserved(set->queue),
        {set->settings.weight <= MSG_WEIGHT_MAX, ERR_BAD_FIELD, "weight: 1 to 1,000"},
        {is_rate(&set->settings.rate), ERR_BAD_FIELD,
         "rate: a count of 1 to 1,000,000 per 1 ms to 24 h"},
        {is_rate(&set->settings.key_rate), ERR_BAD_FIELD,
         "key_rate: a count of 1 to 1,000,000 per 1 ms to 24 h"},
        {(set->named & ~QUEUE_SETTINGS_ALL) == 0, ERR_BAD_FIELD, rule_named},
        {is_both(set->named, QUEUE_RATE) && is_both(set->named, QUEUE_KEY_RATE), ERR_BAD_FIELD,
         "named: both fields of a rate, or none"},
    };
    err e = judge(rules, COUNT(rules), out_detail);
    return e == OK ? check_defaults(&set->settings.defaults, out_detail) : e;
}

err check_type_set(const struct msg_type_set *set, const char **out_detail)
{
    const struct rule rules[] = {
        {check_new_name(set->type), ERR_BAD_FIELD, "type: " CHECK_NEW_NAME_RULE},
        {(set->named & ~TYPE_SETTINGS_ALL) == 0, ERR_BAD_FIELD, rule_named},
    };
    err e = judge(rules, COUNT(rules), out_detail);
    return e == OK ? check_defaults(&set->defaults, out_detail) : e;
}

err check_type_status(const struct msg_type_status *status, const char **out_detail)
{
    const struct rule rules[] = {
        {is_empty_or_name(status->type), ERR_BAD_FIELD, "type: " CHECK_NAME_RULE},
        {status->limit <= MSG_QUEUES_MAX, ERR_BAD_FIELD, "limit: at most 256"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

err check_queue_status(const struct msg_queue_status *status, const char **out_detail)
{
    const struct rule rules[] = {
        {is_empty_or_name(status->queue), ERR_BAD_FIELD, "queue: " CHECK_NAME_RULE},
        {status->limit <= MSG_QUEUES_MAX, ERR_BAD_FIELD, "limit: at most 256"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static bool are_names(const struct slice *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!check_name(names[i]))
            return false;
    }
    return true;
}

static bool are_open(const struct slice *queues, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (msg_hook_is_reserved(queues[i]))
            return false;
    }
    return true;
}

// O(types²), with at most 64 of both.
static bool are_among(const struct msg_ready *ready)
{
    for (uint32_t i = 0; i < ready->simulate_count; i++) {
        uint32_t at = 0;
        while (at < ready->type_count && !slice_equal(ready->types[at], ready->simulates[i]))
            at++;
        if (at == ready->type_count)
            return false;
    }
    return true;
}

err check_ready(const struct msg_ready *ready, enum role role, const char **out_detail)
{
    const struct rule rules[] = {
        {ready->type_count > 0, ERR_BAD_FIELD, "types: at least one"},
        {ready->type_count <= MSG_TYPES_MAX, ERR_TOO_LARGE, "types: at most 64"},
        {are_names(ready->types, ready->type_count), ERR_BAD_FIELD, "types: " CHECK_NAME_RULE},
        {ready->queue_count <= MSG_TYPES_MAX, ERR_TOO_LARGE, "queues: at most 64"},
        {are_names(ready->queues, ready->queue_count), ERR_BAD_FIELD, "queues: " CHECK_NAME_RULE},
        {role == ROLE_NOTIFIER || are_open(ready->queues, ready->queue_count), ERR_RESERVED,
         "queues: names that begin with 'weft.' are the fabric's own, and no worker gets their "
         "jobs"},
        {ready->slots <= CHECK_SLOTS_MAX, ERR_BAD_FIELD, "slots: at most 16,384"},
        {ready->simulate_count <= MSG_TYPES_MAX, ERR_TOO_LARGE, "simulates: at most 64"},
        {are_among(ready), ERR_BAD_FIELD, "simulates: each is one of types"},
        {ready->simulation_slots <= CHECK_SLOTS_MAX, ERR_BAD_FIELD,
         "simulation_slots: at most 16,384"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

err check_finish_job(const struct msg_finish_job *job, const char **out_detail)
{
    const struct rule rules[] = {
        {!id_is_zero(&job->job_id), ERR_BAD_FIELD, "job_id: as in JOBS"},
        {job->token != 0, ERR_BAD_FIELD, "token: as in JOBS"},
        {job->outcome != OUTCOME_NONE, ERR_BAD_FIELD, "outcome: how it ended"},
        {job->outcome != OUTCOME_SNOOZED || job->retry_after_ms > 0, ERR_BAD_FIELD,
         "retry_after_ms: a snooze says for how long"},
        {job->result.bytes.len <= MSG_RESULT_LEN_MAX, ERR_TOO_LARGE,
         "result: at most 1,048,576 bytes"},
        {is_whole(&job->result), ERR_BAD_FIELD, "result: its bytes do not fit its content type"},
        {job->error_kind.len <= MSG_ERROR_KIND_LEN_MAX, ERR_TOO_LARGE,
         "error_kind: at most 64 bytes"},
        {job->error_message.len <= MSG_ERROR_MESSAGE_LEN_MAX, ERR_TOO_LARGE,
         "error_message: at most 1,024 bytes"},
        {job->error_detail.len <= MSG_ERROR_DETAIL_LEN_MAX, ERR_TOO_LARGE,
         "error_detail: at most 16,384 bytes"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

err check_finish(const struct msg_finish *finish, const char **out_detail)
{
    for (uint32_t i = 0; i < finish->count; i++) {
        err e = check_finish_job(&finish->jobs[i], out_detail);
        if (e != OK)
            return e;
    }
    return OK;
}

err check_simulated(const struct msg_simulated *simulated, const char **out_detail)
{
    const struct msg_failure *failure = &simulated->failure;
    bool has_failure = failure->kind.len + failure->message.len + failure->detail.len > 0;
    const struct rule rules[] = {
        {simulated->result.bytes.len <= MSG_SIMULATED_LEN_MAX, ERR_TOO_LARGE,
         "result: at most 65,536 bytes"},
        {is_whole(&simulated->result), ERR_BAD_FIELD,
         "result: its bytes do not fit its content type"},
        {simulated->ok || simulated->result.content == CONTENT_NONE, ERR_BAD_FIELD,
         "result: only with ok"},
        {!simulated->ok || !has_failure, ERR_BAD_FIELD, "failure: only without ok"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static bool is_for_queue(enum act_kind kind)
{
    return kind == ACT_PAUSE || kind == ACT_RESUME || kind == ACT_DRAIN;
}

err check_act(const struct msg_act *act, const char **out_detail)
{
    bool is_for_worker = act->kind == ACT_QUIET || act->kind == ACT_STOP;
    bool is_for_job = !is_for_worker && !is_for_queue(act->kind);
    bool has_way =
        act->direction == DIRECTION_NONE || act->kind == ACT_PAUSE || act->kind == ACT_RESUME;
    const struct rule rules[] = {
        {act->kind != ACT_NONE, ERR_BAD_FIELD, "kind: what is to be done"},
        {act->kind != ACT_PURGE, ERR_BAD_FIELD, "kind: only many are purged"},
        {!is_for_job || !id_is_zero(&act->job_id), ERR_BAD_FIELD, "job_id: of the job"},
        {!is_for_worker || !id_is_zero(&act->worker_id), ERR_BAD_FIELD, "worker_id: of the worker"},
        {!is_for_queue(act->kind) || check_name(act->queue), ERR_BAD_FIELD,
         "queue: " CHECK_NAME_RULE},
        {has_way, ERR_BAD_FIELD, "direction: of PAUSE and RESUME"},
        {!id_is_zero(&act->act_id), ERR_BAD_FIELD, "act_id: a random id, the same when repeated"},
        {act->actor.len <= MSG_ACTOR_LEN_MAX, ERR_TOO_LARGE, "actor: at most 128 bytes"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static err check_filter(const struct msg_filter *filter, const char **out_detail)
{
    const struct rule rules[] = {
        {filter->states < 1u << JOB_STATES && (filter->states & 1u << JOB_NONE) == 0, ERR_BAD_FIELD,
         "states: one bit for each state"},
        {is_empty_or_name(filter->queue), ERR_BAD_FIELD, "queue: " CHECK_NAME_RULE},
        {is_empty_or_name(filter->type), ERR_BAD_FIELD, "type: " CHECK_NAME_RULE},
        {filter->tag.len == 0 || labels_is_tag(filter->tag), ERR_BAD_FIELD,
         "tag: " LABELS_TAG_RULE},
        {filter->created_after >= 0 && filter->created_before >= 0, ERR_BAD_FIELD,
         "created_after, created_before: from 1970 on"},
    };
    return judge(rules, COUNT(rules), out_detail);
}

static bool is_bare(const struct msg_list *list)
{
    const struct msg_filter *filter = &list->filter;
    return filter->states == 0 && filter->queue.len == 0 && filter->type.len == 0 &&
           filter->tag.len == 0 && filter->created_after == 0 && filter->created_before == 0 &&
           id_is_zero(&filter->batch_id) && list->limit == 0 && list->cursor == 0;
}

err check_list(const struct msg_list *list, const char **out_detail)
{
    const struct rule rules[] = {
        {list->limit <= MSG_LISTED_MAX, ERR_BAD_FIELD, "limit: at most 1,000"},
        {id_is_zero(&list->told_of) || is_bare(list), ERR_BAD_FIELD,
         "told_of: its deliveries come all at once; give nothing else"},
        {!list->told_of_batch || !id_is_zero(&list->told_of), ERR_BAD_FIELD,
         "told_of_batch: which batch, told_of says"},
    };
    err e = check_filter(&list->filter, out_detail);
    return e == OK ? judge(rules, COUNT(rules), out_detail) : e;
}

err check_watch(const struct msg_watch *watch, const char **out_detail)
{
    const struct msg_filter filter = {
        .states = watch->states, .queue = watch->queue, .type = watch->type};
    const struct rule rules[] = {
        {watch->limit <= MSG_WATCHED_MAX, ERR_BAD_FIELD, "limit: at most 1,024"},
    };
    err e = check_filter(&filter, out_detail);
    return e == OK ? judge(rules, COUNT(rules), out_detail) : e;
}

uint32_t check_operate_states(enum act_kind kind)
{
    const uint32_t waiting = 1u << JOB_SCHEDULED | 1u << JOB_QUEUED | 1u << JOB_RETRYING;
    switch (kind) {
    case ACT_CANCEL: return waiting | 1u << JOB_RUNNING;
    case ACT_PURGE: return waiting;
    case ACT_RETRY: return 1u << JOB_DEAD;
    case ACT_RUN_NOW: return 1u << JOB_SCHEDULED | 1u << JOB_RETRYING;
    case ACT_DELETE:
        return 1u << JOB_SUCCEEDED | 1u << JOB_DEAD | 1u << JOB_CANCELLED | 1u << JOB_EXPIRED;
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_DRAIN:
    case ACT_QUIET:
    case ACT_STOP:
    case ACT_NONE: return 0;
    }
    UNREACHABLE();
}

// Which states those are, in words.
static const char *operate_states_rule(enum act_kind kind)
{
    switch (kind) {
    case ACT_CANCEL:
        return "states: cancel takes jobs that are scheduled, queued, running or retrying";
    case ACT_PURGE: return "states: purge takes jobs that are scheduled, queued or retrying";
    case ACT_RETRY: return "states: retry takes jobs that are dead";
    case ACT_RUN_NOW: return "states: run-now takes jobs that are scheduled or retrying";
    case ACT_DELETE:
        return "states: delete takes jobs that are succeeded, dead, cancelled or expired";
    case ACT_PAUSE:
    case ACT_RESUME:
    case ACT_DRAIN:
    case ACT_QUIET:
    case ACT_STOP:
    case ACT_NONE: return "";
    }
    UNREACHABLE();
}

// Who cancels an operation names it, and no jobs.
static bool says_which_jobs(const struct msg_operate *operate)
{
    const struct msg_filter *filter = &operate->filter;
    return filter->states != 0 || filter->queue.len > 0 || filter->type.len > 0 ||
           filter->tag.len > 0 || filter->created_after != 0 || filter->created_before != 0 ||
           !id_is_zero(&filter->batch_id) || operate->rate > 0 || operate->dry_run ||
           operate->cursor > 0;
}

err check_operate(const struct msg_operate *operate, const char **out_detail)
{
    uint32_t states = check_operate_states(operate->kind);
    bool is_stop = operate->kind == ACT_STOP;
    const struct rule rules[] = {
        {states != 0 || is_stop, ERR_BAD_FIELD,
         "kind: cancel, retry, run-now, delete or purge; stop: an operation"},
        {!is_stop || !says_which_jobs(operate), ERR_BAD_FIELD,
         "kind: who stops an operation names no jobs, rate or dry run"},
        {operate->filter.states == 0 || (operate->filter.states & states) != 0, ERR_BAD_FIELD,
         operate_states_rule(operate->kind)},
        {operate->dry_run || !id_is_zero(&operate->operation_id), ERR_BAD_FIELD,
         "operation_id: a random id, the same when repeated"},
        {operate->actor.len <= MSG_ACTOR_LEN_MAX, ERR_TOO_LARGE, "actor: at most 128 bytes"},
        {operate->rate <= MSG_RATE_COUNT_MAX, ERR_BAD_FIELD,
         "rate: at most 1000000 jobs a second; 0 for no limit"},
    };
    err e = check_filter(&operate->filter, out_detail);
    return e == OK ? judge(rules, COUNT(rules), out_detail) : e;
}
