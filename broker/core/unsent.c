// Station unsent: jobs that never left, because their worker's connection was gone or full. They
// go back to their queues at once, as interruptions, instead of waiting for their leases to pass.

#include "broker/core/core_private.h"

void unsent_step(struct core *core, struct now now, const struct command *command,
                 struct effects *fx)
{
    static const struct lease_end end = {.reason = "it never left the broker"};
    for (uint32_t i = 0; i < command->unsent.count; i++) {
        const struct msg_held *held = &command->unsent.items[i];
        uint32_t no = leases_find(&core->leases, held->token);
        // The worker's next session may have ended it already.
        if (no == LEASES_NONE || !id_equal(&leases_at(&core->leases, no)->job_id, &held->job_id))
            continue;
        uint32_t worker = leases_at(&core->leases, no)->worker;
        lease_end_session(core, now, no, &end, fx);
        lease_forget_idle(core, worker);
    }
}
