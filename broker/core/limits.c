// The defaults. Each is documented, with its cost in memory, in docs/limits.md.

#include "broker/core/limits.h"

struct limits limits_default(void)
{
    return (struct limits){
        .job_count_max = 10 * 1000 * 1000,
        .key_count_max = 32 * 1000 * 1000,
        .tenant_count_max = 1024,
        .queue_count_max = 4096,
        .type_count_max = 4096,
        .lane_count_max = 4096,
        .concurrency_key_count_max = 1000 * 1000,
        .key_running_max = 1,
        .policy_count_max = 4096,
        .batch_count_max = 65536,
        .unique_count_max = 1000 * 1000,
        .schedule_count_max = 10000,
        .endpoint_count_max = 1024,
        .operation_count_max = 256,
        .dependency_count_max = 1000 * 1000,
        .worker_count_max = 16384,
        .lease_count_max = 262144,
        .serve_count_max = 262144,
        .peer_count_max = 65536,
        .changed_count_max = 16384,
        .send_count_max = 16384,
        .lease_ms = 30 * 1000,
        .batch_seal_ms = 60 * 1000,
        .simulation_ms = 2000,
        .renew_ms = 5 * 1000,
        .deadline_grace_ms = 30 * 1000,
        .timeout_default_ms = 30 * 1000,
        .keep_default_s = 24 * 3600,
        .dedup_window_s = 24 * 3600,
        .age_step_ms = 60 * 1000,
    };
}
