#pragma once

// Tables for a few jobs, so that a core can be made for each of thousands of tries.

#include "broker/core/limits.h"

static inline struct limits small_limits(uint32_t jobs)
{
    return (struct limits){.job_count_max = jobs,
                           .key_count_max = jobs,
                           .tenant_count_max = 2,
                           .queue_count_max = 4,
                           .type_count_max = 2,
                           .lane_count_max = 4,
                           .concurrency_key_count_max = 4,
                           .key_running_max = 1,
                           .policy_count_max = 4,
                           .unique_count_max = 4,
                           .dependency_count_max = 4,
                           .batch_count_max = 4,
                           .schedule_count_max = 2,
                           .endpoint_count_max = 4,
                           .operation_count_max = 2,
                           .worker_count_max = 4,
                           .lease_count_max = 4,
                           .serve_count_max = 4,
                           .peer_count_max = 4,
                           .changed_count_max = 4,
                           .send_count_max = 4};
}
