// Station deliver: a job has ended whose end is told. In the same batch deliveries are accepted, one
// to each that is told, jobs of the reserved queue of the same tenant: they wait for nobody, and keep
// the job that they tell of until they have ended themselves. Their places were kept since that job
// was accepted, so nothing refuses them. Those of a batch are accepted with the batch's first member,
// and wait until it has ended. Those of a job's progress have no place kept for them, and tell of a job
// that has not ended: station progress knows when.
//
//   ended job ──(same batch)──▶ delivery QUEUED ──▶ RUNNING at a notifier ──▶ SUCCEEDED | DEAD
//                                     ▲                    │ fail, snooze
//                                     └──── RETRYING ◀─────┘

#include "broker/core/core_private.h"

#include "lib/base/bytes.h"
#include "lib/base/prng.h"
#include "proto/labels.h"

// What is told, of whom and to whom.
struct telling {
    struct id parent;
    uint64_t generation;
    uint32_t version; // of the parent
    const char *event;
    struct slice endpoint;
    struct slice named; // the endpoint that a batch's own webhook goes to
    struct slice tenant;
    struct slice webhook; // of a batch, which has nowhere else to keep it …
    struct slice trace;   // … nor this one, of the job that makes it
};

static uint64_t hash_of(uint64_t hash, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        hash = prng_mix(hash ^ text.data[i]);
    return hash;
}

// One for each end and each that is told: the id of the job, the number of this generation, the
// version at the end and the endpoint are in it, so it is the same however often this end is decided.
// Another job may have it already.
static struct id id_of(const struct core *core, struct now now, const struct telling *telling)
{
    uint64_t high;
    uint64_t low;
    memcpy(&high, telling->parent.bytes, sizeof high);
    memcpy(&low, telling->parent.bytes + 8, sizeof low);
    uint64_t hash = prng_mix(high ^ prng_mix(low ^ prng_mix(telling->generation)));
    hash = hash_of(hash, telling->endpoint);
    struct id id;
    do {
        hash = prng_mix(hash + telling->version);
        id = id_v7(now.store, id_slot(&telling->parent), hash);
    } while (ledger_lookup(&core->ledger, &id).is_known);
    return id;
}

static const char *event_of(enum job_state state)
{
    switch (state) {
    case JOB_SUCCEEDED: return "job.succeeded";
    case JOB_DEAD: return "job.dead";
    case JOB_CANCELLED: return "job.cancelled";
    case JOB_EXPIRED: return "job.expired";
    case JOB_RUNNING: return "job.progress";
    case JOB_SCHEDULED:
    case JOB_QUEUED:
    case JOB_RETRYING:
    case JOB_REMOVED:
    case JOB_NONE: break;
    }
    UNREACHABLE();
}

struct slice deliver_tag(struct slice endpoint, uint8_t room[MSG_TAG_LEN_MAX])
{
    struct bytes_out out = {.data = room, .cap = MSG_TAG_LEN_MAX};
    bytes_put(&out, (const uint8_t *)HOOK_TAG, strlen(HOOK_TAG));
    size_t left = out.cap - out.len;
    bytes_put(&out, endpoint.data, endpoint.len < left ? endpoint.len : left);
    CHECK(!out.full);
    return slice_of(out.data, out.len);
}

// It lives as long as the batch.
struct delivery {
    struct msg_submit_job job;
    struct id parent;
    uint8_t payload[MSG_NAME_LEN_MAX + 64];
    uint8_t labels[MSG_TAG_LEN_MAX + 2];
};
static_assert(sizeof(struct delivery) <= EFFECTS_DELIVERY_BYTES, "a place in the arena");

static void put(struct bytes_out *out, const char *text)
{
    bytes_put(out, text, strlen(text));
}

// {"event":"job.dead","endpoint":"ops"}: names need no escapes.
static struct slice payload_of(struct delivery *delivery, const char *event, struct slice endpoint)
{
    struct bytes_out out = {.data = delivery->payload, .cap = sizeof delivery->payload};
    put(&out, "{\"event\":\"");
    put(&out, event);
    if (endpoint.len > 0) {
        put(&out, "\",\"endpoint\":\"");
        bytes_put(&out, endpoint.data, endpoint.len);
    }
    put(&out, "\"}");
    CHECK(!out.full);
    return slice_of(out.data, out.len);
}

// So those of one endpoint can be listed, sent again and run now.
static struct slice labels_of(struct delivery *delivery, struct slice endpoint)
{
    uint8_t room[MSG_TAG_LEN_MAX];
    struct bytes_out out = {.data = delivery->labels, .cap = sizeof delivery->labels};
    if (endpoint.len == 0)
        return (struct slice){0};
    const struct labels labels = {.tags = {deliver_tag(endpoint, room)}, .tag_count = 1};
    labels_write(&labels, &out);
    CHECK(!out.full);
    return slice_of(out.data, out.len);
}

static struct delivery *blank(const char *event, struct slice endpoint, struct effects *fx)
{
    struct delivery *delivery = arena_take(fx->arena, sizeof *delivery);
    CHECK(delivery != NULL && endpoint.len <= MSG_NAME_LEN_MAX);
    *delivery = (struct delivery){.job = {.queue = slice_of_text(HOOK_QUEUE),
                                          .type = slice_of_text(HOOK_TYPE),
                                          .priority = MSG_PRIORITY_NOT_GIVEN}};
    delivery->job.payload = (struct body){CONTENT_JSON, payload_of(delivery, event, endpoint)};
    delivery->job.labels = labels_of(delivery, endpoint);
    return delivery;
}

