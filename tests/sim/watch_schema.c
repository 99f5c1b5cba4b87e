// Schemas of payloads: a type gets another one while jobs that kept to the old one are there, and
// are submitted again. Those are known, whatever the new one says; others are refused by it. Which
// one holds is known by the entries.

#include "tests/sim/sim.h"

// It is stored, and cannot have been forgotten yet.
static bool is_known(const struct sim *sim, const struct id *id)
{
    const struct job_row *row = model_find(&sim->store, id);
    return row != NULL && sim->now.store < row->dedup_until;
}

void watch_schema_answer(const struct sim *sim, const struct msg_submit *submit,
                         const struct msg_submitted *answer)
{
    for (uint32_t i = 0; i < submit->count; i++) {
        const struct msg_submit_job *job = &submit->jobs[i];
        const struct msg_submitted_job *said = &answer->jobs[i];
        const struct msg_type_set *set = watch_queue_type(sim, job);
        if (set == NULL || !schema_breaks(schema_eighth(set->schema.bytes), job)) {
            SIM_EXPECT(said->error != ERR_SCHEMA, "only what breaks a schema is refused for it");
            continue;
        }
        SIM_EXPECT(said->error != OK || said->replayed,
                   "a payload that breaks its type's schema is not accepted");
        SIM_EXPECT(said->error != ERR_SCHEMA || !is_known(sim, &job->job_id),
                   "a known job is known whatever the schema says by now");
        if (said->error == ERR_SCHEMA)
            watch_seen(SEEN_SCHEMA);
        if (said->error == OK)
            watch_seen(SEEN_SCHEMA_REPLAY);
    }
}
