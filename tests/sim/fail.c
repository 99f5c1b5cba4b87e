// A rule is broken: the run ends here, and whoever is interested is told.

#include "tests/sim/sim.h"

#include <stdio.h>

static fail_catcher *the_catcher;

void fail_catch(fail_catcher *catcher)
{
    the_catcher = catcher;
}

void sim_fail(const char *what)
{
    const struct sim *sim = sim_now;
    if (sim == NULL)
        exit(1);
    if (the_catcher != NULL)
        the_catcher(sim_now, what);
    (void)printf("\nVIOLATION: %s\n  seed %llu, step %u, %s phase\n  again: weft-sim --seed %llu\n",
                 what, (unsigned long long)sim->seed, sim->step,
                 sim->is_healed ? "healed" : "faulty", (unsigned long long)sim->seed);
    if (sim->plan->tell != NULL)
        (void)printf("\n%s", sim->plan->tell->text);
    (void)fflush(stdout);
    if (!sim->plan->is_limited)
        shrink_tell(sim, what);
    exit(1);
}

// A failed CHECK of the core is a violation like any other.
void check_failed(const char *file, int line, const char *fact)
{
    static char text[512];
    (void)snprintf(text, sizeof text, "CHECK %s at %s:%d", fact, file, line);
    sim_fail(text);
}
