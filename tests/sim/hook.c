// Webhooks: clients want ends of jobs and batches told, and for each such end there is one delivery,
// accepted in the step that ends the job or makes the batch, and none without. The ledger's entries
// alone say what has ended; a batch of commands is durable as a whole, so a crash leaves both or none.

#include "proto/labels.h"
#include "tests/sim/sim.h"

// To a url, or to an endpoint by name, which may not be there.
static bool has_url(struct sim *sim, struct slice *out_endpoint)
{
    bool is_named = plan_optional(sim, 30);
    *out_endpoint = (struct slice){0};
    if (is_named)
        *out_endpoint = slice_of_text(endpoint_ids[world_below(sim, SIM_ENDPOINT_IDS)]);
    return !is_named || world_chance(sim, 30); // which signs for the url
}

void hook_want(struct sim *sim, struct msg_submit_job *job)
{
    if (!sim->has_hooks)
        return;
    if (plan_optional(sim, 40)) {
        job->webhook = slice_of_text("the broker does not look into it here");
        job->webhook_events = (1 + (uint32_t)world_below(sim, 15)) << JOB_SUCCEEDED;
        if (world_chance(sim, 50))
            job->webhook_events |= WEBHOOK_PROGRESS;
        if (world_chance(sim, 10))
            job->webhook_events = WEBHOOK_PROGRESS;
        job->webhook_has_url = has_url(sim, &job->webhook_endpoint);
    }
    if (!id_is_zero(&job->batch_id) && plan_optional(sim, 60)) {
        job->batch_webhook = slice_of_text("nor into this");
        job->batch_webhook_has_url = has_url(sim, &job->batch_webhook_endpoint);
    }
}

bool hook_is_delivery(const struct entry *entry)
{
    return entry->kind == ENTRY_SUBMIT && msg_hook_is_reserved(entry->submit.job->queue);
}

// The tenant is borrowed from the tables of the broker's life that made the delivery.
static const struct msg_submit_job *kept(struct sim *sim, const struct msg_submit_job *job)
{
    struct msg_submit_job *copy = arena_take(&sim->arena, sizeof *copy);
    struct id *parents = arena_take_array(&sim->arena, job->after.count, sizeof *parents);
    SIM_EXPECT(copy != NULL && parents != NULL, "room for deliveries");
    memcpy(parents, job->after.items, job->after.count * sizeof *parents);
    *copy = *job;
    copy->after.items = parents;
    copy->tenant = shell_keep_text(sim, job->tenant);
    copy->payload.bytes = shell_keep_text(sim, job->payload.bytes);
    copy->labels = shell_keep_text(sim, job->labels);
    return copy;
}

// The same of an act on many that nobody has asked for by itself.
static const struct msg_operate *kept_operate(struct sim *sim, const struct msg_operate *asked)
{
    struct msg_operate *copy = arena_take(&sim->arena, sizeof *copy);
    SIM_EXPECT(copy != NULL, "room for acts on many");
    *copy = *asked;
    copy->tenant = shell_keep_text(sim, asked->tenant);
    copy->filter.tag = shell_keep_text(sim, asked->filter.tag);
    return copy;
}

void hook_keep(struct sim *sim, struct effects *fx, uint32_t first_entry)
{
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        if (fx->entries[i].kind == ENTRY_OPERATE)
            fx->entries[i].operate.asked = kept_operate(sim, fx->entries[i].operate.asked);
        if (!hook_is_delivery(&fx->entries[i]))
            continue;
        const struct msg_submit_job *made = fx->entries[i].submit.job;
        const struct msg_submit_job *copy = kept(sim, made);
        fx->entries[i].submit.job = copy;
        for (uint32_t at = 0; at < fx->write_count; at++) {
            struct write *write = &fx->writes[at];
            if (write->kind == WRITE_BODY && write->body.job == made)
                write->body.job = copy;
            if (write->kind == WRITE_DEP && write->dep.parents.items == made->after.items)
                write->dep.parents = copy->after;
        }
    }
}

// --- what is expected ---

