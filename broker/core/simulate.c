// Station simulate: a dry run of one job is told what a worker says of it. Its client is answered in
// any case: when the worker has spoken, at the deadline, or by the tick after the worker has gone.
// Nothing is written.

#include "broker/core/core_private.h"

static_assert(sizeof(struct msg_submitted_job) + sizeof(struct msg_forecast) <=
                  SIMULATE_WEIGHT * EFFECTS_ANSWER_BYTES,
              "a tick has room for what it tells");

// Counted by what is told.
static void tell(struct core *core, struct simulation_under_way *item, struct effects *fx)
{
    struct msg_submitted_job *job = arena_take(fx->arena, sizeof *job);
    struct msg_forecast *forecast = arena_take(fx->arena, sizeof *forecast);
    CHECK(job != NULL && forecast != NULL);
    *job = item->job;
    *forecast = item->forecast;
    core->figures.simulated[forecast->simulation]++;
    effects_send(fx, item->client, MSG_SUBMITTED, item->corr)->submitted =
        (struct msg_submitted){.jobs = job,
                               .count = 1,
                               .forecasts = forecast,
                               .forecast_count = 1,
                               .open_max = item->open_max,
                               .open_left = item->open_left};
}

// The worker whose turn it is; SIMULATIONS_NONE, and whether somebody offers it at all.
static uint32_t simulator_of(const struct core *core, const struct msg_submit_job *job,
                             bool *out_is_offered)
{
    const struct simulations *simulations = &core->simulations;
    uint32_t no = simulations_first(simulations);
    for (; no != SIMULATIONS_NONE; no = simulations_next(simulations, no)) {
        uint32_t type = workers_type_of(&core->workers, no, job);
        if (type == WORKERS_NONE || workers_at(&core->workers, no)->drain != DRAIN_NONE ||
            !simulations_has_offer(simulations, no, type))
            continue;
        *out_is_offered = true;
        if (simulations_has_slot(simulations, no))
            return no;
    }
    return SIMULATIONS_NONE;
}

static void ask(const struct core *core, const struct simulation_under_way *item,
                const struct msg_submit_job *job, struct effects *fx)
{
    struct msg_job *asked = arena_take(fx->arena, sizeof *asked);
    CHECK(asked != NULL);
    uint32_t timeout_ms = item->forecast.course.timeout_ms;
    if (timeout_ms > core->limits.simulation_ms)
        timeout_ms = core->limits.simulation_ms;
    *asked = (struct msg_job){.job_id = job->job_id,
                              .type = job->type,
                              .queue = job->queue,
                              .attempt = 1,
                              .timeout_ms = timeout_ms,
                              .payload = job->payload,
                              .traceparent = job->traceparent,
                              .after = job->after,
                              .labels = job->labels};
    effects_send(fx, workers_at(&core->workers, item->worker)->peer, MSG_SIMULATE, item->no)
        ->simulate =
        (struct msg_simulate){.jobs = asked, .count = 1, .wait_ms = core->limits.simulation_ms};
}

bool simulate_begin(struct core *core, struct now now, const struct simulate_question *question,
                    struct effects *fx)
{
    const struct msg_submit_job *job = question->job;
    struct simulations *simulations = &core->simulations;
    // Repeated by a client that has not heard of it yet.
    if (simulations_is_asked(simulations, question->peer, question->corr))
        return true;
    bool is_offered = false;
    uint32_t worker = simulator_of(core, job, &is_offered);
    if (!is_offered)
        return false;
    if (worker == SIMULATIONS_NONE || !simulations_has_room(simulations, job->tenant)) {
        question->forecast->simulation = SIMULATION_BUSY;
        core->figures.simulated[SIMULATION_BUSY]++;
        return false;
    }
    const struct simulation_under_way asked = {.corr = question->corr,
                                               .client = question->peer,
                                               .worker = worker,
                                               .ends_at =
                                                   when_after(now.mono, core->limits.simulation_ms),
                                               .tenant = workers_at(&core->workers, worker)->tenant,
                                               .job = *question->answer->jobs,
                                               .forecast = *question->forecast,
                                               .open_max = question->answer->open_max,
                                               .open_left = question->answer->open_left};
    ask(core, simulations_ask(simulations, &asked), job, fx);
    return true;
}

void simulate_step(struct core *core, uint32_t peer, const struct msg *msg, struct effects *fx)
{
    uint32_t worker = workers_of_peer(&core->workers, peer);
    uint32_t place;
    if (!simulations_answered(&core->simulations, worker, msg->corr, &place)) {
        effects_send(fx, peer, MSG_ERROR, msg->corr)->error = (struct msg_error){
            .error = ERR_NOT_FOUND,
            .detail = slice_of_text("corr: this worker was not asked that by a SIMULATE")};
        return;
    }
    if (place == SIMULATIONS_NONE)
        return; // late: its client has been answered
    struct simulation_under_way *item = simulations_at(&core->simulations, place);
    item->forecast.simulation = msg->simulated.ok ? SIMULATION_OK : SIMULATION_FAILED;
    item->forecast.simulated = msg->simulated.result;
    item->forecast.failure = msg->simulated.failure;
    tell(core, item, fx);
    simulations_end(&core->simulations, place);
}

bool simulate_late(struct core *core, struct now now, struct effects *fx)
{
    uint32_t place = simulations_earliest(&core->simulations);
    if (place == SIMULATIONS_NONE || fx->send_count == fx->send_cap)
        return false;
    struct simulation_under_way *item = simulations_at(&core->simulations, place);
    if (item->ends_at > now.mono)
        return false;
    item->forecast.simulation =
        item->worker == SIMULATIONS_NONE ? SIMULATION_GONE : SIMULATION_LATE;
    tell(core, item, fx);
    simulations_end(&core->simulations, place);
    return true;
}
