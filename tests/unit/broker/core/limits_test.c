// The defaults fit each other.

#include "broker/core/limits.h"

#include "proto/msg.h"
#include "tests/support/test.h"

TEST(limits, a_message_of_any_allowed_size_fits_a_batch)
{
    struct limits limits = limits_default();
    EXPECT(limits.changed_count_max >= MSG_JOBS_MAX);
    EXPECT(limits.changed_count_max >= 2 * LIMITS_STEP_RECORDS_MAX);
    // A HELLO ends at most a quarter of a batch and may name MSG_HELD_MAX jobs, four to a place.
    EXPECT(limits.changed_count_max >= limits.changed_count_max / 4 + MSG_HELD_MAX / 4);
    EXPECT(limits.changed_count_max >= MSG_JOBS_MAX + MSG_HELD_MAX / 4);
}

TEST(limits, tables_with_two_byte_numbers_stay_below_them)
{
    struct limits limits = limits_default();
    EXPECT(limits.lane_count_max <= UINT16_MAX && limits.policy_count_max <= UINT16_MAX);
}

TEST(limits, leases_outlast_missed_renewals)
{
    struct limits limits = limits_default();
    EXPECT(limits.lease_ms >= 3 * limits.renew_ms);
    EXPECT(limits.worker_count_max <= limits.peer_count_max);
    EXPECT(limits.lease_count_max >= limits.worker_count_max);
}
