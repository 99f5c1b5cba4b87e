// Settings: what is not given is what the core calls its default.

#include "broker/shell/options.h"
#include "proto/check.h"
#include "tests/support/test.h"

#include <stdio.h>

static err read_words(struct options *options, int count, const char *const *words)
{
    char *argv[8] = {NULL};
    static char room[8][64];
    for (int i = 0; i < count; i++) {
        (void)snprintf(room[i], sizeof room[i], "%s", words[i]);
        argv[i] = room[i];
    }
    *options = (struct options){0};
    return options_read(options, count, argv);
}

TEST(options, nothing_given_is_the_default_of_the_core)
{
    struct options options;
    EXPECT_EQ(read_words(&options, 0, NULL), OK);
    struct limits expected = limits_default();
    EXPECT_EQ(options.limits.job_count_max, expected.job_count_max);
    EXPECT_EQ(options.limits.key_count_max, expected.key_count_max);
    EXPECT_EQ(options.limits.lane_count_max, expected.lane_count_max);
    EXPECT_EQ(options.limits.policy_count_max, expected.policy_count_max);
    EXPECT_EQ(options.limits.batch_count_max, expected.batch_count_max);
    EXPECT_EQ(options.limits.unique_count_max, expected.unique_count_max);
    EXPECT_EQ(options.limits.operation_count_max, expected.operation_count_max);
    EXPECT_EQ(options.limits.dependency_count_max, expected.dependency_count_max);
    EXPECT_EQ(options.limits.worker_count_max, expected.worker_count_max);
    EXPECT_EQ(options.limits.lease_count_max, expected.lease_count_max);
    EXPECT_EQ(options.limits.serve_count_max, expected.serve_count_max);
    EXPECT_EQ(options.limits.peer_count_max, expected.peer_count_max);
    EXPECT_EQ(options.limits.changed_count_max, expected.changed_count_max);
    EXPECT_EQ(options.limits.send_count_max, expected.send_count_max);
    EXPECT_EQ(options.limits.lease_ms, expected.lease_ms);
    EXPECT_EQ(options.limits.renew_ms, expected.renew_ms);
    EXPECT_EQ(options.limits.timeout_default_ms, expected.timeout_default_ms);
    EXPECT_EQ(options.limits.keep_default_s, expected.keep_default_s);
    EXPECT_EQ(options.limits.dedup_window_s, expected.dedup_window_s);
    EXPECT_EQ(options.limits.age_step_ms, expected.age_step_ms);
    options_deinit(&options);
}

TEST(options, given_values_win)
{
    struct options options;
    const char *const words[] = {"--lease", "2s", "--renew=500ms", "--metrics", "off"};
    EXPECT_EQ(read_words(&options, 5, words), OK);
    EXPECT_EQ(options.limits.lease_ms, 2000);
    EXPECT_EQ(options.limits.renew_ms, 500);
    EXPECT(options.metrics == NULL);
    options_deinit(&options);
}

// WEFT_TIMEOUT and WEFT_KEEP are read by broker, push and run alike.
TEST(options, a_default_may_be_whatever_a_job_may_ask_for)
{
    struct options options;
    const char *const longest[] = {"--timeout", "7d", "--keep", "3660d"};
    EXPECT_EQ(read_words(&options, 4, longest), OK);
    EXPECT_EQ(options.limits.timeout_default_ms, CHECK_TIMEOUT_MS_MAX);
    EXPECT_EQ(options.limits.keep_default_s, CHECK_KEEP_S_MAX);
    options_deinit(&options);
    const char *const longer[] = {"--timeout", "169h"};
    EXPECT_EQ(read_words(&options, 2, longer), ERR_BAD_FIELD);
    options_deinit(&options);
}

TEST(options, a_renewal_must_fit_twice_into_a_lease)
{
    struct options options;
    const char *const words[] = {"--lease", "1s", "--renew", "501ms"};
    EXPECT_EQ(read_words(&options, 4, words), ERR_BAD_FIELD);
    EXPECT(options.config.problem[0] != '\0');
    options_deinit(&options);
}

TEST(options, every_message_must_fit_into_a_batch)
{
    struct options options;
    const char *const words[] = {"--changed-count-max", "1000"};
    EXPECT_EQ(read_words(&options, 2, words), ERR_BAD_FIELD);
    options_deinit(&options);
}
