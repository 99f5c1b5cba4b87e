// Station endpoint: a webhook endpoint is set, its secret is replaced, it is switched off and on,
// tried, deleted. What waits for one that is off or gone finds that out when it is given to a
// notifier.

#include "broker/core/core_private.h"

#include "lib/base/prng.h"

static bool is_same(const struct msg_webhook *one, const struct msg_webhook *other)
{
    return one->events == other->events && slice_equal(one->url, other->url) &&
           slice_equal(one->types, other->types) && slice_equal(one->tags, other->tags) &&
           slice_equal(one->headers, other->headers);
}

// What has been heard of one url says nothing of the next.
static bool is_of_another(const struct endpoint_row *row, const struct msg_webhook_set *set)
{
    return set->given.url.len > 0 && !slice_equal(set->given.url, row->given.url);
}

// The same once more: nothing is to be done.
static bool is_so_already(const struct endpoint_row *row, const struct msg_webhook_set *set)
{
    switch (set->act) {
    case WEBHOOK_SET: return is_same(&row->given, &set->given);
    case WEBHOOK_ROTATE: return slice_equal(row->secret, set->secret);
    case WEBHOOK_ENABLE: return !row->is_disabled;
    case WEBHOOK_DISABLE: return row->is_disabled || is_of_another(row, set);
    case WEBHOOK_TEST: return true;
    case WEBHOOK_DELETE: return false;
    case WEBHOOK_NONE: break;
    }
    UNREACHABLE();
}

static err refuse_new(const struct core *core, const struct msg_webhook_set *set,
                      struct slice *out_detail)
{
    *out_detail = slice_of_text("no such webhook endpoint; check the id");
    if (set->act != WEBHOOK_SET)
        return ERR_NOT_FOUND;
    *out_detail = slice_of_text("secret: a new endpoint brings one");
    if (set->secret.len == 0)
        return ERR_BAD_FIELD;
    const char *limit = endpoints_refusal(&core->ledger.endpoints, set->tenant);
    if (limit == NULL)
        return OK;
    *out_detail = slice_of_text(limit);
    return ERR_FULL;
}

static err refusal(const struct core *core, const struct msg_webhook_set *set, uint32_t no,
                   struct slice *out_detail)
{
    *out_detail = set->detail;
    if (set->verdict != OK)
        return set->verdict;
    if (no == ENDPOINTS_NONE)
        return refuse_new(core, set, out_detail);
    const struct endpoint_row *row = endpoints_at(&core->ledger.endpoints, no);
    if (set->act != WEBHOOK_TEST)
        return OK;
    *out_detail = slice_of_text("the endpoint has no url to try");
    if (row->given.url.len == 0)
        return ERR_BAD_FIELD;
    *out_detail = slice_of_text("the endpoint is disabled; enable it first");
    return row->is_disabled ? ERR_CONFLICT : OK;
}

// A delivery that tells of nothing; the same id once more is the same test.
static err try_it(struct core *core, struct now now, const struct msg_webhook_set *set,
                  struct slice *out_detail, struct effects *fx)
{
    const struct msg_submit_job *test = deliver_test(set, fx);
    struct msg_submitted_job answer = submit_one(core, now, test, fx);
    *out_detail = answer.detail;
    core->figures.deliveries += answer.error == OK && !answer.replayed;
    return answer.error;
}

// A line that lives as long as the batch.
static const struct msg_webhook_line *line_of(const struct core *core, uint32_t no, when_ms now,
                                              struct effects *fx)
{
    struct msg_webhook_line *line = arena_take(fx->arena, sizeof *line);
    CHECK(line != NULL);
    struct endpoint_row row = endpoints_copy(endpoints_at(&core->ledger.endpoints, no), fx->arena);
    *line =
        (struct msg_webhook_line){.given = row.given,
                                  .disabled = row.is_disabled,
                                  .reason = row.reason,
                                  .generation = row.generation,
                                  .created_at = row.created_at,
                                  .rotated_at = row.rotated_at,
                                  .before_until = row.before_until > now ? row.before_until : 0};
    return line;
}

