// weft-sim [--seeds N] [--first S] [--seed S] [--quiet]: runs seeds, counts situations and edges.

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
    bool single;
};

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

static struct options parse(int argc, char **argv)
{
    struct options options = {.first = 1, .count = 1000};
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && strcmp(argv[i], "--seeds") == 0)
            options.count = number(argv[i + 1]);
        else if (i + 1 < argc && strcmp(argv[i], "--first") == 0)
            options.first = number(argv[i + 1]);
        else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
            options = (struct options){.first = number(argv[i + 1]), .count = 1, .single = true};
        else {
            (void)fprintf(stderr,
                          "usage: weft-sim [--seeds N] [--first S] | --seed S\n"
                          "  --seeds N   how many seeds (1000)\n"
                          "  --first S   the first of them (1)\n"
                          "  --seed S    one seed, twice: its two traces must be the same\n");
            exit(64);
        }
    }
    return options;
}

// Edges that the table allows but that this version has no command for.
static bool is_reachable(enum job_state state, enum job_event event)
{
    return job_may(state, event) && state != JOB_CANCELLED && state != JOB_EXPIRED;
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
            if (!is_reachable(state, event))
                continue;
            printf("%10llu  seeds with edge %s + %u\n", (unsigned long long)sim_edges[state][event],
                   job_state_name(state), event);
            missing += sim_edges[state][event] * 10 < seeds;
        }
    return missing;
}

int main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    static const struct plan everything;
    uint64_t all = 0;
    for (uint64_t i = 0; i < options.count; i++) {
        uint64_t trace = sim_run(options.first + i, &everything);
        // Every hundredth seed runs twice: the same seed gives the same trace.
        if ((options.single || i % 100 == 0) && sim_run(options.first + i, &everything) != trace)
            sim_fail("the same seed gives the same trace");
        all = prng_mix(all ^ trace);
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
