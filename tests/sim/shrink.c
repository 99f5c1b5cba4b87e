// Shrinking: a failing run again and again, each time without some of its optional events, as long
// as it breaks the same rule (Zeller's delta debugging). Each try is a process of its own, since
// what fails may not go on. The same seed is always shrunk to the same run.

#define _GNU_SOURCE

#include "tests/sim/sim.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_MAX = 1 << 18, TRY_SECONDS = 60 };

// Shared with the process of a try.
struct attempt {
    bool is_failed;
    uint32_t step; // that it failed in
    char what[512];
    uint32_t count;
    uint32_t names[SIM_EVENTS]; // of the optional events that happened
    struct tell tell;
    char text[TEXT_MAX];
};

struct shrink {
    uint64_t seed;
    struct plan plan;
    const char *what;
    struct attempt *attempt;
    uint32_t names[SIM_EVENTS]; // of the shortest run so far, sorted
    uint32_t count;
    uint32_t tries;
};

uint32_t shrink_tries_max = 4000;

static struct attempt *the_attempt; // in the process of a try

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

// --- one try ---

static void caught(struct sim *sim, const char *what)
{
    struct attempt *attempt = the_attempt;
    (void)snprintf(attempt->what, sizeof attempt->what, "%s", what);
    attempt->step = sim->step;
    attempt->count = sim->happened_count;
    memcpy(attempt->names, sim->happened, sim->happened_count * sizeof sim->happened[0]);
    qsort(attempt->names, attempt->count, sizeof attempt->names[0], compare);
    attempt->is_failed = true;
    _exit(1);
}

_Noreturn static void run_in_child(const struct shrink *shrink, const struct plan *plan)
{
    the_attempt = shrink->attempt;
    (void)alarm(TRY_SECONDS); // a run that hangs is not the one
    fail_catch(caught);
    room_leave(); // fresh pages are cheaper than copies of the parent's
    (void)sim_run(shrink->seed, plan);
    _exit(0);
}

// Does a run with these events only break the same rule?
static bool fails(struct shrink *shrink, const uint32_t *names, uint32_t count, bool is_told)
{
    struct attempt *attempt = shrink->attempt;
    struct plan plan = shrink->plan;
    plan.is_limited = true;
    plan.names = names;
    plan.count = count;
    attempt->is_failed = false;
    attempt->tell = (struct tell){.text = attempt->text, .cap = sizeof attempt->text};
    plan.tell = is_told ? &attempt->tell : NULL;
    shrink->tries++;
    pid_t child = fork();
    if (child == 0)
        run_in_child(shrink, &plan);
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    return attempt->is_failed && strcmp(attempt->what, shrink->what) == 0;
}

// A run that has not failed soon after the shortest one did is given up: most of them never do.
static uint32_t patience(const struct plan *plan, uint32_t failed_in)
{
    return plan->is_short ? failed_in + 100 + failed_in / 8 : 0;
}

static void keep(struct shrink *shrink)
{
    shrink->plan.step_max = patience(&shrink->plan, shrink->attempt->step);
    shrink->count = shrink->attempt->count;
    memcpy(shrink->names, shrink->attempt->names, shrink->count * sizeof shrink->names[0]);
}

// --- which events to leave out ---

// By time, or each actor's together: either may belong together.
static uint32_t rank(uint32_t name, bool by_actor)
{
    return by_actor ? name << 16 | name >> 16 : name;
}

// Tries to do without `chunk` events from place `from` on in the order of ranks.
static bool leave_out(struct shrink *shrink, uint32_t from, uint32_t chunk, bool by_actor)
{
    static uint32_t ranks[SIM_EVENTS], rest[SIM_EVENTS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < shrink->count; i++)
        ranks[i] = rank(shrink->names[i], by_actor);
    qsort(ranks, shrink->count, sizeof ranks[0], compare);
    uint32_t end = shrink->count - from > chunk ? from + chunk : shrink->count;
    for (uint32_t i = 0; i < shrink->count; i++) {
        uint32_t its = rank(shrink->names[i], by_actor);
        if (its < ranks[from] || its > ranks[end - 1])
            rest[count++] = shrink->names[i];
    }
    if (!fails(shrink, rest, count, false))
        return false;
    keep(shrink);
    return true;
}

// One pass with chunks of one size; true when anything could go.
static bool pass(struct shrink *shrink, uint32_t chunk, bool by_actor)
{
    bool is_shorter = false;
    uint32_t at = 0;
    while (at < shrink->count && shrink->tries < shrink_tries_max) {
        if (leave_out(shrink, at, chunk, by_actor))
            is_shorter = true;
        else
            at += chunk;
    }
    return is_shorter;
}

static void reduce(struct shrink *shrink)
{
    bool is_shorter = true;
    while (is_shorter && shrink->tries < shrink_tries_max) {
        is_shorter = false;
        for (uint32_t chunk = (shrink->count + 1) / 2; chunk > 0; chunk /= 2) {
            is_shorter = pass(shrink, chunk, true) || is_shorter;
            is_shorter = pass(shrink, chunk, false) || is_shorter;
        }
    }
}

// --- telling ---

static void print(struct shrink *shrink, uint32_t count_before)
{
    if (!fails(shrink, shrink->names, shrink->count, true)) {
        printf("  not told: the shrunk run does not fail again\n");
        return;
    }
    printf(
        "  shrunk: %u optional events to %u in %u runs\n  again, only that: weft-sim --seed %llu "
        "--only ",
        count_before, shrink->count, shrink->tries, (unsigned long long)shrink->seed);
    for (uint32_t i = 0; i < shrink->count; i++)
        printf("%s%x", i == 0 ? "" : ",", shrink->names[i]);
    printf("\n\n%s! %s\n", shrink->attempt->text, shrink->what);
}

void shrink_tell(const struct sim *sim, const char *what)
{
    static struct shrink shrink;
    struct attempt *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shrink_tries_max == 0 || shared == MAP_FAILED)
        return;
    shrink.seed = sim->seed;
    shrink.what = what;
    shrink.attempt = shared;
    shrink.plan = (struct plan){.disk_dir = sim->plan->disk_dir, .is_short = !sim->is_healed};
    shrink.plan.step_max = patience(&shrink.plan, sim->step);
    shrink.count = sim->happened_count;
    memcpy(shrink.names, sim->happened, sim->happened_count * sizeof sim->happened[0]);
    qsort(shrink.names, shrink.count, sizeof shrink.names[0], compare);
    uint32_t count_before = shrink.count;
    if (!fails(&shrink, shrink.names, shrink.count, false)) {
        printf("  not shrunk: it takes more than this seed alone\n");
        return;
    }
    reduce(&shrink);
    print(&shrink, count_before);
    (void)fflush(stdout);
}
