// Peers that say anything in any order: random sequences of well-formed messages, with foreign and
// stale tokens, huge credit, double greetings and other tenants' jobs. Nothing may break: the core's
// own checks, the auditor of its memory, and these rules:
//   - a job is given only to a worker of its tenant that has greeted and is still there;
//   - a finish is accepted only from a worker, for a token that was given out for this job to its tenant;
//   - accepted = the jobs in all states;
//   - only workers are asked about dry runs.
// WEFT_EVIL_SEQUENCES=1000000 asks for more of them (make prove).
// links: weft_proto

#include "broker/core/simulations.h"
#include "lib/base/prng.h"
#include "proto/check.h"
#include "tests/support/bare_core.h"
#include "tests/support/test.h"

enum {
    PEERS = 6,       // numbers 1 to PEERS
    TENANTS = 3,     // of peer p: p % TENANTS
    JOBS_KEPT = 256, // ids that are used again
    GRANTS_KEPT = 4096,
    STEPS_MAX = 12,
    SEQUENCES = 100000,
    AUDIT_EVERY = 500,
};

static const char *const tenants[TENANTS] = {"", "acme", "other"};

struct given {
    uint64_t token;
    struct id job_id;
    uint32_t tenant;
};

struct scene {
    struct bare_core bare;
    struct prng prng;
    bool is_here[PEERS + 1];
    uint32_t worker[PEERS + 1]; // place of the id it has greeted with; 0: no worker
    struct id jobs[JOBS_KEPT];
    uint32_t tenant_of[JOBS_KEPT];
    uint64_t job_count;
    struct given given[GRANTS_KEPT];
    uint64_t given_count;
    struct msg_submit_job submits[4];
    struct msg_finish_job finishes[4];
    struct msg_held held[4];
    struct slice types[2];
    uint64_t finished_count, refused_count, granted_count;
    uint64_t simulated_count, told_count; // dry runs that a worker was asked about, and answered
};

static uint64_t below(struct scene *scene, uint64_t bound)
{
    return prng_below(&scene->prng, bound);
}

static struct id worker_id(uint32_t place)
{
    struct id id = {{0}};
    id.bytes[0] = 0x77;
    id.bytes[15] = (uint8_t)place;
    return id;
}

static struct slice tenant_of(uint32_t peer)
{
    return slice_of_text(tenants[peer % TENANTS]);
}

// Mostly of a job that was given to somebody, sometimes with a token of nobody's.
static struct msg_held any_held(struct scene *scene)
{
    uint64_t kept = scene->given_count < GRANTS_KEPT ? scene->given_count : GRANTS_KEPT;
    struct msg_held held = {.token = below(scene, UINT64_MAX)};
    held.job_id.bytes[0] = 1;
    if (kept == 0 || below(scene, 8) == 0)
        return held;
    // The latest ones are more likely to be open.
    uint64_t back = below(scene, below(scene, 2) == 0 ? 1 + (kept - 1) / 64 : kept);
    const struct given *given = &scene->given[(scene->given_count - 1 - back) % GRANTS_KEPT];
    held = (struct msg_held){.job_id = given->job_id, .token = given->token};
    if (below(scene, 8) == 0)
        held.token += below(scene, 3) - 1;
    return held;
}

static struct msg_held_list any_list(struct scene *scene)
{
    uint32_t count = (uint32_t)below(scene, 4);
    for (uint32_t i = 0; i < count; i++)
        scene->held[i] = any_held(scene);
    return (struct msg_held_list){.items = scene->held, .count = count};
}

static struct msg any_hello(struct scene *scene, uint32_t peer)
{
    struct msg msg = {.kind = MSG_HELLO,
                      .hello = {.role = below(scene, 4) == 0 ? ROLE_CLIENT : ROLE_WORKER,
                                .worker_id = worker_id((uint32_t)below(scene, 4)),
                                .session = 1 + below(scene, 3),
                                .name = slice_of_text("evil"),
                                .running = any_list(scene)}};
    if (below(scene, 16) == 0)
        msg.hello.worker_id = (struct id){{0}};
    bool is_worker = msg.hello.role == ROLE_WORKER && !id_is_zero(&msg.hello.worker_id);
    scene->worker[peer] = is_worker ? 1u + msg.hello.worker_id.bytes[15] : 0;
    return msg;
}

