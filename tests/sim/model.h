#pragma once

// The durable world of the simulator: rows as they are, applied whole or not at all.

#include "broker/core/core.h"
#include "broker/core/endpoints.h"
#include "broker/core/job.h"
#include "broker/core/row.h"
#include "tests/sim/bounds.h"

struct sim_outcome {
    bool is_there;
    uint8_t outcome; // enum outcome of the last one written
};

// What the job's timeline has come to.
struct sim_history {
    uint32_t event_count;
    uint32_t version; // of the last event
    uint32_t log_count;
    uint64_t log_token; // of the last line
    uint64_t log_line;  // that it is, of its attempt
};

struct sim_schedule {
    struct schedule_row row;
    const struct msg_schedule *given; // NULL: there is none
};

struct sim_operation {
    struct operation_row row; // no id: there is none
    uint8_t texts[6][MSG_NAME_LEN_MAX];
};

struct sim_endpoint {
    struct endpoint_row row; // generation 0: there is none
    uint8_t text[256];
};

struct sim_store {
    struct job_row rows[SIM_JOBS];                 // by number; no == 0: none
    const struct msg_submit_job *bodies[SIM_JOBS]; // NULL: none; they live as long as the run
    struct sim_outcome outcomes[SIM_JOBS];
    struct sim_history histories[SIM_JOBS];
    struct policy policies[64];
    bool has_policy[64];
    struct lane_row lanes[64];
    uint8_t lane_names[64][3][MSG_NAME_LEN_MAX]; // queue, type, tenant
    uint32_t lane_count;
    struct queue_row queues[SIM_QUEUES]; // by number; unused ones have no name
    uint64_t accepted_before;            // by queues that are not known any more
    struct type_row types[SIM_TYPES];    // by number; unused ones have no name
    uint8_t type_names[SIM_TYPES][2][MSG_NAME_LEN_MAX];
    uint8_t queue_names[SIM_QUEUES][2][MSG_NAME_LEN_MAX]; // queue, tenant
    struct batch_row batches[SIM_BATCHES];
    uint8_t batch_tenants[SIM_BATCHES][MSG_NAME_LEN_MAX];
    bool has_batch[SIM_BATCHES];
    struct unique_row uniques[SIM_JOBS]; // by holder; no == 0: none
    struct dep_row deps[SIM_JOBS];       // by job; no == 0: none
    struct id parents[SIM_JOBS][SIM_PARENTS];
    struct ledger_row ledger;
    struct sim_schedule schedules[SIM_SCHEDULES];
    struct sim_operation operations[SIM_OPERATIONS];
    struct sim_endpoint endpoints[SIM_ENDPOINTS];
};

extern const char *const sim_schedule_names[SIM_SCHEDULES];
// Its place, whether or not there is one.
struct sim_schedule *model_schedule(struct sim_store *store, struct slice name);
// NULL: there is none.
struct sim_endpoint *model_endpoint(struct sim_store *store, struct slice tenant, struct slice id);
const struct operation_row *model_operation(const struct sim_store *store, const struct id *id);
void model_apply(struct sim_store *store, const struct write *writes, uint32_t count);
const struct job_row *model_find(const struct sim_store *store, const struct id *id);
struct known model_known(struct sim_store *store);
// Loads a core. `store` is not changed.
void model_load(struct sim_store *store, struct core *core);
