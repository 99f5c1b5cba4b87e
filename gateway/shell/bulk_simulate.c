// A bulk dry run with the word of workers: each record that would be accepted is asked about by itself, a few at
// once, until a moment that the client has named. Begins in the bulk thread, goes on in the courier's.

#include "gateway/core/forecast.h"
#include "gateway/shell/bulk_private.h"
#include "gateway/shell/values.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"

#include <stdlib.h>

enum { GOOD_PER_STEP = 4 }; // answers in a row, for each under way, until one more is tried

// What is known of a record.
struct word {
    bool is_wanted; // it would be accepted
    bool is_asked;
    bool is_alone; // by itself it would not be accepted
    bool is_left_out;
    enum simulation simulation;
    struct body result;         // in `bytes`
    struct msg_failure failure; // the same
    uint8_t *bytes;             // from malloc()
};

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
    uint32_t next;   // job that has not been asked about
    uint32_t window; // questions that may be under way: what workers have shown to have room for
    uint32_t good_count;
    uint32_t flight;
    bool is_over;   // nobody answers
    bool is_asking; // in go_on()
    uint32_t
        again[BULK_SIMULATIONS_MAX]; // jobs for which there was no room while others were asked
    uint32_t again_count;
    size_t kept; // bytes
    struct trial trials[BULK_SIMULATIONS_MAX];
    struct word words[]; // by job
};

static bool has_next(struct bulk_simulation *simulation)
{
    if (simulation->is_over || clock_mono_ms() >= simulation->ends_at)
        return false;
    while (simulation->next < simulation->load->job_count &&
           !simulation->words[simulation->next].is_wanted)
        simulation->next++;
    return simulation->again_count > 0 || simulation->next < simulation->load->job_count;
}

static uint32_t take_next(struct bulk_simulation *simulation)
{
    if (simulation->again_count > 0)
        return simulation->again[--simulation->again_count];
    return simulation->next++;
}

static void ask_about(struct trial *trial, uint32_t job)
{
    struct bulk_simulation *simulation = trial->simulation;
    struct load *load = simulation->load;
    trial->job = job;
    trial->is_busy = true;
    trial->msg = (struct msg){.kind = MSG_SUBMIT,
                              .submit = {.jobs = &load->jobs[job],
                                         .count = 1,
                                         .dry_run = true,
                                         .tenant_open_max = load->tenant_open_max}};
    simulation->flight++;
    simulation->words[job].is_asked = true;
    courier_ask(load->bulk->gateway->courier, &trial->ask);
}

static struct trial *free_trial(struct bulk_simulation *simulation)
{
    uint32_t i = 0;
    while (simulation->trials[i].is_busy)
        i++;
    CHECK(i < BULK_SIMULATIONS_MAX); // the window is no wider
    return &simulation->trials[i];
}

// The courier answers within courier_ask() when it is closing: is_asking then keeps heard() from going on by itself.
static void go_on(struct bulk_simulation *simulation)
{
    simulation->is_asking = true;
    while (simulation->flight < simulation->window && has_next(simulation))
        ask_about(free_trial(simulation), take_next(simulation));
    simulation->is_asking = false;
    if (simulation->flight == 0)
        bulk_return(simulation->load);
}

static struct slice keep_part(uint8_t *room, size_t *len, struct slice part)
{
    struct slice kept = slice_of(room + *len, part.len);
    if (part.len > 0)
        memcpy(room + *len, part.data, part.len);
    *len += part.len;
    return kept;
}

// Copies what the worker said, unless all of it together is too much.
static void keep(struct bulk_simulation *simulation, struct word *word,
                 const struct msg_forecast *forecast)
{
    const struct msg_failure *failure = &forecast->failure;
    size_t len = forecast->simulated.bytes.len + failure->kind.len + failure->message.len +
                 failure->detail.len;
    bool fits = simulation->kept + len <= BULK_SIMULATED_BYTES_MAX;
    word->bytes = fits && len > 0 ? malloc(len) : NULL;
    word->is_left_out = len > 0 && word->bytes == NULL;
    if (word->bytes == NULL)
        return;
    size_t at = 0;
    word->result = (struct body){
        .content = forecast->simulated.content,
        .bytes = keep_part(word->bytes, &at, forecast->simulated.bytes),
    };
    word->failure.kind = keep_part(word->bytes, &at, failure->kind);
    word->failure.message = keep_part(word->bytes, &at, failure->message);
    word->failure.detail = keep_part(word->bytes, &at, failure->detail);
    simulation->kept += len;
}

// Nobody had room: fewer at once from now on. False when none of ours is under way, so that others have the room.
static bool comes_again(struct bulk_simulation *simulation, uint32_t job)
{
    simulation->good_count = 0;
    if (simulation->flight == 0)
        return false;
    simulation->window = simulation->flight;
    CHECK(simulation->again_count < BULK_SIMULATIONS_MAX);
    simulation->again[simulation->again_count++] = job;
    simulation->words[job].is_asked = false;
    return true;
}

static void widen(struct bulk_simulation *simulation)
{
    simulation->good_count++;
    if (simulation->good_count < GOOD_PER_STEP * simulation->window ||
        simulation->window == BULK_SIMULATIONS_MAX)
        return;
    simulation->window++;
    simulation->good_count = 0;
}