static struct msg any_submit(struct scene *scene, uint32_t peer)
{
    uint32_t count = 1 + (uint32_t)below(scene, 4);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t no = scene->job_count++;
        bool is_again = no > JOBS_KEPT && below(scene, 4) == 0;
        uint64_t place = is_again ? below(scene, JOBS_KEPT) : no % JOBS_KEPT;
        if (!is_again) {
            scene->jobs[place] = id_v7(scene->bare.now.store, 1, prng_mix(no) << 20 | no);
            scene->tenant_of[place] = TENANTS;
        }
        scene->submits[i] = (struct msg_submit_job){.job_id = scene->jobs[place],
                                                    .tenant = tenant_of(peer),
                                                    .queue = slice_of_text("default"),
                                                    .type = slice_of_text(no % 2 ? "a" : "b"),
                                                    .priority = (uint8_t)(no % 10),
                                                    .max_attempts = 1 + (uint32_t)below(scene, 3),
                                                    .fingerprint = below(scene, 2)};
        if (below(scene, 2) == 0) {
            scene->submits[i].batch_id = (struct id){{1 + (uint8_t)below(scene, 6)}};
            scene->submits[i].batch_fingerprint = below(scene, 3);
        }
    }
    bool is_dry = count == 1 && below(scene, 2) == 0;
    return (struct msg){.kind = MSG_SUBMIT,
                        .submit = {.jobs = scene->submits,
                                   .count = count,
                                   .is_atomic = !is_dry && below(scene, 3) == 0,
                                   .dry_run = is_dry}};
}

static struct msg any_finish(struct scene *scene)
{
    uint32_t count = 1 + (uint32_t)below(scene, 4);
    for (uint32_t i = 0; i < count; i++) {
        struct msg_held held = any_held(scene);
        scene->finishes[i] =
            (struct msg_finish_job){.job_id = held.job_id,
                                    .token = held.token,
                                    .outcome = (enum outcome)(1 + below(scene, OUTCOMES - 1)),
                                    .retry_after_ms = (uint32_t)below(scene, 100)};
    }
    return (struct msg){.kind = MSG_FINISH, .finish = {.jobs = scene->finishes, .count = count}};
}

static struct msg any_ready(struct scene *scene)
{
    static const uint32_t slots[] = {0, 1, 2, 64, CHECK_SLOTS_MAX, CHECK_SLOTS_MAX + 1, UINT32_MAX};
    scene->types[0] = slice_of_text("a");
    scene->types[1] = slice_of_text(below(scene, 2) ? "b" : "a");
    return (struct msg){.kind = MSG_READY,
                        .ready = {.types = scene->types,
                                  .type_count = (uint32_t)below(scene, 3),
                                  .simulates = scene->types,
                                  .simulate_count = (uint32_t)below(scene, 3),
                                  .simulation_slots = slots[1 + below(scene, 4)],
                                  .slots = slots[below(scene, sizeof slots / sizeof *slots)]}};
}

// Numbers that were asked lately, will be, or never are.
static struct msg any_simulated(struct scene *scene)
{
    uint64_t base = below(scene, 8) == 0 ? 0 : SIMULATIONS_NO_BASE;
    return (struct msg){.kind = MSG_SIMULATED,
                        .corr = base + scene->simulated_count + below(scene, 4) - 2,
                        .simulated = {.ok = below(scene, 2) == 0}};
}