static void apply(struct core *core, struct now now, const struct msg_webhook_set *set,
                  struct effects *fx)
{
    ledger_apply(&core->ledger,
                 &(struct entry){.kind = ENTRY_ENDPOINT,
                                 .at = now.store,
                                 .slot = ENTRY_NO_SLOT,
                                 .endpoint = {.set = set}},
                 fx);
}

// What waits for the next attempt, or for a receiver that was ill.
static bool has_waiting(const struct core *core, struct slice tenant)
{
    const struct queues *queues = &core->ledger.queues;
    const struct queue_name name = {.tenant = tenant, .queue = slice_of_text(HOOK_QUEUE)};
    uint32_t queue = queues_find(queues, name);
    if (queue == QUEUES_NONE)
        return false;
    const uint64_t *counts = queues_peek(queues, queue)->counts;
    return counts[JOB_RETRYING] + counts[JOB_SCHEDULED] > 0;
}

static struct id free_id(const struct core *core, struct now now, uint64_t hash)
{
    struct id id;
    do {
        hash = prng_mix(hash + 1);
        id = id_v7(now.store, 0, hash);
    } while (operations_find(&core->ledger.operations, &id) != OPERATIONS_NONE);
    return id;
}

// What waits for the endpoint waits for what its former url has answered, and is run now. Where there
// is no place for one operation more, it goes on waiting.
static void free_waiting(struct core *core, struct now now, const struct msg_webhook_set *set,
                         struct effects *fx)
{
    struct msg_operate *act = arena_take(fx->arena, sizeof *act);
    uint8_t *tag = arena_take(fx->arena, MSG_TAG_LEN_MAX);
    CHECK(act != NULL && tag != NULL);
    *act = (struct msg_operate){.kind = ACT_RUN_NOW,
                                .operation_id = free_id(core, now, core->ledger.row.job_no_next),
                                .tenant = set->tenant,
                                .actor = set->actor,
                                .filter = {.states = 1u << JOB_RETRYING | 1u << JOB_SCHEDULED,
                                           .queue = slice_of_text(HOOK_QUEUE),
                                           .tag = deliver_tag(set->given.webhook_id, tag)}};
    (void)operation_start(core, now, act, fx);
}

// One that is off would only let them die.
static bool moves(const struct endpoint_row *row, const struct msg_webhook_set *set)
{
    return set->act == WEBHOOK_SET && row->given.url.len > 0 && is_of_another(row, set) &&
           !row->is_disabled;
}

static void change(struct core *core, struct now now, const struct msg_webhook_set *set,
                   uint32_t no, struct effects *fx)
{
    const struct endpoints *endpoints = &core->ledger.endpoints;
    if (no != ENDPOINTS_NONE && is_so_already(endpoints_at(endpoints, no), set))
        return;
    bool frees = no != ENDPOINTS_NONE && moves(endpoints_at(endpoints, no), set) &&
                 has_waiting(core, set->tenant);
    apply(core, now, set, fx);
    if (frees)
        free_waiting(core, now, set, fx);
}

void endpoint_step(struct core *core, struct now now, uint32_t peer, const struct msg *msg,
                   struct effects *fx)
{
    const struct msg_webhook_set *set = &msg->webhook_set;
    const struct endpoints *endpoints = &core->ledger.endpoints;
    struct msg_webhook_status_is answer = {0};
    uint32_t no = endpoints_find(endpoints, set->tenant, set->given.webhook_id);
    answer.error = refusal(core, set, no, &answer.detail);
    if (answer.error == OK && set->act == WEBHOOK_TEST)
        answer.error = try_it(core, now, set, &answer.detail, fx);
    else if (answer.error == OK)
        change(core, now, set, no, fx);
    no = endpoints_find(endpoints, set->tenant, set->given.webhook_id);
    if (answer.error == OK)
        answer.detail = (struct slice){0};
    if (answer.error == OK && no != ENDPOINTS_NONE) {
        const struct endpoint_row *row = endpoints_at(endpoints, no);
        answer.signs = set->secret.len > 0 && slice_equal(row->secret, set->secret);
        answer.webhooks = line_of(core, no, now.store, fx);
        answer.count = 1;
    }
    effects_send(fx, peer, MSG_WEBHOOK_STATUS_IS, msg->corr)->webhook_status_is = answer;
}
