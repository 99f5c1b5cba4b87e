// Workers that are told to go quiet, or to stop: they get no more jobs until their next session,
// and hear it with every answer until then. Dispatcher: nothing of it is stored, for a worker that
// has heard it says so itself, in READY.

#include "broker/core/core_private.h"

static enum drain drain_of(enum act_kind kind)
{
    return kind == ACT_STOP ? DRAIN_STOP : DRAIN_QUIET;
}

struct msg_acted drain_worker(struct core *core, const struct msg_act *act, struct effects *fx)
{
    uint32_t no = workers_find(&core->workers, act->tenant, &act->worker_id);
    if (no == WORKERS_NONE)
        return (struct msg_acted){.error = ERR_NOT_FOUND,
                                  .detail = slice_of_text("no such worker is connected or owes "
                                                          "anything; check the id")};
    struct worker *worker = workers_at(&core->workers, no);
    enum drain wanted = drain_of(act->kind);
    if (wanted > worker->drain)
        workers_drain(&core->workers, no, wanted);
    // The last place is the answer's; what is not said now is said with the next answer.
    if (worker->peer != WORKERS_NONE && fx->send_count + 1 < fx->send_cap)
        effects_send(fx, worker->peer, MSG_RENEWED, 0)->renewed =
            (struct msg_renewed){.drain = worker->drain};
    return (struct msg_acted){.drain = worker->drain};
}