static struct msg any_act(struct scene *scene, uint32_t peer)
{
    static const enum act_kind kinds[] = {ACT_CANCEL, ACT_RETRY, ACT_RUN_NOW};
    struct msg msg = {.kind = MSG_ACT,
                      .act = {.kind = kinds[below(scene, 3)],
                              .tenant = tenant_of(peer),
                              .job_id = scene->jobs[below(scene, JOBS_KEPT)]}};
    msg.act.act_id.bytes[0] = (uint8_t)(1 + below(scene, 3));
    return msg;
}

// As intake does: what the rules of fields refuse never reaches the core.
static bool is_sound(const struct msg *msg)
{
    const char *detail = NULL;
    if (msg->kind == MSG_READY)
        return check_ready(&msg->ready, ROLE_WORKER, &detail) == OK;
    if (msg->kind == MSG_FINISH)
        return check_finish(&msg->finish, &detail) == OK;
    return msg->kind != MSG_ACT || check_act(&msg->act, &detail) == OK;
}

static struct msg any_message(struct scene *scene, uint32_t peer)
{
    switch (below(scene, 11)) {
    case 0: return any_hello(scene, peer);
    case 1: return any_ready(scene);
    case 2:
    case 3: return any_submit(scene, peer);
    case 4: return any_finish(scene);
    case 5: return (struct msg){.kind = MSG_RENEW, .renew = {.running = any_list(scene)}};
    case 6: return any_act(scene, peer);
    case 7:
    case 8:
    case 9: return any_simulated(scene);
    default: return any_finish(scene);
    }
}

// --- the rules ---

static bool was_given(const struct scene *scene, const struct msg_finished_job *said, uint32_t peer)
{
    uint64_t kept = scene->given_count < GRANTS_KEPT ? scene->given_count : GRANTS_KEPT;
    for (uint64_t back = 0; back < kept; back++) {
        const struct given *given = &scene->given[(scene->given_count - 1 - back) % GRANTS_KEPT];
        if (given->token == said->token)
            return id_equal(&given->job_id, &said->job_id) && given->tenant == peer % TENANTS &&
                   scene->worker[peer] != 0;
    }
    return false;
}

// A job is of whoever was told that it is new.
static void take_submitted(struct scene *scene, const struct send *send)
{
    for (uint32_t i = 0; i < send->msg.submitted.count; i++) {
        const struct msg_submitted_job *said = &send->msg.submitted.jobs[i];
        for (uint32_t at = 0; at < JOBS_KEPT && said->error == OK && !said->replayed; at++) {
            if (id_equal(&scene->jobs[at], &said->job_id))
                scene->tenant_of[at] = send->peer % TENANTS;
        }
    }
}

static void judge_answer(struct scene *scene, const struct send *send)
{
    bool is_dry = send->msg.kind == MSG_SUBMITTED && send->msg.submitted.forecast_count > 0;
    if (send->msg.kind == MSG_SUBMITTED && !is_dry)
        take_submitted(scene, send);
    if (is_dry)
        scene->told_count += send->msg.submitted.forecasts->simulation == SIMULATION_OK;
    if (send->msg.kind == MSG_SIMULATE) {
        scene->simulated_count++;
        EXPECT(send->peer >= 1 && send->peer <= PEERS && scene->worker[send->peer] != 0);
    }
    if (send->msg.kind != MSG_FINISHED)
        return;
    for (uint32_t i = 0; i < send->msg.finished.count; i++) {
        const struct msg_finished_job *said = &send->msg.finished.jobs[i];
        scene->finished_count += said->error == OK;
        scene->refused_count += said->error != OK;
        EXPECT(said->error != OK || was_given(scene, said, send->peer));
    }
}

static uint32_t tenant_of_job(const struct scene *scene, const struct id *id)
{
    for (uint32_t i = 0; i < JOBS_KEPT; i++) {
        if (id_equal(&scene->jobs[i], id))
            return scene->tenant_of[i];
    }
    return TENANTS; // forgotten here
}

