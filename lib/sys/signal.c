// signalfd, so that signals are one more thing to wait for and never interrupt anything.

#include "lib/sys/signal.h"

#include "lib/base/check.h"

#include <errno.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void waited_for(sigset_t *out_set)
{
    (void)sigemptyset(out_set);
    (void)sigaddset(out_set, SIGTERM);
    (void)sigaddset(out_set, SIGINT);
    (void)sigaddset(out_set, SIGHUP);
    (void)sigaddset(out_set, SIGCHLD);
}

err signal_open(int *out_fd)
{
    sigset_t set;
    waited_for(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR_SYSTEM;
    // A peer that closes its end is an error of that write, not the end of this process.
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, &ignore, NULL) != 0)
        return ERR_SYSTEM;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    *out_fd = fd;
    return OK;
}

static const char *last_words;
static struct sigaction usual_end[2];

// Then the signal comes again and ends the process as it would have without this.
static void say_last_words(int number)
{
    ssize_t written = write(STDERR_FILENO, last_words, strlen(last_words));
    (void)written; // nobody is left to tell
    (void)sigaction(number, &usual_end[number == SIGSEGV], NULL);
    (void)raise(number);
}

void signal_last_words(const char *line)
{
    last_words = line;
    struct sigaction say = {.sa_handler = say_last_words};
    (void)sigaction(SIGBUS, &say, &usual_end[0]); // neither fails for these two
    (void)sigaction(SIGSEGV, &say, &usual_end[1]);
}

void signal_close(int fd)
{
    (void)close(fd); // nothing is buffered
}

int signal_take(int fd)
{
    struct signalfd_siginfo info;
    ssize_t len = read(fd, &info, sizeof info);
    if (len < 0) {
        CHECK(errno == EAGAIN || errno == EINTR);
        return 0;
    }
    CHECK(len == (ssize_t)sizeof info);
    return (int)info.ssi_signo;
}

void signal_reset(void)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    struct sigaction usual = {.sa_handler = SIG_DFL};
    (void)sigaction(SIGPIPE, &usual, NULL);
}
