#include "lib/sys/signal.h"
#include "tests/support/test.h"

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static int next_of(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    EXPECT_EQ(poll(&item, 1, 20000), 1);
    return signal_take(fd);
}

TEST(signal_fd, gives_signals_as_data)
{
    int fd = -1;
    EXPECT_EQ(signal_open(&fd), OK);
    EXPECT_EQ(signal_take(fd), 0);
    static const int expected[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        EXPECT_EQ(kill(getpid(), expected[i]), 0);
        EXPECT_EQ(next_of(fd), expected[i]);
    }
    EXPECT_EQ(signal_take(fd), 0);
    signal_close(fd);
}

TEST(signal_fd, tells_of_ended_children)
{
    int fd = -1;
    EXPECT_EQ(signal_open(&fd), OK);
    pid_t child = fork();
    if (child == 0)
        _exit(3);
    EXPECT_EQ(next_of(fd), SIGCHLD);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 3);
    signal_close(fd);
}

TEST(signal_fd, survives_a_broken_pipe)
{
    int fd = -1;
    int ends[2];
    EXPECT_EQ(signal_open(&fd), OK);
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(close(ends[0]), 0);
    EXPECT_EQ(write(ends[1], "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
    EXPECT_EQ(close(ends[1]), 0);
    signal_close(fd);
}

TEST(signal_fd, is_undone_for_children)
{
    int fd = -1;
    EXPECT_EQ(signal_open(&fd), OK);
    pid_t child = fork();
    if (child == 0) {
        signal_reset();
        sigset_t blocked;
        struct sigaction pipe_action;
        bool clean =
            sigprocmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGTERM) == 0 &&
            sigaction(SIGPIPE, NULL, &pipe_action) == 0 && pipe_action.sa_handler == SIG_DFL;
        _exit(clean ? 0 : 1);
    }
    int status = 1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    signal_close(fd);
}