static void judge_grants(struct scene *scene)
{
    const struct effects *fx = &scene->bare.fx;
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        const struct grant_send *grant = &fx->grants[i];
        uint32_t tenant = tenant_of_job(scene, &grant->job.job_id);
        EXPECT(grant->peer >= 1 && grant->peer <= PEERS && scene->is_here[grant->peer]);
        EXPECT(scene->worker[grant->peer] != 0);
        EXPECT(tenant == TENANTS || tenant == grant->peer % TENANTS);
        scene->granted_count++;
        scene->given[scene->given_count++ % GRANTS_KEPT] =
            (struct given){.token = grant->job.token,
                           .job_id = grant->job.job_id,
                           .tenant = grant->peer % TENANTS};
    }
}

static void judge_counts(const struct scene *scene)
{
    struct core_figures figures;
    core_figures(scene->bare.core, &figures);
    uint64_t found = 0;
    for (uint32_t state = 0; state < JOB_STATES; state++)
        found += figures.ledger.counts[state];
    EXPECT_EQ(found, figures.ledger.accepted);
}

// --- a sequence ---

static void end_batch(struct scene *scene)
{
    bare_close(&scene->bare);
    for (uint32_t i = 0; i < scene->bare.fx.send_count; i++)
        judge_answer(scene, &scene->bare.fx.sends[i]);
    judge_grants(scene);
    effects_reset(&scene->bare.fx);
}

static void say(struct scene *scene, uint32_t peer, struct msg *msg)
{
    if (!scene->is_here[peer] && msg->kind != MSG_HELLO)
        return; // answered with unknown-peer by the shell
    if (!is_sound(msg))
        return;
    scene->is_here[peer] = true;
    if (msg->kind != MSG_SIMULATED)
        msg->corr = 1 + below(scene, 1000);
    msg->tenant = tenant_of(peer);
    bare_say(&scene->bare, peer, msg);
}

static void run_sequence(struct scene *scene)
{
    uint64_t steps = 1 + below(scene, STEPS_MAX);
    for (uint64_t i = 0; i < steps; i++) {
        uint32_t peer = 1 + (uint32_t)below(scene, PEERS);
        struct msg msg = any_message(scene, peer);
        if (below(scene, 24) == 0 && scene->is_here[peer]) {
            struct command gone = {.kind = COMMAND_GONE, .peer = peer};
            core_step(scene->bare.core, scene->bare.now, &gone, &scene->bare.fx);
            scene->is_here[peer] = false;
            scene->worker[peer] = 0;
        } else {
            say(scene, peer, &msg);
        }
        end_batch(scene);
    }
    when_ms passed = (when_ms)below(scene, 4) * (when_ms)below(scene, 2000);
    scene->bare.now.mono += passed;
    scene->bare.now.store += passed;
    struct command tick = {.kind = COMMAND_TICK};
    core_step(scene->bare.core, scene->bare.now, &tick, &scene->bare.fx);
    end_batch(scene);
}

TEST(evil, random_sequences_break_nothing)
{
    static struct scene scene;
    const char *wanted = getenv("WEFT_EVIL_SEQUENCES");
    uint64_t count = wanted != NULL ? strtoull(wanted, NULL, 10) : SEQUENCES;
    struct limits limits = limits_default();
    limits.job_count_max = 2048; // full now and then
    limits.lease_ms = 3000;
    scene = (struct scene){.prng = prng_of(test_seed())};
    bare_open(&scene.bare, &limits);
    for (uint64_t i = 0; i < count; i++) {
        run_sequence(&scene);
        if (i % AUDIT_EVERY == 0) {
            core_audit(scene.bare.core);
            judge_counts(&scene);
        }
    }
    core_audit(scene.bare.core);
    judge_counts(&scene);
    // It must have come to something.
    EXPECT(scene.granted_count > count / 10);
    EXPECT(scene.finished_count > count / 50);
    EXPECT(scene.refused_count > count / 10);
    EXPECT(scene.simulated_count > count / 1000 && scene.told_count > 0);
    bare_end(&scene.bare);
}
