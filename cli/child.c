// fork, exec, a pipe and a file with the process id.

#define _GNU_SOURCE // pipe2
#include "cli/child.h"

#include "cli/ready.h"
#include "lib/base/check.h"
#include "lib/sys/file.h"
#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "lib/sys/signal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

struct child child_of(const char *name, char *const *argv, const char *pid_path)
{
    return (struct child){.name = name, .argv = argv, .pid_path = pid_path, .out_fd = -1};
}

// Between fork and exec: only what is safe there.
_Noreturn static void become(const struct child *child, pid_t parent, int out_fd)
{
    if (!process_die_with(parent))
        _exit(1);
    signal_reset();
    if (dup2(out_fd, STDOUT_FILENO) >= 0)
        (void)execv("/proc/self/exe", child->argv);
    _exit(126); // what shells say of a program that cannot be run
}

// A child is not given up because a full disk has no room for its number: it may be the one that
// makes room again.
static void write_pid(const struct child *child)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)child->pid);
    CHECK(len > 0 && (size_t)len < sizeof text);
    err e = file_write(child->pid_path, slice_of(text, (size_t)len));
    if (e != OK)
        log_warn("dev.pid_not_written", "path=%s error=%s", log_quote_text(child->pid_path).text,
                 err_slug(e));
}

static void close_out(struct child *child)
{
    if (child->out_fd >= 0)
        (void)close(child->out_fd); // only read from
    child->out_fd = -1;
}

err child_start(struct child *child, when_ms now)
{
    CHECK(child->pid == 0);
    int ends[2];
    pid_t parent = getpid();
    close_out(child);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_SYSTEM;
    pid_t pid = fork();
    if (pid == 0)
        become(child, parent, ends[1]);
    int kept = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        errno = kept;
        return ERR_SYSTEM;
    }
    child->pid = pid;
    child->out_fd = ends[0];
    child->is_ready = false;
    child->line_len = 0;
    child->started_at = now;
    child->start_count++;
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    write_pid(child);
    return OK;
}

static void end_line(struct child *child)
{
    struct slice line = slice_of(child->line, child->line_len);
    if (ready_is_line(line)) {
        (void)slice_to_text(line, child->ready_line, sizeof child->ready_line);
        child->is_ready = true;
        child->was_ready = true;
    }
    child->line_len = 0;
}

static void take_byte(struct child *child, char byte)
{
    if (byte == '\n')
        end_line(child);
    else if (child->line_len < sizeof child->line)
        child->line[child->line_len++] = byte; // the rest of a longer line is dropped
}

void child_read(struct child *child)
{
    char bytes[512];
    while (child->out_fd >= 0) {
        ssize_t len = read(child->out_fd, bytes, sizeof bytes);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return;
        if (len <= 0) {
            close_out(child);
            return;
        }
        for (ssize_t i = 0; i < len; i++)
            take_byte(child, bytes[i]);
    }
}

static when_ms pause_ms(const struct child *child)
{
    if (child->quick_count < CHILD_QUICK_COUNT)
        return 0;
    when_ms pause = CHILD_PAUSE_FIRST_MS;
    for (unsigned i = CHILD_QUICK_COUNT; i < child->quick_count && pause < CHILD_PAUSE_LONGEST_MS;
         i++)
        pause *= 2;
    return when_min(pause, CHILD_PAUSE_LONGEST_MS);
}

void child_died(struct child *child, when_ms now, int status)
{
    CHECK(child->pid != 0);
    child_read(child);
    close_out(child);
    child->pid = 0;
    child->is_ready = false;
    child->status = status;
    // A kill from outside says nothing about the child.
    bool is_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    bool is_quick = !is_killed && now - child->started_at < CHILD_QUICK_MS;
    child->quick_count = is_quick ? child->quick_count + 1 : 0;
    child->start_at = when_after(now, pause_ms(child));
}

void child_kill(const struct child *child, int number)
{
    if (child->pid != 0)
        (void)kill(child->pid, number); // not reaped yet, so the id is its own
}

void child_forget(struct child *child)
{
    close_out(child);
    (void)unlink(child->pid_path); // a stale one is no obstacle
}

const char *child_death(const struct child *child)
{
    static char text[64];
    if (WIFSIGNALED(child->status))
        (void)snprintf(text, sizeof text, "was killed by signal %d", WTERMSIG(child->status));
    else
        (void)snprintf(text, sizeof text, "ended with code %d", WEXITSTATUS(child->status));
    return text;
}
