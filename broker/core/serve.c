// Station serve: a worker says which types it takes, and how many at once.

#include "broker/core/core_private.h"

void serve_step(struct core *core, uint32_t peer, const struct msg *msg, struct effects *fx)
{
    uint32_t no = workers_of_peer(&core->workers, peer);
    struct msg_ready ready = msg->ready;
    // All leases of a worker can end in one step, which must fit a batch.
    if (ready.slots > core->limits.changed_count_max / 4)
        ready.slots = core->limits.changed_count_max / 4;
    err served = workers_ready(&core->workers, no, &ready);
    if (served != OK) {
        effects_send(fx, peer, MSG_ERROR, msg->corr)->error = (struct msg_error){
            .error = served,
            .detail = slice_of_text("serve_count_max: too many (worker, lane) pairs")};
        return;
    }
    simulations_offer(&core->simulations, no, &ready);
    // Answered like a heartbeat, so that a lost READY is repeated.
    effects_send(fx, peer, MSG_RENEWED, msg->corr)->renewed =
        (struct msg_renewed){.drain = workers_at(&core->workers, no)->drain};
}