// Deliveries of this step.
struct step {
    struct sim *sim;
    const struct effects *fx;
    uint32_t first_entry;
    uint32_t expected;
};

// What is to be told of a job or a batch.
struct news {
    const struct id *about;
    const char *event;
    const char *rule;
};

// "endpoint:" and the id of whom it goes to, where it goes to an endpoint.
static bool is_marked(const struct msg_submit_job *job, struct slice name)
{
    char tag[MSG_TAG_LEN_MAX + 1];
    (void)snprintf(tag, sizeof tag, "endpoint:%.*s", (int)name.len, (const char *)name.data);
    return name.len == 0 || labels_has_tag(job->labels, slice_of_text(tag));
}

// One delivery tells this endpoint of it, or whom the job or the batch itself says when there is none.
static void expect(struct step *step, const struct news *news, const struct seen_endpoint *endpoint)
{
    char text[64];
    struct slice name = endpoint != NULL ? endpoint->given.webhook_id : (struct slice){0};
    (void)snprintf(text, sizeof text, "{\"event\":\"%s\"%s%.*s%s}", news->event,
                   endpoint != NULL ? ",\"endpoint\":\"" : "", (int)name.len,
                   (const char *)name.data, endpoint != NULL ? "\"" : "");
    uint32_t count = 0;
    for (uint32_t i = step->first_entry; i < step->fx->entry_count; i++) {
        const struct entry *entry = &step->fx->entries[i];
        if (!hook_is_delivery(entry) || entry->submit.job->after.count != 1)
            continue;
        const struct msg_submit_job *job = entry->submit.job;
        count += id_equal(&job->after.items[0], news->about) &&
                 slice_is_text(job->payload.bytes, text) && is_marked(job, name);
    }
    SIM_EXPECT(count == 1, news->rule);
    step->expected++;
}

static bool ends(const struct entry *entry)
{
    return entry->kind == ENTRY_FINISH || entry->kind == ENTRY_LEASE_END ||
           entry->kind == ENTRY_EXPIRE ||
           (entry->kind == ENTRY_CANCEL && !entry->cancel.is_request);
}

static const char *event_of(enum job_state state)
{
    static const char *const events[JOB_STATES] = {[JOB_SUCCEEDED] = "job.succeeded",
                                                   [JOB_DEAD] = "job.dead",
                                                   [JOB_CANCELLED] = "job.cancelled",
                                                   [JOB_EXPIRED] = "job.expired"};
    return events[state];
}

// Who wanted it when the job was accepted may want it no longer, be off, or have gone.
const struct seen_endpoint *hook_hearer(const struct sim *sim, uint32_t birth, enum job_state state)
{
    const struct seen_endpoint *endpoint = watch_endpoint_of(sim, birth);
    if (endpoint == NULL)
        watch_seen(SEEN_HOOK_GONE);
    if (endpoint == NULL || (endpoint->given.events >> state & 1) == 0)
        return NULL;
    if (endpoint->is_disabled)
        watch_seen(SEEN_HOOK_OFF);
    return endpoint->is_disabled ? NULL : endpoint;
}

static void expect_of_job(struct step *step, const struct entry *entry)
{
    struct sim *sim = step->sim;
    const struct seen_state *state = watch_state_of(sim, &entry->job_id);
    if (!ends(entry) || !job_is_done(state->state))
        return;
    const struct news news = {&entry->job_id, event_of(state->state),
                              "an end that is told brings one delivery to each that is told of it, "
                              "in the same step"};
    const struct seen_endpoint *own = NULL;
    if ((state->events >> state->state & 1) != 0) {
        own = watch_endpoint_of(sim, state->hearers.own);
        expect(step, &news, own);
        watch_seen(own != NULL ? SEEN_HOOK_NAMED : SEEN_HOOK_TOLD);
    }
    for (uint32_t i = 0; i < state->hearers.count; i++) {
        const struct seen_endpoint *endpoint =
            hook_hearer(sim, state->hearers.births[i], state->state);
        if (endpoint == NULL || endpoint == own) {
            if (endpoint != NULL)
                watch_seen(SEEN_HOOK_ONCE);
            continue;
        }
        expect(step, &news, endpoint);
        watch_seen(SEEN_HOOK_ENDPOINT);
    }
}

