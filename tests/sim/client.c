// Clients: they submit, repeat until answered, submit again what they know, and sometimes use a
// key for another body.

#include "lib/sys/mint.h"
#include "tests/sim/sim.h"

void client_init(struct sim *sim)
{
    for (uint32_t i = 0; i < SIM_CLIENTS; i++)
        sim->clients[i] = (struct client){
            .peer = world_new_peer(sim),
            .open_max = world_chance(sim, 30) ? 4 + (uint32_t)world_below(sim, 12) : 0};
    sim->clients[SIM_CLIENTS - 1].tenant = slice_of_text(SIM_TENANT);
}

static struct slice one_of(struct sim *sim, const char *const *names, uint64_t count)
{
    return slice_of_text(names[world_below(sim, count)]);
}

// A key is its tenant's.
static struct id new_id(struct sim *sim, struct slice tenant, bool is_keyed)
{
    if (is_keyed) {
        uint8_t hash[16];
        // Few keys, so that they are used again after their windows.
        uint64_t a = prng_mix(world_below(sim, 60) + 100 * tenant.len);
        memcpy(hash, &a, 8);
        a = prng_mix(a);
        memcpy(hash + 8, &a, 8);
        return id_v8(7, hash);
    }
    when_ms skew = plan_optional(sim, 4) ? -4000 * 1000 : 0;
    return id_v7(sim->now.store + skew, 7, prng_next(&sim->prng));
}

// From the spool of a gateway, where it may have lain for long.
static void spool(struct sim *sim, struct msg_submit_job *job)
{
    job->is_spooled = plan_optional(sim, 10);
    if (job->is_spooled && id_version(&job->job_id) == 7 && world_chance(sim, 50))
        job->job_id = id_v7(sim->now.store - 90000 * 1000, 7, prng_next(&sim->prng));
}

// Another intent that already has this id, or NULL.
static const struct intent *same_id(const struct sim *sim, const struct id *id)
{
    for (uint32_t i = 0; i < sim->intent_count; i++)
        if (id_equal(&sim->intents[i].job.job_id, id) && !sim->intents[i].is_impostor)
            return &sim->intents[i];
    return NULL;
}

// Few keys, so that they are wanted by several at once.
static void want_unique(struct sim *sim, struct msg_submit_job *job)
{
    static const char *const keys[SIM_UNIQUES] = {"a", "b", "c"};
    if (!plan_optional(sim, 25))
        return;
    uint32_t no = (uint32_t)world_below(sim, SIM_UNIQUES);
    job->unique_key = slice_of_text(keys[no]);
    job->unique_for_s = world_chance(sim, 50) ? 1 + (uint32_t)world_below(sim, 6) : 0;
    job->unique_while_unfinished = job->unique_for_s == 0 || world_chance(sim, 50);
}