static struct delivery *made(const struct core *core, struct now now, const struct telling *telling,
                             struct effects *fx)
{
    struct delivery *delivery = blank(telling->event, telling->endpoint, fx);
    delivery->parent = telling->parent;
    delivery->job.job_id = id_of(core, now, telling);
    delivery->job.tenant = telling->tenant;
    if (telling->named.len > 0)
        delivery->job.labels = labels_of(delivery, telling->named);
    delivery->job.webhook = telling->webhook;
    delivery->job.traceparent = telling->trace;
    delivery->job.on_dependency_failure = ON_FAILURE_RUN;
    delivery->job.after = (struct msg_ids){.items = &delivery->parent, .count = 1};
    return delivery;
}

static void tell(struct core *core, struct now now, const struct telling *telling,
                 struct effects *fx)
{
    const struct msg_submit_job *delivery = &made(core, now, telling, fx)->job;
    uint32_t added = ledger_apply(
        &core->ledger,
        &(struct entry){.kind = ENTRY_SUBMIT,
                        .at = now.store,
                        .job_id = delivery->job_id,
                        .slot = ENTRY_NO_SLOT,
                        .submit = {.job = delivery,
                                   .policy = ledger_delivery_policy(),
                                   .due_at = now.store,
                                   .waits = ledger_must_wait(&core->ledger, delivery)}},
        fx);
    wait_begin(core, added);
    core->figures.deliveries++;
}

// What is told of the job's state, to one of those that ledger_told() knows.
static struct telling telling_of(const struct core *core, uint32_t slot, uint32_t endpoint)
{
    const struct job *job = jobs_at(&core->ledger.jobs, slot);
    struct telling telling = {.parent = job->id,
                              .generation = job->no,
                              .version = job->version,
                              .event = event_of((enum job_state)job->state),
                              .tenant = lanes_row(&core->ledger.lanes, job->lane).tenant};
    if (endpoint != ENDPOINTS_NONE)
        telling.endpoint = endpoints_at(&core->ledger.endpoints, endpoint)->given.webhook_id;
    return telling;
}

void deliver_end(struct core *core, struct now now, uint32_t slot, struct effects *fx)
{
    uint32_t told[LEDGER_TOLD_MAX];
    enum job_state state = (enum job_state)jobs_at(&core->ledger.jobs, slot)->state;
    if (!job_is_done(state))
        return;
    progress_end(core, now, slot, fx);
    uint32_t count = ledger_told(&core->ledger, slot, state, told);
    for (uint32_t i = 0; i < count; i++) {
        const struct telling telling = telling_of(core, slot, told[i]);
        tell(core, now, &telling, fx);
    }
}

// There is no place for it but those that new jobs may have.
uint32_t deliver_progress(struct core *core, struct now now, const struct deliver_word *word,
                          struct effects *fx)
{
    const struct telling telling = telling_of(core, word->slot, word->endpoint);
    struct delivery *delivery = made(core, now, &telling, fx);
    delivery->job.tells = true;
    delivery->job.priority = MSG_PRIORITY_MAX; // ends go before it
    delivery->job.fingerprint = word->receiver;
    const struct policy policy = ledger_progress_policy();
    const char *detail = NULL;
    if (ledger_refusal(&core->ledger, &delivery->job, &policy, &detail) != OK)
        return JOBS_NONE;
    return ledger_apply(
        &core->ledger,
        &(struct entry){
            .kind = ENTRY_SUBMIT,
            .at = now.store,
            .job_id = delivery->job.job_id,
            .slot = ENTRY_NO_SLOT,
            .submit = {.job = &delivery->job, .policy = policy, .due_at = word->due_at}},
        fx);
}

// One for each that hears of the batch: it waits for all members, and keeps them until it has ended
// itself.
void deliver_batch(struct core *core, struct now now, const struct msg_submit_job *job,
                   const struct ledger_hearers *hearers, struct effects *fx)
{
    uint32_t no = batches_find(&core->ledger.batches, job->tenant, &job->batch_id);
    const struct batch_row *batch = &batches_at(&core->ledger.batches, no)->row;
    for (uint32_t i = 0; i < hearers->count; i++) {
        uint32_t hearer = hearers->numbers[i];
        struct telling telling = {.parent = batch->id,
                                  .generation = batch->first_no,
                                  .event = "batch.finished",
                                  .tenant = job->tenant,
                                  .trace = job->traceparent};
        if (hearer == ENDPOINTS_NONE)
            telling.webhook = job->batch_webhook;
        else
            telling.endpoint = endpoints_at(&core->ledger.endpoints, hearer)->given.webhook_id;
        if (hearer == ENDPOINTS_NONE && !job->batch_webhook_has_url)
            telling.named = job->batch_webhook_endpoint;
        tell(core, now, &telling, fx);
    }
}

const struct msg_submit_job *deliver_test(const struct msg_webhook_set *set, struct effects *fx)
{
    struct delivery *delivery = blank("webhook.test", set->given.webhook_id, fx);
    const struct policy policy = ledger_delivery_policy();
    delivery->job.job_id = set->test_id;
    delivery->job.tenant = set->tenant;
    delivery->job.fingerprint = hash_of(prng_mix(WEBHOOK_TEST), set->given.webhook_id);
    delivery->job.timeout_ms = policy.timeout_ms;
    delivery->job.max_attempts = policy.max_attempts;
    delivery->job.max_crashes = policy.max_crashes;
    delivery->job.retry_first_ms = policy.retry_first_ms;
    delivery->job.retry_longest_ms = policy.retry_longest_ms;
    delivery->job.retry_factor_milli = policy.retry_factor_milli;
    delivery->job.keep_s = policy.keep_s;
    return &delivery->job;
}
