#include "lib/sys/process.h"
#include "tests/support/test.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(process, tells_when_a_process_was_started)
{
    uint64_t first = 0;
    uint64_t again = 0;
    uint64_t parents = 0;
    EXPECT_EQ(process_start(getpid(), &first), OK);
    process_name("odd ) name (");
    EXPECT_EQ(process_start(getpid(), &again), OK);
    EXPECT(first > 0 && first == again);
    EXPECT_EQ(process_start(getppid(), &parents), OK);
    EXPECT(parents <= first);
}

TEST(process, knows_no_process_that_has_gone)
{
    uint64_t ticks = 77;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    EXPECT_EQ(waitpid(child, NULL, 0), child);
    EXPECT_EQ(process_start(child, &ticks), ERR_NOT_FOUND);
    EXPECT_EQ(ticks, 77);
}

TEST(process, is_named)
{
    char name[17] = "";
    process_name("weft-commit-and-more");
    EXPECT_EQ(prctl(PR_GET_NAME, name), 0);
    EXPECT_STR(name, "weft-commit-and");
}

// A grandchild that dies with its parent closes the pipe; one that does not keeps it open.
TEST(process, dies_with_its_parent)
{
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_t parent = fork();
    if (parent == 0) {
        pid_t self = getpid();
        if (fork() == 0) {
            if (!process_die_with(self) || process_die_with(self + 1))
                _exit(1);
            if (write(ends[1], "x", 1) != 1)
                _exit(1);
            for (;;)
                (void)pause();
        }
        for (;;)
            (void)pause();
    }
    EXPECT_EQ(close(ends[1]), 0);
    char byte;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    EXPECT_EQ(kill(parent, SIGKILL), 0);
    EXPECT_EQ(waitpid(parent, NULL, 0), parent);
    EXPECT_EQ(read(ends[0], &byte, 1), 0);
    EXPECT_EQ(close(ends[0]), 0);
}
