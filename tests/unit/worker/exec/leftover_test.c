// Only what is certainly ours is killed.

#include "worker/exec/leftover.h"

#include "lib/base/slice.h"
#include "lib/sys/process.h"
#include "tests/support/test.h"

#include <sys/wait.h>
#include <unistd.h>

// A process that waits for ever, as the leader of its own group, with this variable.
static pid_t start(const char *variable)
{
    char path_word[] = "PATH=/bin:/usr/bin";
    char variable_word[64];
    char sh_word[] = "sh";
    char flag_word[] = "-c";
    char script_word[] = "echo; exec sleep 1000";
    char *const environment[] = {path_word, variable_word, NULL};
    char *const program[] = {sh_word, flag_word, script_word, NULL};
    EXPECT(slice_to_text(slice_of_text(variable), variable_word, sizeof variable_word));
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)dup2(ends[1], 1);
        (void)execve("/bin/sh", program, environment);
        _exit(1);
    }
    char byte;
    EXPECT_EQ(close(ends[1]), 0);
    EXPECT_EQ(read(ends[0], &byte, 1), 1); // its environment is in place
    EXPECT_EQ(close(ends[0]), 0);
    return pid;
}

static int how_it_ended(pid_t pid)
{
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(leftover, the_session_and_only_the_session_is_killed)
{
    pid_t ours = start("WEFT_SESSION=00000000deadbeef");
    pid_t others = start("WEFT_SESSION=00000000deadbee0");
    pid_t longer = start("WEFT_SESSION=00000000deadbeef1");
    EXPECT_EQ(leftover_kill_session(0xdeadbeef), 1);
    EXPECT_EQ(how_it_ended(ours), SIGKILL);
    EXPECT_EQ(waitpid(others, NULL, WNOHANG), 0);
    EXPECT_EQ(waitpid(longer, NULL, WNOHANG), 0);
    EXPECT_EQ(kill(others, SIGTERM), 0);
    EXPECT_EQ(kill(longer, SIGTERM), 0);
    EXPECT_EQ(how_it_ended(others), SIGTERM);
    EXPECT_EQ(how_it_ended(longer), SIGTERM);
}

TEST(leftover, a_group_is_killed_only_if_it_began_then)
{
    pid_t pid = start("A=b");
    uint64_t ticks = 0;
    EXPECT_EQ(process_start(pid, &ticks), OK);
    EXPECT(!leftover_kill_group(pid, ticks + 1)); // a stranger with the same number
    EXPECT_EQ(waitpid(pid, NULL, WNOHANG), 0);
    EXPECT(leftover_kill_group(pid, ticks));
    EXPECT_EQ(how_it_ended(pid), SIGKILL);
    EXPECT(!leftover_kill_group(pid, ticks));
    EXPECT(!leftover_kill_group(0, 0));
    EXPECT(!leftover_kill_group(1, 0));
}
