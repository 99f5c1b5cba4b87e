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