static void take_word(struct bulk_simulation *simulation, uint32_t job,
                      const struct msg_submitted *said)
{
    struct word *word = &simulation->words[job];
    word->is_alone = said->jobs[0].error != OK || said->jobs[0].replayed;
    if (said->forecast_count == 0)
        return;
    word->simulation = said->forecasts[0].simulation;
    switch (word->simulation) {
    case SIMULATION_NONE:
    case SIMULATION_LATE:
    case SIMULATION_GONE: return;
    case SIMULATION_BUSY: (void)comes_again(simulation, job); return;
    case SIMULATION_OK:
    case SIMULATION_FAILED:
        keep(simulation, word, said->forecasts);
        widen(simulation);
        return;
    }
    UNREACHABLE();
}

static void heard(struct ask *ask, const struct ask_result *result)
{
    struct trial *trial = (struct trial *)ask;
    struct bulk_simulation *simulation = trial->simulation;
    trial->is_busy = false;
    simulation->flight--;
    bool is_answer = result->error == OK && result->answer->kind == MSG_SUBMITTED &&
                     result->answer->submitted.count == 1;
    if (is_answer)
        take_word(simulation, trial->job, &result->answer->submitted);
    else
        simulation->words[trial->job].is_asked = false;
    simulation->is_over = simulation->is_over || !is_answer;
    if (!simulation->is_asking)
        go_on(simulation);
}

// Marks those that would be accepted: neither known nor refused. Both lists are by line then.
static bool mark_wanted(struct load *load, struct bulk_simulation *simulation)
{
    uint32_t at = 0;
    bool is_any = false;
    if (load->is_atomic && load->rejected_count > 0)
        return false;
    bulk_sort(load);
    for (uint32_t i = 0; i < load->job_count; i++) {
        while (at < load->rejected_count && load->rejected[at].line < load->lines[i])
            at++;
        bool is_refused = at < load->rejected_count && load->rejected[at].line == load->lines[i];
        simulation->words[i].is_wanted = !is_refused && !load->replays[i];
        is_any = is_any || simulation->words[i].is_wanted;
    }
    return is_any;
}

bool bulk_simulate(struct load *load)
{
    if (load->simulate_ms == 0 || load->simulation != NULL || load->accepted_count == 0)
        return false;
    struct bulk_simulation *simulation =
        calloc(1, sizeof *simulation + load->job_count * sizeof simulation->words[0]);
    if (simulation == NULL) {
        bulk_refuse(load, ERR_NO_MEMORY, "");
        return true;
    }
    load->simulation = simulation;
    simulation->load = load;
    simulation->ends_at = when_after(clock_mono_ms(), load->simulate_ms);
    simulation->window = BULK_SIMULATIONS_MAX;
    for (uint32_t i = 0; i < BULK_SIMULATIONS_MAX; i++) {
        simulation->trials[i].simulation = simulation;
        simulation->trials[i].ask = (struct ask){.kind = ASK_MSG,
                                                 .tenant = load->tenant,
                                                 .done = heard,
                                                 .question = &simulation->trials[i].msg};
    }
    if (!mark_wanted(load, simulation) || !has_next(simulation))
        return false;
    // The first alone: once it is asked, the courier's thread has the load.
    ask_about(&simulation->trials[0], take_next(simulation));
    return true;
}

void bulk_simulation_free(struct bulk_simulation *simulation, uint32_t job_count)
{
    for (uint32_t i = 0; simulation != NULL && i < job_count; i++)
        free(simulation->words[i].bytes);
    free(simulation);
}

// --- the answer ---

enum { WORD_LEN_MAX = 256 }; // of one in the answer, besides what the worker said

static size_t said_len(const struct word *word)
{
    return word->result.bytes.len + word->failure.kind.len + word->failure.message.len +
           word->failure.detail.len;
}

size_t bulk_simulation_room(const struct load *load)
{
    size_t room = 0;
    for (uint32_t i = 0; load->simulation != NULL && i < load->job_count; i++)
        room += WORD_LEN_MAX + values_room(said_len(&load->simulation->words[i]));
    return room;
}

static void put_word(struct out *out, const struct word *word, struct out *converted)
{
    const struct msg_forecast forecast = {
        // What was not asked in time is late.
        .simulation = word->is_asked ? word->simulation : SIMULATION_LATE,
        .simulated = word->result,
        .failure = word->failure,
    };
    struct answer_result result = values_answer(out->format, &word->result, converted);
    if (word->is_alone)
        out_put_text(out, "not_simulated", slice_of_text("alone"));
    else
        forecast_put_simulated(out, &forecast, &result);
    if (word->is_left_out)
        out_put_bool(out, "left_out", true);
}

void bulk_simulation_put(const struct load *load, struct out *out)
{
    uint8_t *room = malloc(values_room(MSG_SIMULATED_LEN_MAX));
    out_name(out, slice_of_text("simulations"));
    out_open_array(out);
    for (uint32_t i = 0; load->simulation != NULL && i < load->job_count; i++) {
        const struct word *word = &load->simulation->words[i];
        bool is_offered = !word->is_asked || word->is_alone || word->simulation != SIMULATION_NONE;
        if (!word->is_wanted || !is_offered)
            continue;
        struct out converted = {.data = room,
                                .cap = room != NULL ? values_room(MSG_SIMULATED_LEN_MAX) : 0,
                                .format = out->format};
        out_open_object(out);
        out_put_unsigned(out, "line", load->lines[i]);
        put_word(out, word, &converted);
        out_close(out);
    }
    out_close(out);
    free(room);
}
