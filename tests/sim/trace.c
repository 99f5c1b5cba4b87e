// The hash of a run's trace: the bytes of everything the broker wrote, said and handed out, in
// order, as the store and the wire would have them. Two builds, or two stores, that differ in one
// bit of one effect have different traces.

#include "broker/store/store_record.h"
#include "tests/sim/sim.h"

enum { RECORD_MAX = 64 * 1024, MESSAGE_ROOM = 4 * 1024 * 1024 };

static void add_bytes(struct sim *sim, struct slice bytes)
{
    uint64_t hash = sim->trace; // FNV-1a
    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001b3u;
    sim->trace = hash;
}

void trace_number(struct sim *sim, uint64_t number)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
    add_bytes(sim, slice_of(bytes, sizeof bytes));
}

static void add_msg(struct sim *sim, const struct msg *msg)
{
    static uint8_t memory[MESSAGE_ROOM];
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct wire_frames frames;
    SIM_EXPECT(wire_encode(msg, &arena, &frames) == OK, "what the broker says can be encoded");
    add_bytes(sim, frames.envelope);
    add_bytes(sim, frames.block);
}

// --- records ---

// Where nothing is given anew, nothing stands in its place.
static size_t put_schedule(uint8_t *room, struct slice key, const struct write_schedule *write)
{
    static struct msg_submit_job no_job;
    static const struct msg_schedule nothing = {.jobs = &no_job, .job_count = 1};
    const struct msg_schedule *given = write->given != NULL ? write->given : &nothing;
    store_record_put_schedule(room, key, &write->row, given);
    return store_record_schedule_len(given);
}

// The store's own encoder fills the room; the length is that of the record.
static size_t put_record(uint8_t *room, struct slice key, const struct write *write)
{
    switch (write->kind) {
    case WRITE_JOB:
        store_record_put_job(room, key, &write->job.row);
        return store_record_job_len(&write->job.row);
    case WRITE_BODY:
        store_record_put_body(room, key, write->body.job);
        return store_record_body_len(write->body.job);
    case WRITE_OUTCOME:
        store_record_put_outcome(room, key, write->outcome.finish);
        return store_record_outcome_len(write->outcome.finish);
    case WRITE_PROGRESS:
        store_record_put_progress(room, key, write->progress.progress);
        return store_record_progress_len(write->progress.progress);
    case WRITE_EVENT:
        store_record_put_event(room, key, &write->event.row);
        return store_record_event_len(&write->event.row);
    case WRITE_LOG:
        store_record_put_log(room, key, &(struct store_record_log){0}, &write->log);
        return store_record_log_len(&(struct store_record_log){0}, &write->log);
    case WRITE_LANE:
    case DROP_LANE:
        store_record_put_lane(room, key, &write->lane);
        return store_record_lane_len(&write->lane);
    case WRITE_TYPE:
        store_record_put_type(room, key, &write->type);
        return store_record_type_len(&write->type);
    case WRITE_QUEUE:
    case DROP_QUEUE:
        store_record_put_queue(room, key, &write->queue);
        return store_record_queue_len(&write->queue);
    case WRITE_POLICY:
        store_record_put_policy(room, key, &write->policy.policy);
        return store_record_policy_len(&write->policy.policy);
    case WRITE_BATCH:
    case DROP_BATCH:
        store_record_put_batch(room, key, &write->batch);
        return store_record_batch_len(&write->batch);
    case WRITE_UNIQUE:
    case DROP_UNIQUE:
        store_record_put_unique(room, key, &write->unique);
        return STORE_RECORD_UNIQUE_LEN + DISK_SEAL_LEN;
    case WRITE_ENDPOINT:
    case DROP_ENDPOINT:
        store_record_put_endpoint(room, key, &write->endpoint);
        return store_record_endpoint_len(&write->endpoint);
    case WRITE_DEP:
        store_record_put_dep(room, key, &write->dep);
        return store_record_dep_len(&write->dep);
    case WRITE_OPERATION:
        store_record_put_operation(room, key, &write->operation);
        return store_record_operation_len(&write->operation);
    case DROP_OPERATION:
    case DROP_DEP: return 0;
    case WRITE_LEDGER:
        store_record_put_ledger(room, key, &write->ledger);
        return STORE_RECORD_LEDGER_LEN + DISK_SEAL_LEN;
    case WRITE_SCHEDULE:
    case DROP_SCHEDULE: return put_schedule(room, key, &write->schedule);
    case DROP_BODY:
    case DROP_JOB:
        store_record_put_job(room, key, &write->drop);
        return store_record_job_len(&write->drop);
    }
    sim_fail("an unknown kind of write");
}

static uint64_t number_of(const struct write *write)
{
    switch (write->kind) {
    case WRITE_JOB: return write->job.row.no;
    case WRITE_BODY: return write->body.job_no;
    case WRITE_OUTCOME: return write->outcome.job_no;
    case WRITE_PROGRESS: return write->progress.job_no;
    case WRITE_EVENT: return write->event.job_no;
    case WRITE_LOG: return write->log.job_no;
    case WRITE_LANE:
    case DROP_LANE: return write->lane.no;
    case WRITE_TYPE: return write->type.no;
    case WRITE_QUEUE:
    case DROP_QUEUE: return write->queue.no;
    case WRITE_POLICY: return write->policy.no;
    case WRITE_BATCH:
    case DROP_BATCH: return write->batch.no;
    case WRITE_UNIQUE:
    case DROP_UNIQUE: return write->unique.no;
    case WRITE_DEP:
    case DROP_DEP: return write->dep.no;
    case WRITE_OPERATION:
    case DROP_OPERATION:
    case WRITE_ENDPOINT:
    case DROP_ENDPOINT:
    case WRITE_SCHEDULE:
    case DROP_SCHEDULE:
    case WRITE_LEDGER: return 0;
    case DROP_BODY:
    case DROP_JOB: return write->drop.no;
    }
    sim_fail("an unknown kind of write");
}

static void add_write(struct sim *sim, const struct write *write)
{
    static uint8_t room[RECORD_MAX];
    struct disk_key number = disk_key_of(number_of(write));
    struct slice key = disk_key_slice(&number);
    trace_number(sim, write->kind);
    add_bytes(sim, key);
    add_bytes(sim, slice_of(room, put_record(room, key, write)));
}

// --- a batch ---

void trace_batch(struct sim *sim, const struct effects *fx)
{
    trace_number(sim, (uint64_t)sim->now.mono);
    for (uint32_t i = 0; i < fx->write_count; i++)
        add_write(sim, &fx->writes[i]);
    for (uint32_t i = 0; i < fx->send_count; i++) {
        trace_number(sim, fx->sends[i].peer);
        add_msg(sim, &fx->sends[i].msg);
    }
    for (uint32_t i = 0; i < fx->grant_count; i++) {
        const struct grant_send *grant = &fx->grants[i];
        trace_number(sim, (uint64_t)grant->peer << 1 | grant->has_body);
        add_msg(sim,
                &(struct msg){.kind = MSG_JOBS, .jobs = {.jobs = &fx->grants[i].job, .count = 1}});
    }
}
