#include "lib/sys/failpoint.h"
#include "tests/support/test.h"

#include <sys/wait.h>
#include <unistd.h>

// How many of three passes through "commit.before" a process survives with this setting; -1 when
// the setting is refused.
static int passes_survived(const char *setting)
{
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(STDERR_FILENO);
        if (setting != NULL)
            (void)setenv("WEFT_FAILPOINT", setting, 1);
        if (failpoint_init() != OK)
            _exit(9);
        for (int i = 0; i < 3; i++) {
            failpoint_hit("commit.after");
            failpoint_hit("commit.before");
            if (write(ends[1], "x", 1) != 1)
                _exit(8);
        }
        _exit(0);
    }
    EXPECT_EQ(close(ends[1]), 0);
    int passes = 0;
    char byte;
    while (read(ends[0], &byte, 1) == 1)
        passes++;
    EXPECT_EQ(close(ends[0]), 0);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 9)
        return -1;
    if (passes < 3)
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    else
        EXPECT_EQ(status, 0);
    return passes;
}

TEST(failpoint, kills_at_the_pass_that_was_asked_for)
{
    EXPECT_EQ(passes_survived("commit.before"), 0);
    EXPECT_EQ(passes_survived("commit.before:1"), 0);
    EXPECT_EQ(passes_survived("commit.before:3"), 2);
    EXPECT_EQ(passes_survived("commit.before:4"), 3);
}

TEST(failpoint, does_nothing_when_not_set)
{
    EXPECT_EQ(passes_survived(NULL), 3);
    EXPECT_EQ(passes_survived(""), 3);
    EXPECT_EQ(passes_survived("commit"), 3);
}

TEST(failpoint, refuses_what_it_cannot_read)
{
    static const char *const bad[] = {
        ":", ":3", "a:", "a:0", "a:-1", "a:3x", "a:99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_EQ(passes_survived(bad[i]), -1);
}