// The first job of a batch is the one that no batch row knew before; its row is made now.
static bool makes_batch(const struct sim *sim, const struct entry *entry)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    const struct msg_submit_job *job = entry->submit.job;
    uint32_t slot = jobs_find(&ledger->jobs, &entry->job_id);
    if (id_is_zero(&job->batch_id) || slot == JOBS_NONE)
        return false;
    uint32_t batch = batches_find(&ledger->batches, job->tenant, &job->batch_id);
    return batch != BATCHES_NONE &&
           batches_at(&ledger->batches, batch)->row.first_no == jobs_at(&ledger->jobs, slot)->no;
}

// Whoever is off will be looked at when it has ended.
static void expect_of_batch(struct step *step, const struct entry *entry)
{
    struct sim *sim = step->sim;
    const struct msg_submit_job *job = entry->submit.job;
    if (!makes_batch(sim, entry))
        return;
    const struct news news = {
        &job->batch_id, "batch.finished",
        "a batch brings one delivery to each that is told of it, made with its "
        "first member"};
    uint32_t own = 0;
    if (job->batch_webhook.len > 0) {
        expect(step, &news, NULL);
        watch_seen(SEEN_HOOK_BATCH);
        if (!job->batch_webhook_has_url)
            own = watch_endpoint_named(sim, job->tenant, job->batch_webhook_endpoint);
    }
    struct seen_hearers hearers = watch_endpoint_wanting(sim, job, WEBHOOK_BATCH_FINISHED);
    for (uint32_t i = 0; i < hearers.count; i++) {
        if (hearers.births[i] == own)
            continue;
        expect(step, &news, watch_endpoint_of(sim, hearers.births[i]));
        watch_seen(SEEN_HOOK_BATCH_ENDPOINT);
    }
}

void hook_step(struct sim *sim, const struct effects *fx, uint32_t first_entry)
{
    struct step step = {.sim = sim, .fx = fx, .first_entry = first_entry};
    uint32_t found = 0;
    for (uint32_t i = first_entry; i < fx->entry_count; i++) {
        const struct entry *entry = &fx->entries[i];
        found += hook_is_delivery(entry) && !entry->submit.job->tells;
        expect_of_job(&step, entry);
        if (entry->kind == ENTRY_SUBMIT && !hook_is_delivery(entry))
            expect_of_batch(&step, entry);
    }
    SIM_EXPECT(found == step.expected, "no delivery comes without an end that is told");
    SIM_EXPECT(fx->changed_count <= fx->load, "no command changes more jobs than it weighs");
    const struct ledger *ledger = &sim->shell.core->ledger;
    SIM_EXPECT(ledger->jobs.count + ledger->hooked <= ledger->jobs.cap &&
                   ledger->deps.count + ledger->hooked <= ledger->deps.cap,
               "each delivery to come has its place");
}

// --- who is to be told ---

void hook_entry(struct sim *sim, const struct entry *entry)
{
    if (entry->kind != ENTRY_SUBMIT)
        return;
    const struct msg_submit_job *job = entry->submit.job;
    struct seen_state *state = watch_state_of(sim, &entry->job_id);
    state->events = job->webhook_events;
    state->hearers = (struct seen_hearers){0};
    if (hook_is_delivery(entry))
        return;
    state->hearers = watch_endpoint_wanting(sim, job, HOOK_EVENTS);
    if (job->webhook_events != 0 && !job->webhook_has_url) {
        state->hearers.own = watch_endpoint_named(sim, job->tenant, job->webhook_endpoint);
        SIM_EXPECT(state->hearers.own != 0, "a job names an endpoint that is there");
    }
}

void hook_restore(struct sim *sim, const struct entry *entry)
{
    if (entry->kind == ENTRY_SUBMIT && model_find(&sim->store, &entry->job_id) != NULL)
        hook_entry(sim, entry);
}
