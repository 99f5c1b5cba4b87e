// Workers that leave: what one gives back by BYE, and nothing more, waits again at once, and no
// attempt is burnt.

#include "tests/sim/fair.h"

static bool is_named(const struct msg_held_list *list, uint64_t token)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].token == token)
            return true;
    return false;
}

// Whose connection it is, as its messages say.
static uint32_t worker_of(const struct sim *sim, uint32_t peer)
{
    uint32_t worker = 0;
    while (worker < SIM_WORKERS && sim->watch.takers[worker].peer != peer)
        worker++;
    return worker;
}

static void check_end(const struct sim *sim, const struct entry *entry, const struct msg_bye *bye)
{
    const struct ledger *ledger = &sim->shell.core->ledger;
    uint32_t slot = jobs_find(&ledger->jobs, &entry->job_id);
    SIM_EXPECT(slot != JOBS_NONE, "a job that is given back is in memory");
    SIM_EXPECT(bye->is_all, "only who names all that it holds gives the rest back");
    SIM_EXPECT(!is_named(&bye->running, ledger_past(ledger, jobs_at(&ledger->jobs, slot))->token),
               "who leaves keeps what it names");
    SIM_EXPECT(!entry->lease_end.is_crash && !entry->lease_end.is_timeout,
               "a job that was never begun burns no attempt");
    watch_seen(SEEN_BYE_RETURNED);
}

void watch_bye(struct sim *sim, const struct command *command, const struct effects *fx,
               uint32_t first_entry)
{
    if (command->kind != COMMAND_MESSAGE || command->msg->kind != MSG_BYE)
        return;
    const struct msg_bye *bye = &command->msg->bye;
    const struct leases *leases = &sim->shell.core->leases;
    uint32_t worker = worker_of(sim, command->peer);
    for (uint32_t i = first_entry; i < fx->entry_count; i++)
        if (fx->entries[i].kind == ENTRY_LEASE_END)
            check_end(sim, &fx->entries[i], bye);
    for (uint32_t i = 0; i < sim->watch.grant_count; i++) {
        struct seen_grant *grant = &sim->watch.grants[i];
        if (grant->worker != worker || !grant->is_out)
            continue;
        grant->is_out = leases_find(leases, grant->token) != LEASES_NONE;
        SIM_EXPECT(!grant->is_out || !bye->is_all || is_named(&bye->running, grant->token),
                   "nothing is left out at who has gone without it");
        if (grant->is_out && bye->is_all)
            watch_seen(SEEN_BYE_KEPT);
    }
}
