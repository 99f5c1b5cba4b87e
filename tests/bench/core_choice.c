// What it costs to hand out a job when very many concurrency keys wait: nanoseconds for a finish,
// a submission in its place, the choice of the next job and its grant, in a core whose workers are
// full. A key has one job running at most, so each finish lets a key return, and each grant takes
// one away.
//   core_choice [rounds]
// One line of JSON for each number of keys, and one for as many jobs without keys. Fails when
// 100,000 keys cost more than four times what 1,000 cost: a search would cost a hundred times.

#include "lib/base/prng.h"
#include "tests/support/bare_core.h"

#include <stdio.h>
#include <time.h>

enum { SLOTS = 256, JOBS_PER_KEY = 2 };

static struct msg_submit_job jobs[SLOTS];
static struct msg_finish_job finishes[SLOTS];
static struct id held[SLOTS];
static uint64_t tokens[SLOTS];
static uint64_t keys[SLOTS]; // of the held jobs, + 1; 0: none
static uint64_t job_count;
static uint64_t key_of[1u << 20]; // of jobs, by the number within this run

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// The number within the run is in the id.
static struct msg_submit_job job_of(uint64_t key, when_ms now)
{
    uint64_t no = job_count++ % (sizeof key_of / sizeof key_of[0]);
    key_of[no] = key;
    return (struct msg_submit_job){.job_id = id_v7(now, 1, prng_mix(no) << 20 | no),
                                   .queue = slice_of_text("default"),
                                   .type = slice_of_text("resize"),
                                   .priority = (uint8_t)(no % 10),
                                   .concurrency_key = slice_of_text(key > 0 ? "k" : ""),
                                   .key_hash = key,
                                   .fingerprint = no};
}

static uint64_t number_in(const struct id *id)
{
    uint64_t no = 0;
    for (unsigned i = 13; i < 16; i++)
        no = no << 8 | id->bytes[i];
    return no & ((1u << 20) - 1);
}

static void submit(struct bare_core *bare, uint32_t count)
{
    struct msg msg = {.kind = MSG_SUBMIT, .submit = {.jobs = jobs, .count = count}};
    bare_say(bare, 1, &msg);
}

static void fill(struct bare_core *bare, uint32_t key_count, bool is_keyed)
{
    for (uint64_t done = 0; done < (uint64_t)key_count * JOBS_PER_KEY;) {
        uint32_t count = 0;
        for (; count < SLOTS && done < (uint64_t)key_count * JOBS_PER_KEY; done++)
            jobs[count++] = job_of(is_keyed ? 1 + done % key_count : 0, bare->now.store);
        submit(bare, count);
        bare_close(bare);
        effects_reset(&bare->fx);
    }
}

// Each grant takes the place of a job that has just ended.
static void take(const struct effects *fx, uint32_t expected)
{
    CHECK(fx->grant_count == expected);
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        held[i] = fx->grants[i].job.job_id;
        tokens[i] = fx->grants[i].job.token;
        keys[i] = key_of[number_in(&held[i])];
    }
}

static void begin(struct bare_core *bare)
{
    static const struct slice type = {.data = (const uint8_t *)"resize", .len = 6};
    struct msg hello = {.kind = MSG_HELLO, .hello = {.role = ROLE_WORKER, .session = 1}};
    hello.hello.worker_id.bytes[0] = 1;
    struct msg ready = {.kind = MSG_READY,
                        .ready = {.types = &type, .type_count = 1, .slots = SLOTS}};
    bare_say(bare, 2, &hello);
    bare_say(bare, 2, &ready);
    bare_close(bare);
    take(&bare->fx, SLOTS);
    effects_reset(&bare->fx);
}

static void turn(struct bare_core *bare)
{
    for (uint32_t i = 0; i < SLOTS; i++) {
        finishes[i] = (struct msg_finish_job){
            .job_id = held[i], .token = tokens[i], .outcome = OUTCOME_SUCCEEDED};
        jobs[i] = job_of(keys[i], bare->now.store);
    }
    bare->now.store++;
    struct msg finish = {.kind = MSG_FINISH, .finish = {.jobs = finishes, .count = SLOTS}};
    bare_say(bare, 2, &finish);
    submit(bare, SLOTS);
    bare_close(bare);
    take(&bare->fx, SLOTS);
    effects_reset(&bare->fx);
}

static double measure(uint32_t key_count, bool is_keyed, uint32_t rounds)
{
    struct limits limits = limits_default();
    limits.job_count_max = key_count * JOBS_PER_KEY + 4 * SLOTS;
    limits.concurrency_key_count_max = key_count;
    limits.changed_count_max = 2 * BARE_BATCH;
    struct bare_core bare;
    bare_open(&bare, &limits);
    job_count = 0;
    fill(&bare, key_count, is_keyed);
    begin(&bare);
    for (uint32_t i = 0; i < rounds / 4; i++)
        turn(&bare); // warms up
    uint64_t before = now_ns();
    for (uint32_t i = 0; i < rounds; i++)
        turn(&bare);
    double ns = (double)(now_ns() - before) / ((double)rounds * SLOTS);
    core_audit(bare.core);
    bare_end(&bare);
    printf("{\"keys\": %u, \"jobs\": %u, \"ns_a_job\": %.0f}\n", is_keyed ? key_count : 0,
           key_count * JOBS_PER_KEY, ns);
    return ns;
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    static const uint32_t counts[] = {1000, 10000, 100000};
    double first = 0;
    double last = 0;
    for (unsigned i = 0; i < 3; i++) {
        (void)measure(counts[i], false, rounds);
        last = measure(counts[i], true, rounds);
        first = i == 0 ? last : first;
    }
    return last <= 4 * first ? 0 : 1;
}
