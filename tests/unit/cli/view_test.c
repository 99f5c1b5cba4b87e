#include "cli/view.h"
#include "tests/support/test.h"

#include <stdlib.h>

static struct msg_status_is dead_job(void)
{
    return (struct msg_status_is){
        .state = JOB_DEAD,
        .errors = 1,
        .crashes = 2,
        .failure = {.kind = slice_of_text("exit"),
                    .message = slice_of_text("exit status 3: no row\033[2J"),
                    .detail = slice_of_text("first\tline\n\nno row\033[2J\n")},
    };
}

TEST(view, failure_counts_in_english_and_is_safe_for_a_terminal)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct msg_status_is status = dead_job();
    view_failure(out, &status);
    EXPECT_EQ(fclose(out), 0);
    EXPECT_STR(text, "dead after 1 error and 2 crashes: exit, exit status 3: no row?[2J\n"
                     "what the handler wrote last:\n"
                     "first\tline\n\nno row?[2J\n");
    free(text);
}

// What is said of a batch `spent` after its creation.
static const char *rate_of(struct msg_batch_status_is batch, when_ms spent)
{
    static char line[128];
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    batch.created_at = 1000000;
    struct view view = {.out = out, .now = spent == 0 ? 0 : batch.created_at + spent};
    view_batch(&view, &batch);
    EXPECT_EQ(fclose(out), 0);
    const char *rate = strstr(text, "rate ");
    (void)snprintf(line, sizeof line, "%s", rate != NULL ? rate : "");
    free(text);
    return line;
}

TEST(view, rate_of_a_batch_is_an_average_and_says_what_is_left)
{
    struct msg_batch_status_is batch = {.is_sealed = true};
    batch.counts[JOB_QUEUED] = 30;
    EXPECT_STR(rate_of(batch, 10000), ""); // nothing has ended
    batch.counts[JOB_SUCCEEDED] = 8;
    batch.counts[JOB_DEAD] = 2;
    EXPECT_STR(rate_of(batch, 20000),
               "rate           0.5/s since it was created, 61s more at that rate\n");
    EXPECT_STR(rate_of(batch, 0), "");      // what time it is, nobody knows
    EXPECT_STR(rate_of(batch, -20000), ""); // a clock is behind the broker's
    batch.is_sealed = false;                // more may join
    EXPECT_STR(rate_of(batch, 20000), "rate           0.5/s since it was created\n");
    batch.is_sealed = true;
    batch.counts[JOB_QUEUED] = 0;
    batch.finished_at = 1000000 + 5000;
    EXPECT_STR(rate_of(batch, 20000), "rate           2.0/s since it was created\n");
}
