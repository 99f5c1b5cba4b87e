// A bulk dry run with the word of workers: each record that would be accepted is asked about by itself, a few at
// once, until a moment that the client has named. Begins in the bulk thread, goes on in the courier's.

#include "gateway/core/forecast.h"
#include "gateway/shell/bulk_private.h"
#include "gateway/shell/values.h"
#include "lib/base/check.h"
#include "lib/client/opinion.h"
#include "lib/peer/trials.h"
#include "lib/sys/clock.h"

#include <stdlib.h>

// One question under way.
struct trial {
    struct ask ask; // first: the courier's pointer is ours
    struct msg msg;
    struct bulk_simulation *simulation;
    uint32_t job;
    bool is_busy;
};

struct bulk_simulation {
    struct load *load;
    when_ms ends_at;
    struct trials trials;
    bool is_asking; // in go_on()
    size_t kept;    // bytes
    struct trial places[TRIALS_AT_ONCE_MAX];
    uint8_t *states;           // by job: enum trial_state
    struct opinion opinions[]; // by job
};

static struct trial *free_place(struct bulk_simulation *simulation)
{
    uint32_t i = 0;
    while (simulation->places[i].is_busy)
        i++;
    CHECK(i < TRIALS_AT_ONCE_MAX); // the window is no wider
    return &simulation->places[i];
}

// Asks about the next job; false when there is none, or no time.
static bool ask_next(struct bulk_simulation *simulation)
{
    struct load *load = simulation->load;
    uint32_t job;
    if (clock_mono_ms() >= simulation->ends_at || !trials_take(&simulation->trials, &job))
        return false;
    struct trial *trial = free_place(simulation);
    trial->job = job;
    trial->is_busy = true;
    trial->msg = (struct msg){.kind = MSG_SUBMIT,
                              .submit = {.jobs = &load->jobs[job],
                                         .count = 1,
                                         .dry_run = true,
                                         .tenant_open_max = load->tenant_open_max}};
    courier_ask(load->bulk->gateway->courier, &trial->ask);
    return true;
}

// The courier answers within courier_ask() when it is closing: is_asking then keeps heard() from going on by itself.
static void go_on(struct bulk_simulation *simulation)
{
    simulation->is_asking = true;
    while (ask_next(simulation))
        continue;
    simulation->is_asking = false;
    if (simulation->trials.flight == 0)
        bulk_return(simulation->load);
}

static void heard(struct ask *ask, const struct ask_result *result)
{
    struct trial *trial = (struct trial *)ask;
    struct bulk_simulation *simulation = trial->simulation;
    const struct msg *answer = result->error == OK ? result->answer : NULL;
    trial->is_busy = false;
    trials_heard(&simulation->trials, trial->job,
                 opinion_take(&simulation->opinions[trial->job], answer, &simulation->kept));
    if (!simulation->is_asking)
        go_on(simulation);
}

// Marks those that would be accepted: neither known nor refused. Both lists are by line then.
static void mark_wanted(struct load *load, struct bulk_simulation *simulation)
{
    uint32_t at = 0;
    if (load->is_atomic && load->rejected_count > 0)
        return;
    bulk_sort(load);
    for (uint32_t i = 0; i < load->job_count; i++) {
        while (at < load->rejected_count && load->rejected[at].line < load->lines[i])
            at++;
        bool is_refused = at < load->rejected_count && load->rejected[at].line == load->lines[i];
        if (!is_refused && !load->replays[i])
            simulation->states[i] = TRIAL_WANTED;
    }
}

static struct bulk_simulation *make(struct load *load)
{
    struct bulk_simulation *simulation =
        calloc(1, sizeof *simulation + load->job_count * sizeof simulation->opinions[0]);
    if (simulation == NULL)
        return NULL;
    load->simulation = simulation;
    simulation->load = load;
    simulation->ends_at = when_after(clock_mono_ms(), load->simulate_ms);
    for (uint32_t i = 0; i < TRIALS_AT_ONCE_MAX; i++) {
        simulation->places[i].simulation = simulation;
        simulation->places[i].ask = (struct ask){.kind = ASK_MSG,
                                                 .tenant = load->tenant,
                                                 .done = heard,
                                                 .question = &simulation->places[i].msg};
    }
    simulation->states = calloc(load->job_count, 1); // freed with the simulation
    return simulation->states != NULL ? simulation : NULL;
}

bool bulk_simulate(struct load *load)
{
    if (load->simulate_ms == 0 || load->simulation != NULL || load->accepted_count == 0)
        return false;
    struct bulk_simulation *simulation = make(load);
    if (simulation == NULL) {
        bulk_refuse(load, ERR_NO_MEMORY, "");
        return true;
    }
    mark_wanted(load, simulation);
    trials_init(&simulation->trials, simulation->states, load->job_count);
    // The first alone: once it is asked, the courier's thread has the load.
    return ask_next(simulation);
}

void bulk_simulation_free(struct bulk_simulation *simulation, uint32_t job_count)
{
    if (simulation == NULL)
        return;
    for (uint32_t i = 0; i < job_count; i++)
        opinion_deinit(&simulation->opinions[i]);
    free(simulation->states);
    free(simulation);
}

// --- the answer ---

size_t bulk_simulation_room(const struct load *load)
{
    size_t room = 0;
    for (uint32_t i = 0; load->simulation != NULL && i < load->job_count; i++)
        room += FORECAST_RECORD_LEN_MAX + values_room(opinion_len(&load->simulation->opinions[i]));
    return room;
}

static void put(const struct load *load, uint32_t i, struct out *out, struct out *converted)
{
    const struct opinion *opinion = &load->simulation->opinions[i];
    bool is_asked = load->simulation->states[i] == TRIAL_ASKED;
    if (load->simulation->states[i] == TRIAL_UNWANTED || !opinion_is_offered(opinion, is_asked))
        return;
    const struct msg_forecast forecast = opinion_forecast(opinion, is_asked);
    forecast_put_record(out,
                        &(struct forecast_record){
                            .line = load->lines[i],
                            .is_alone = opinion->is_alone,
                            .is_left_out = opinion->is_left_out,
                            .forecast = &forecast,
                            .simulated = values_answer(out->format, &opinion->result, converted)});
}

void bulk_simulation_put(const struct load *load, struct out *out)
{
    uint8_t *room = malloc(values_room(MSG_SIMULATED_LEN_MAX));
    out_name(out, slice_of_text("simulations"));
    out_open_array(out);
    for (uint32_t i = 0; load->simulation != NULL && i < load->job_count; i++) {
        struct out converted = {.data = room,
                                .cap = room != NULL ? values_room(MSG_SIMULATED_LEN_MAX) : 0,
                                .format = out->format};
        put(load, i, out, &converted);
    }
    out_close(out);
    free(room);
}
