// Dry runs that workers are asked about: each is told once, in time, by nobody but the one that was
// asked, and nothing is written.

#include "tests/sim/sim.h"

// Until a batch is decided that has room, and is durable: the broker may have just had its turn.
enum { SLACK_MS = 2 * SIM_STEP_MS };

struct msg_submitted watch_simulate_asked(struct sim *sim, const struct command *command,
                                          const struct send *send)
{
    const struct simulations *all = &sim->shell.core->simulations;
    uint32_t worker = watch_worker_of_peer(sim, send->peer);
    uint32_t place = 0;
    while (place < SIMULATIONS_MAX && all->items[place].no != send->msg.corr)
        place++;
    SIM_EXPECT(place < SIMULATIONS_MAX, "what a worker is asked is under way");
    SIM_EXPECT(worker < SIM_WORKERS &&
                   slice_equal(sim->workers[worker].tenant, command->msg->tenant),
               "a worker is asked about its own tenant's jobs");
    SIM_EXPECT(++sim->watch.try_debts[worker] <= SIM_SIMULATIONS,
               "no worker is asked about more dry runs than it offers");
    SIM_EXPECT(sim->watch.try_count < SIMULATIONS_MAX, "so many are under way");
    sim->watch.tries[sim->watch.try_count++] =
        (struct seen_try){.no = send->msg.corr,
                          .corr = command->msg->corr,
                          .client = command->peer,
                          .worker = worker,
                          .by = sim->now.mono + SIM_SIMULATE_MS + SLACK_MS};
    const struct simulation_under_way *item = &all->items[place];
    return (struct msg_submitted){.jobs = &item->job,
                                  .count = 1,
                                  .forecasts = &item->forecast,
                                  .forecast_count = 1,
                                  .open_max = item->open_max,
                                  .open_left = item->open_left};
}

static void forget(struct sim *sim, uint32_t at)
{
    sim->watch.tries[at] = sim->watch.tries[--sim->watch.try_count];
}

static void forget_client(struct sim *sim, uint32_t peer)
{
    for (uint32_t i = sim->watch.try_count; i-- > 0;)
        if (sim->watch.tries[i].client == peer)
            forget(sim, i);
}

void watch_simulate_told(const struct msg_submitted *told)
{
    static const int seen[SIMULATIONS] = {[SIMULATION_OK] = SEEN_SIMULATED,
                                          [SIMULATION_FAILED] = SEEN_SIMULATED,
                                          [SIMULATION_LATE] = SEEN_SIMULATED_LATE,
                                          [SIMULATION_GONE] = SEEN_SIMULATED_GONE,
                                          [SIMULATION_BUSY] = SEEN_SIMULATED_BUSY};
    enum simulation is = told->forecast_count > 0 ? told->forecasts->simulation : SIMULATION_NONE;
    if (is != SIMULATION_NONE)
        watch_seen(seen[is]);
}

static void told(struct sim *sim, const struct command *command, const struct send *send)
{
    enum simulation is = send->msg.submitted.forecasts->simulation;
    uint32_t at = 0;
    while (at < sim->watch.try_count && !(sim->watch.tries[at].client == send->peer &&
                                          sim->watch.tries[at].corr == send->msg.corr))
        at++;
    SIM_EXPECT(at < sim->watch.try_count, "a dry run is told once, to whoever asked");
    const struct msg *msg = command->msg;
    bool is_said = command->kind == COMMAND_MESSAGE && msg->kind == MSG_SIMULATED &&
                   msg->corr == sim->watch.tries[at].no &&
                   watch_worker_of_peer(sim, command->peer) == sim->watch.tries[at].worker;
    SIM_EXPECT((is == SIMULATION_OK || is == SIMULATION_FAILED) == is_said,
               "a verdict is the word of the worker that was asked");
    SIM_EXPECT(!is_said || msg->simulated.ok == (is == SIMULATION_OK),
               "a verdict is as it was said");
    watch_simulate_told(&send->msg.submitted);
    forget(sim, at);
}

void watch_simulate(struct sim *sim, const struct command *command, const struct effects *fx,
                    const struct sim_effects_mark *before)
{
    const struct msg *msg = command->kind == COMMAND_MESSAGE ? command->msg : NULL;
    for (uint32_t i = before->send_count; i < fx->send_count; i++)
        if (fx->sends[i].msg.kind == MSG_SUBMITTED && fx->sends[i].msg.submitted.forecast_count > 0)
            told(sim, command, &fx->sends[i]);
    if (command->kind == COMMAND_GONE || (msg != NULL && msg->kind == MSG_BYE))
        forget_client(sim, command->peer);
    if (msg != NULL && msg->kind == MSG_HELLO && msg->hello.role == ROLE_WORKER)
        sim->watch.try_debts[msg->hello.worker_id.bytes[0] - 1u] = 0;
    if (msg == NULL || msg->kind != MSG_SIMULATED)
        return;
    SIM_EXPECT(fx->write_count == before->write_count && fx->entry_count == before->entry_count,
               "what is said of a dry run writes nothing");
    uint32_t worker = watch_worker_of_peer(sim, command->peer);
    if (worker < SIM_WORKERS && sim->watch.try_debts[worker] > 0)
        sim->watch.try_debts[worker]--;
    if (fx->send_count > before->send_count && fx->sends[fx->send_count - 1].msg.kind == MSG_ERROR)
        watch_seen(SEEN_SIMULATED_ODD);
}

void watch_simulate_time(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->watch.try_count; i++)
        SIM_EXPECT(sim->now.mono <= sim->watch.tries[i].by,
                   "a dry run is answered in time, whatever its worker does");
}