// Few, so that they have several members.
static struct id some_batch(struct sim *sim)
{
    uint64_t number = prng_mix(1000 + world_below(sim, 10));
    struct id id = {{0}};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

// Of one of two bodies, the second one being the exception; or nobody says of which.
static void want_batch(struct sim *sim, struct msg_submit_job *job)
{
    job->batch_id = some_batch(sim);
    if (plan_optional(sim, 50))
        job->batch_fingerprint = world_chance(sim, 20) ? 2 : 1;
}

// Among the last that were submitted, or one that nobody knows.
static void want_parents(struct sim *sim, struct msg_submit_job *job)
{
    if (sim->intent_count == 0 || !plan_optional(sim, 25))
        return;
    struct id *parents = arena_take_array(&sim->arena, SIM_PARENTS, sizeof *parents);
    SIM_EXPECT(parents != NULL, "the simulator's arena is too small");
    uint32_t count = 0;
    for (uint32_t i = 0; i < SIM_PARENTS; i++) {
        uint32_t back = 1 + (uint32_t)world_below(sim, 12);
        struct id id = back <= sim->intent_count ? sim->intents[sim->intent_count - back].job.job_id
                                                 : id_v7(sim->now.store, 7, back);
        if (i == 0 && world_chance(sim, 30))
            id = some_batch(sim);
        bool is_new = !id_equal(&id, &job->job_id);
        for (uint32_t j = 0; j < count; j++)
            is_new = is_new && !id_equal(&parents[j], &id);
        if (is_new && (i == 0 || world_chance(sim, 50)))
            parents[count++] = id;
    }
    job->after = (struct msg_ids){.items = parents, .count = count};
    if (count > 0)
        job->on_dependency_failure = world_chance(sim, 50) ? ON_FAILURE_CANCEL : ON_FAILURE_RUN;
}

// Few keys here too. The first ones have lines.
static void want_key(struct sim *sim, struct msg_submit_job *job)
{
    if (!plan_optional(sim, 40))
        return;
    uint64_t no = world_below(sim, 5);
    job->concurrency_key = slice_of_text("k");
    job->key_hash = 1 + no;
    if (no < 3 && world_chance(sim, 80))
        job->order = no == 0 ? ORDER_FIFO_SKIP : ORDER_FIFO;
}

static void hash_unique(struct msg_submit_job *job)
{
    struct slice tenant = origin_tenant(job->tenant);
    if (job->unique_key.len > 0)
        job->unique_hash =
            mint_unique(&(struct origin){.tenant = tenant, .queue = job->queue}, job->unique_key);
}

static struct msg_submit_job new_job(struct sim *sim, struct slice tenant)
{
    static const char *const queues[] = {"default", "mail", "slow"};
    static const char *const types[] = {"a", "b", "c"};
    static const uint8_t bytes[64] = {0};
    struct msg_submit_job job = {.job_id = new_id(sim, tenant, world_chance(sim, 50)),
                                 .tenant = tenant,
                                 .queue = one_of(sim, queues, 3),
                                 .type = one_of(sim, types, 3),
                                 .priority = (uint8_t)world_below(sim, 10),
                                 .fingerprint = prng_next(&sim->prng)};
    spool(sim, &job);
    job.payload = (struct body){.content = CONTENT_BYTES,
                                .bytes = slice_of(bytes, 1 + world_below(sim, sizeof bytes - 1))};
    if (plan_optional(sim, 20))
        job.delay_ms = world_below(sim, 5000);
    if (world_chance(sim, 60))
        job.max_attempts = 1 + (uint32_t)world_below(sim, 3);
    if (world_chance(sim, 60))
        job.max_crashes = 1 + (uint32_t)world_below(sim, 3);
    job.retry_first_ms = 200;
    if (plan_optional(sim, 25))
        job.timeout_ms = 200;
    want_unique(sim, &job);
    want_key(sim, &job);
    if (sim->has_queues && plan_optional(sim, 20))
        job.cost = 1 + (uint32_t)world_below(sim, 3);
    hash_unique(&job);
    // Few different ones: each is a set of options of its own.
    if (plan_optional(sim, 15))
        job.ttl_ms = world_chance(sim, 50) ? 300 : 2000;
    if (plan_optional(sim, 10))
        job.retry_within_s = 1;
    static const char *const labels[] = {"\x0a\1r", "\x0a\1g\x0a\1r", "\x12\3\x0a\1r"};
    if (plan_optional(sim, 25))
        job.labels = one_of(sim, labels, 3);
    want_parents(sim, &job);
    if (plan_optional(sim, 20))
        want_batch(sim, &job);
    hook_want(sim, &job);
    return job;
}

// Somebody else's id, and perhaps all that was submitted under it.
static void take_strange_id(const struct sim *sim, struct intent *intent)
{
    for (uint32_t i = sim->intent_count; i-- > 0;) {
        const struct msg_submit_job *job = &sim->intents[i].job;
        if (slice_equal(job->tenant, intent->job.tenant) || id_version(&job->job_id) != 7)
            continue;
        struct slice tenant = intent->job.tenant;
        intent->job = *job;
        intent->job.tenant = tenant;
        hash_unique(&intent->job);
        return;
    }
}

static void add_intent(struct sim *sim, uint32_t client)
{
    if (sim->intent_count == SIM_INTENTS)
        return;
    struct slice tenant = sim->clients[client].tenant;
    struct intent intent = {
        .job = new_job(sim, tenant), .client = client, .corr = ++sim->corr_next};
    const struct intent *twin = same_id(sim, &intent.job.job_id);
    if (twin != NULL) {
        bool other_body = plan_optional(sim, 30);
        uint64_t fingerprint = intent.job.fingerprint;
        intent.job = twin->job;
        intent.is_impostor = other_body;
        if (other_body)
            intent.job.fingerprint = fingerprint;
    }
    if (twin == NULL && plan_optional(sim, 5))
        take_strange_id(sim, &intent);
    intent.job.tenant_open_max = sim->clients[client].open_max;
    sim->intents[sim->intent_count++] = intent;
}

static void say_hello(struct sim *sim, struct client *client)
{
    if (sim->now.mono < client->hello_at || !plan_usual(sim))
        return;
    client->hello_at = sim->now.mono + 500;
    world_send(sim, client->peer, true,
               &(struct msg){.kind = MSG_HELLO,
                             .corr = ++sim->corr_next,
                             .hello = {.role = client == &sim->clients[SIM_GATEWAY] ? ROLE_GATEWAY
                                                                                    : ROLE_CLIENT,
                                       .name = slice_of_text("sim")}});
}

// Of several that are not atomic, one that joins a batch for which another waits is not foreseen.
static bool may_be_partial(const struct msg_submit_job *jobs, uint32_t count)
{
    bool has_batch = false;
    bool waits = false;
    for (uint32_t i = 0; i < count; i++) {
        has_batch = has_batch || !id_is_zero(&jobs[i].batch_id);
        waits = waits || jobs[i].after.count > 0;
    }
    return !has_batch || !waits;
}

// With others that were wanted before, all or none; those are repeated by themselves, too.
static void submit_many(struct sim *sim, const struct client *client, struct intent *intent)
{
    if (intent->atomic_corr == 0)
        intent->atomic_corr = ++sim->corr_next;
    struct msg_submit_job jobs[SIM_ATOMIC] = {intent->job};
    uint32_t count = 1;
    uint32_t upto = (uint32_t)(intent - sim->intents);
    while (count < SIM_ATOMIC && upto > 0 && world_chance(sim, 80)) {
        jobs[count] = sim->intents[--upto].job;
        jobs[count].tenant = client->tenant;
        jobs[count].tenant_open_max = client->open_max;
        hash_unique(&jobs[count++]);
    }
    bool is_dry = world_chance(sim, 30);
    bool is_partial = is_dry && world_chance(sim, 50) && may_be_partial(jobs, count);
    world_send(
        sim, client->peer, true,
        &(struct msg){
            .kind = MSG_SUBMIT,
            .corr = intent->atomic_corr,
            .submit = {.jobs = jobs, .count = count, .is_atomic = !is_partial, .dry_run = is_dry}});
}

// What is stored is said to be another body's.
static void turn_body(struct sim *sim, struct msg_submit_job *job)
{
    if (job->batch_fingerprint != 0 && plan_optional(sim, 30))
        job->batch_fingerprint = 3 - job->batch_fingerprint;
}

static void submit(struct sim *sim, struct client *client, struct intent *intent)
{
    intent->repeat_at = sim->now.mono + 1000;
    if (plan_optional(sim, 15)) {
        submit_many(sim, client, intent);
        return;
    }
    // Doubled inside one message now and then.
    struct msg_submit_job twice[2] = {intent->job, intent->job};
    if (intent->state == INTENT_ACKED)
        turn_body(sim, &twice[0]);
    uint32_t count = plan_optional(sim, 5) ? 2 : 1;
    world_send(sim, client->peer, true,
               &(struct msg){
                   .kind = MSG_SUBMIT,
                   .corr = intent->corr,
                   .submit = {.jobs = twice, .count = count, .dry_run = plan_optional(sim, 10)}});
}

// Said once, and perhaps lost: time seals what nobody has sealed.
static void seal_some(struct sim *sim, const struct client *client)
{
    world_send(sim, client->peer, true,
               &(struct msg){.kind = MSG_BATCH_SEAL,
                             .corr = ++sim->corr_next,
                             .batch_seal = {.batch_id = some_batch(sim)}});
}

// All of them, or a page from anywhere.
static void list_workers(struct sim *sim, const struct client *client)
{
    struct msg_worker_list list = {0};
    if (world_chance(sim, 30))
        list = (struct msg_worker_list){.cursor = world_below(sim, SIM_WORKERS + 1), .limit = 1};
    world_send(
        sim, client->peer, true,
        &(struct msg){.kind = MSG_WORKER_LIST, .corr = ++sim->corr_next, .worker_list = list});
}

void client_turn(struct sim *sim, uint32_t no)
{
    struct client *client = &sim->clients[no];
    if (!client->is_known) {
        say_hello(sim, client);
        return;
    }
    schedule_turn(sim, no);
    queue_turn(sim, no);
    endpoint_turn(sim, no);
    operation_turn(sim, no);
    if (plan_optional(sim, 12))
        add_intent(sim, no);
    for (uint32_t i = 0; i < sim->intent_count; i++) {
        struct intent *intent = &sim->intents[i];
        if (intent->client != no)
            continue;
        bool again =
            intent->state == INTENT_ACKED && world_chance(sim, 1) && plan_optional(sim, 20);
        if ((intent->state == INTENT_OPEN && sim->now.mono >= intent->repeat_at) || again)
            submit(sim, client, intent);
    }
    act_turn(sim, no);
    if (plan_optional(sim, 3))
        seal_some(sim, client);
    if (plan_optional(sim, 1))
        list_workers(sim, client);
}

static struct intent *intent_of(struct sim *sim, uint64_t corr)
{
    for (uint32_t i = 0; i < sim->intent_count; i++)
        if (sim->intents[i].corr == corr || sim->intents[i].atomic_corr == corr)
            return &sim->intents[i];
    return NULL;
}

static bool is_hopeless(const struct sim *sim, const struct msg_submitted_job *answer)
{
    // Lanes are never given back, so a client must give up in the end.
    return sim->is_healed && answer->detail.len > 4 && memcmp(answer->detail.data, "lane", 4) == 0;
}

static void answered(const struct sim *sim, struct intent *intent,
                     const struct msg_submitted_job *answer)
{
    if (answer->error == ERR_PAUSED)
        watch_seen(SEEN_QUEUE_REFUSED);
    if (answer->error == ERR_WEBHOOK)
        watch_seen(SEEN_HOOK_NOBODY);
    if (answer->error == OK) {
        intent->state = INTENT_ACKED;
        return;
    }
    // Of its own it may be accepted.
    if (answer->error == ERR_ATOMIC)
        return;
    if (err_may_retry(answer->error) && !is_hopeless(sim, answer))
        return;
    if (intent->state == INTENT_OPEN)
        intent->state = INTENT_REFUSED;
}

void client_receive(struct sim *sim, uint32_t no, const struct msg *msg)
{
    struct client *client = &sim->clients[no];
    if (msg->kind == MSG_WELCOME)
        client->is_known = true;
    if (msg->kind == MSG_ERROR && msg->error.error == ERR_UNKNOWN_PEER) {
        client->is_known = false;
        watch_seen(SEEN_UNKNOWN_PEER);
    }
    if (msg->kind == MSG_ACTED)
        act_receive(sim, msg);
    if (msg->kind == MSG_OPERATION_IS)
        operation_receive(sim, msg);
    // What is told of a dry run later is no acceptance.
    if (msg->kind != MSG_SUBMITTED || msg->submitted.forecast_count > 0)
        return;
    struct intent *intent = intent_of(sim, msg->corr);
    if (intent != NULL)
        answered(sim, intent, &msg->submitted.jobs[0]);
}
