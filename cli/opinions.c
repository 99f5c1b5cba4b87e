// What workers say of the lines of a dry run.

#include "cli/opinions.h"

#include "cli/command.h"
#include "lib/base/check.h"

#include <inttypes.h>
#include <stdlib.h>

err opinions_init(struct opinions *opinions, uint32_t cap)
{
    *opinions = (struct opinions){
        .jobs = calloc(cap, sizeof *opinions->jobs),
        .lines = calloc(cap, sizeof *opinions->lines),
        .states = calloc(cap, sizeof *opinions->states),
        .items = calloc(cap, sizeof *opinions->items),
        .cap = cap,
    };
    bool is_made = opinions->jobs != NULL && opinions->lines != NULL && opinions->states != NULL &&
                   opinions->items != NULL;
    return is_made ? OK : ERR_NO_MEMORY;
}

void opinions_deinit(struct opinions *opinions)
{
    for (uint32_t i = 0; i < opinions->count; i++)
        opinion_deinit(&opinions->items[i]);
    free(opinions->items);
    free(opinions->states);
    free(opinions->lines);
    free(opinions->jobs);
    *opinions = (struct opinions){0};
}

void opinions_add(struct opinions *opinions, const struct msg_submit_job *job, uint32_t line)
{
    if (opinions->cap == 0)
        return;
    CHECK(opinions->count < opinions->cap); // as many as there are lines
    opinions->jobs[opinions->count] = *job;
    opinions->lines[opinions->count] = line;
    opinions->states[opinions->count++] = TRIAL_WANTED;
}

void opinions_ask(struct opinions *opinions, struct ask *ask, uint32_t for_ms)
{
    if (opinions->count > 0)
        ask_try(ask, &(struct client_trial){.jobs = opinions->jobs,
                                            .states = opinions->states,
                                            .opinions = opinions->items,
                                            .count = opinions->count,
                                            .for_ms = for_ms});
}

bool opinions_is_offered(const struct opinions *opinions, uint32_t place)
{
    return opinion_is_offered(&opinions->items[place], opinions->states[place] == TRIAL_ASKED);
}

// SIMULATION_NONE: no word, for whatever reason.
static enum simulation word_of(const struct opinions *opinions, uint32_t place)
{
    enum simulation said = opinions->items[place].simulation;
    return said == SIMULATION_OK || said == SIMULATION_FAILED ? said : SIMULATION_NONE;
}

void opinions_tell_counts(const struct opinions *opinions, FILE *out)
{
    uint32_t counts[SIMULATIONS] = {0};
    for (uint32_t i = 0; i < opinions->count; i++)
        counts[word_of(opinions, i)]++;
    if (opinions->count > 0)
        (void)fprintf(out,
                      "; workers say: %" PRIu32 " would succeed, %" PRIu32 " fail, %" PRIu32
                      " without a word",
                      counts[SIMULATION_OK], counts[SIMULATION_FAILED], counts[SIMULATION_NONE]);
}

void opinions_complain(const struct opinions *opinions, const char *program)
{
    for (uint32_t i = 0; i < opinions->count; i++) {
        struct slice why = opinions->items[i].failure.message;
        if (word_of(opinions, i) == SIMULATION_FAILED)
            command_complain(program, "line %" PRIu32 " would fail: %.*s", opinions->lines[i],
                             (int)why.len, why.len > 0 ? (const char *)why.data : "");
    }
}
