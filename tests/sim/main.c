// weft-sim: runs seeds, counts situations and edges.

#include "tests/sim/sim.h"

#include <stdio.h>

static const char *const situation_texts[SEEN_COUNT] = {
#define SIM_TEXT(name, text) text,
    SIM_SITUATIONS(SIM_TEXT)
#undef SIM_TEXT
};

struct options {
    uint64_t first;
    uint64_t count;
    const char *disk_dir;
    uint64_t disk_every; // one in so many seeds runs there, too
    const char *only;    // names of events
    bool is_single;
    bool shows_traces;
};

static const char usage[] =
    "usage: weft-sim [--seeds N] [--first S] [--disk DIR [--disk-every N]] [--traces] | --seed S "
    "[--only LIST]\n"
    "  --seeds N   how many seeds (1000)\n"
    "  --first S   the first of them (1)\n"
    "  --seed S    one seed, twice: its two traces must be the same\n"
    "  --disk DIR  each seed again with the product's store in DIR: the same trace\n"
    "  --disk-every N  only one seed in N with it\n"
    "  --shrink N  a failing run is shrunk in at most N tries (4000; 0: not at all)\n"
    "  --only LIST tells a run in which nothing but these events happens, as shrinking prints "
    "them\n"
    "  --traces    prints the trace of each seed\n";

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 10);
    if (*text == '\0' || *end != '\0') {
        (void)fprintf(stderr, "weft-sim: '%s' is not a number\n", text);
        exit(64);
    }
    return value;
}

// One option with its value; false when it is none of them.
static bool take_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--seeds") == 0) {
        options->count = number(value);
    } else if (strcmp(name, "--first") == 0) {
        options->first = number(value);
    } else if (strcmp(name, "--disk") == 0) {
        options->disk_dir = value;
    } else if (strcmp(name, "--disk-every") == 0) {
        options->disk_every = number(value);
    } else if (strcmp(name, "--shrink") == 0) {
        shrink_tries_max = (uint32_t)number(value);
    } else if (strcmp(name, "--only") == 0) {
        options->only = value;
    } else if (strcmp(name, "--seed") == 0) {
        options->first = number(value);
        options->count = 1;
        options->is_single = true;
    } else {
        return false;
    }
    return true;
}

static struct options parse(int argc, char **argv)
{
    struct options options = {.first = 1, .count = 1000, .disk_every = 1};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--traces") == 0) {
            options.shows_traces = true;
        } else if (i + 1 < argc && take_option(&options, argv[i], argv[i + 1])) {
            i++;
        } else {
            (void)fputs(usage, stderr);
            exit(64);
        }
    }
    return options;
}

// Does any edge lead there? A state that no event of this version enters has no seeds either.
static bool is_entered(enum job_state state)
{
    for (unsigned from = 0; from < JOB_STATES; from++)
        for (unsigned event = 0; event < JOB_EVENTS; event++)
            if (job_may(from, event) && job_after(from, event) == state)
                return true;
    return state == JOB_NONE;
}

static unsigned report(uint64_t seeds)
{
    unsigned missing = 0;
    for (unsigned i = 0; i < SEEN_COUNT; i++) {
        printf("%10llu  %s\n", (unsigned long long)sim_situations[i], situation_texts[i]);
        missing += sim_situations[i] == 0;
    }
    for (unsigned state = 0; state < JOB_STATES; state++)
        for (unsigned event = 0; event < JOB_EVENTS; event++) {
            if (!job_may(state, event) || !is_entered(state))
                continue;
            printf("%10llu  seeds with edge %s + %u to %s\n",
                   (unsigned long long)sim_edges[state][event], job_state_name(state), event,
                   job_state_name(job_after(state, event)));
            missing += sim_edges[state][event] * 10 < seeds;
        }
    return missing;
}

static uint64_t run_seed(const struct options *options, uint64_t seed, bool again)
{
    static const struct plan everything;
    static const struct plan once_more = {.is_again = true};
    const struct plan on_disk = {.disk_dir = options->disk_dir};
    const bool is_stored = options->disk_dir != NULL && seed % options->disk_every == 0;
    uint64_t trace = sim_run(seed, is_stored ? &on_disk : &everything);
    if (again && sim_run(seed, &once_more) != trace)
        sim_fail("the same seed gives the same trace");
    if (options->shows_traces)
        printf("%llu %016llx\n", (unsigned long long)seed, (unsigned long long)trace);
    return trace;
}

// Numbers between commas.
static uint32_t parse_names(const char *list, uint32_t *names)
{
    uint32_t count = 0;
    char *end;
    for (const char *at = list; *at != '\0'; at = *end == ',' ? end + 1 : end) {
        names[count++] = (uint32_t)strtoul(at, &end, 16);
        if (end == at || (*end != ',' && *end != '\0') || count == SIM_EVENTS) {
            (void)fprintf(stderr, "weft-sim: '%s' is not a list of events\n", list);
            exit(64);
        }
    }
    return count;
}

static int run_only(const struct options *options)
{
    static char text[1 << 20];
    static uint32_t names[SIM_EVENTS];
    struct tell tell = {.text = text, .cap = sizeof text};
    const struct plan plan = {.disk_dir = options->disk_dir,
                              .is_limited = true,
                              .names = names,
                              .count = parse_names(options->only, names),
                              .tell = &tell};
    (void)sim_run(options->first, &plan);
    printf("%s\nno violation\n", text);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    if (options.only != NULL)
        return run_only(&options);
    uint64_t all = 0;
    for (uint64_t i = 0; i < options.count; i++) {
        // Every hundredth seed runs twice.
        bool again = options.is_single || i % 100 == 0;
        all = prng_mix(all ^ run_seed(&options, options.first + i, again));
    }
    unsigned missing = report(options.count);
    printf("%llu seeds from %llu, trace %016llx: no violation\n", (unsigned long long)options.count,
           (unsigned long long)options.first, (unsigned long long)all);
    // A run that reached too little has shown too little.
    if (options.count >= 1000 && missing > 0) {
        printf("FAILED: %u situations or edges were not reached often enough\n", missing);
        return 1;
    }
    return 0;
}
