// Handlers are started as they should be, and die with whoever started them.

#include "worker/exec/spawner.h"

#include "lib/sys/process.h"
#include "tests/support/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000 };

static unsigned forks_until_none; // 0: there is room for each

// Stands before the C library's.
pid_t fork(void)
{
    errno = EAGAIN;
    if (forks_until_none > 0 && --forks_until_none == 0)
        return -1;
    return ((__typeof__(&fork))(uintptr_t)dlsym(RTLD_NEXT, "fork"))();
}

static struct spawner spawner;

// Up to three words.
static void begin(const char *first, const char *second, const char *third)
{
    static char room[3][256];
    static char *program[4];
    const char *words[] = {first, second, third};
    for (int i = 0; i < 3; i++) {
        program[i] = words[i] != NULL ? room[i] : NULL;
        EXPECT(words[i] == NULL || slice_to_text(slice_of_text(words[i]), room[i], sizeof room[i]));
    }
    EXPECT_EQ(spawner_start(&spawner, program, &(struct spawner_limits){.cpu_s = 0}), OK);
}

struct pipes {
    int near[SPAWNER_DESCRIPTORS];
    int far[SPAWNER_DESCRIPTORS];
};

static struct pipes make_pipes(void)
{
    struct pipes pipes;
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++) {
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        pipes.near[i] = ends[i == 0 ? 1 : 0];
        pipes.far[i] = ends[i == 0 ? 0 : 1];
    }
    return pipes;
}

static struct pipes ask(uint64_t number, const char *variable)
{
    struct pipes pipes = make_pipes();
    struct slice variables[1] = {slice_of_text(variable)};
    struct spawner_run run = {.number = number, .variables = variables, .variable_count = 1};
    memcpy(run.descriptors, pipes.far, sizeof run.descriptors);
    EXPECT_EQ(spawner_run(&spawner, &run), OK);
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++)
        EXPECT_EQ(close(pipes.far[i]), 0);
    return pipes;
}

static struct spawner_report next(void)
{
    struct pollfd item = {.fd = spawner.socket, .events = POLLIN};
    struct spawner_report report;
    EXPECT_EQ(poll(&item, 1, PATIENCE_MS), 1);
    EXPECT_EQ(spawner_receive(&spawner, &report), OK);
    return report;
}

// All that comes out of this pipe.
static const char *read_all(int fd)
{
    static char text[4096];
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0 && len < sizeof text - 1) {
        got = read(fd, text + len, sizeof text - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    text[len] = '\0';
    return text;
}

static void sh(const char *script)
{
    begin("sh", "-c", script);
}

static bool is_gone(pid_t pid)
{
    uint64_t ticks;
    return process_start(pid, &ticks) == ERR_NOT_FOUND;
}

// Its pipe closes when the last process that holds it is dead.
static void wait_closed(int fd)
{
    struct pollfd item = {.fd = fd, .events = POLLIN};
    char byte;
    do
        EXPECT_EQ(poll(&item, 1, PATIENCE_MS), 1);
    while (read(fd, &byte, 1) > 0);
}

TEST(spawner, runs_a_program_with_its_variables_and_pipes)
{
    sh("read x; echo \"$x $WEFT_X\"; echo log >&2; echo word >&3; exit 7");
    struct pipes pipes = ask(5, "WEFT_X=a b");
    EXPECT_EQ(write(pipes.near[0], "in\n", 3), 3);
    struct spawner_report started = next();
    EXPECT_EQ(started.kind, SPAWNER_STARTED);
    EXPECT_EQ(started.number, 5);
    EXPECT(started.pid > 1 && started.start_ticks > 0);
    struct spawner_report ended = next();
    EXPECT_EQ(ended.kind, SPAWNER_ENDED);
    EXPECT_EQ(ended.number, 5);
    EXPECT_EQ(ended.code, 7);
    EXPECT_EQ(ended.signo, 0);
    EXPECT(!ended.signalled);
    EXPECT_STR(read_all(pipes.near[1]), "in a b\n");
    EXPECT_STR(read_all(pipes.near[2]), "log\n");
    EXPECT_STR(read_all(pipes.near[3]), "word\n");
    spawner_close(&spawner);
}

TEST(spawner, a_program_that_cannot_run_says_why)
{
    begin("/does/not/exist", NULL, NULL);
    struct pipes pipes = ask(1, "A=b");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    struct spawner_report ended = next();
    EXPECT_EQ(ended.code, 127);
    EXPECT(ended.not_begun);
    EXPECT_STR(read_all(pipes.near[2]),
               "weft worker: cannot run /does/not/exist: No such file or directory\n");
    spawner_close(&spawner);
    begin("/", NULL, NULL);
    (void)ask(1, "A=b");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    ended = next();
    EXPECT_EQ(ended.code, 126);
    EXPECT(ended.not_begun);
    spawner_close(&spawner);
    sh("exit 127"); // what began has begun, whatever it exits with
    (void)ask(1, "A=b");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    ended = next();
    EXPECT_EQ(ended.code, 127);
    EXPECT(!ended.not_begun);
    spawner_close(&spawner);
}

// One job without a process must not make the worker quiet for all that follow.
TEST(spawner, no_room_for_a_process_is_no_missing_program)
{
    forks_until_none = 2; // the spawner itself, and then its first
    sh("exit 0");
    forks_until_none = 0;
    (void)ask(1, "A=b");
    struct spawner_report ended = next();
    EXPECT_EQ(ended.kind, SPAWNER_ENDED);
    EXPECT_EQ(ended.code, SPAWNER_BUSY);
    EXPECT(ended.not_begun);
    (void)ask(2, "A=b");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    EXPECT_EQ(next().code, 0);
    spawner_close(&spawner);
}

TEST(spawner, a_signal_goes_to_the_whole_group)
{
    sh("sleep 1000 & echo $$; wait");
    struct pipes pipes = ask(1, "A=b");
    char byte;
    EXPECT_EQ(read(pipes.near[1], &byte, 1), 1); // both are there
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    EXPECT_EQ(spawner_kill(&spawner, 1, SIGTERM), OK);
    struct spawner_report ended = next();
    EXPECT_EQ(ended.signo, SIGTERM);
    EXPECT(ended.signalled);
    wait_closed(pipes.near[1]);
    // One that has ended is nobody: nothing happens.
    EXPECT_EQ(spawner_kill(&spawner, 1, SIGTERM), OK);
    spawner_close(&spawner);
}

TEST(spawner, what_stays_in_the_group_dies_with_its_leader)
{
    sh("sleep 1000 & exit 0");
    struct pipes pipes = ask(1, "A=b");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    EXPECT_EQ(next().code, 0);
    wait_closed(pipes.near[1]);
    spawner_close(&spawner);
}

TEST(spawner, many_handlers_at_once)
{
    enum { COUNT = 40 };
    sh("read x; exit $x");
    struct pipes pipes[COUNT];
    uint32_t ended = 0;
    for (uint32_t i = 0; i < COUNT; i++)
        pipes[i] = ask(i + 1, "A=b");
    for (uint32_t i = 0; i < COUNT; i++) {
        char text[8];
        int len = snprintf(text, sizeof text, "%u\n", i + 1);
        EXPECT_EQ(write(pipes[i].near[0], text, (size_t)len), len);
    }
    while (ended < COUNT) {
        struct spawner_report report = next();
        if (report.kind != SPAWNER_ENDED)
            continue;
        EXPECT_EQ(report.code, report.number);
        ended++;
    }
    spawner_close(&spawner);
}

TEST(spawner, closing_kills_what_still_runs)
{
    sh("trap '' TERM HUP INT; sleep 1000 & wait; sleep 1000");
    struct pipes pipes = ask(1, "A=b");
    struct spawner_report started = next();
    spawner_close(&spawner);
    EXPECT(is_gone(started.pid));
    wait_closed(pipes.near[1]);
}

// A process that starts a handler, tells its id, and waits to be killed.
static void play_worker(int out)
{
    sh("trap '' TERM HUP INT; sleep 1000 & echo up; wait; sleep 1000");
    struct pipes pipes = ask(1, "A=b");
    struct spawner_report started = next();
    char byte;
    if (read(pipes.near[1], &byte, 1) != 1 ||
        write(out, &started.pid, sizeof started.pid) != sizeof started.pid)
        _exit(1);
    for (;;)
        (void)pause();
}

TEST(spawner, handlers_die_with_a_worker_that_is_killed)
{
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    pid_t worker = fork();
    if (worker == 0)
        play_worker(ends[1]);
    EXPECT_EQ(close(ends[1]), 0);
    pid_t handler = 0;
    EXPECT_EQ(read(ends[0], &handler, sizeof handler), sizeof handler);
    EXPECT(handler > 1);
    EXPECT_EQ(kill(worker, SIGKILL), 0);
    EXPECT_EQ(waitpid(worker, NULL, 0), worker);
    // The spawner holds the pipe too, and leaves last.
    char byte;
    struct pollfd item = {.fd = ends[0], .events = POLLIN};
    EXPECT_EQ(poll(&item, 1, PATIENCE_MS), 1);
    EXPECT_EQ(read(ends[0], &byte, 1), 0);
    EXPECT(is_gone(handler));
}

TEST(spawner, a_killed_spawner_is_noticed_and_its_handlers_die)
{
    sh("echo up; exec sleep 1000");
    struct pipes pipes = ask(1, "A=b");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    EXPECT_EQ(kill(spawner.pid, SIGKILL), 0);
    struct pollfd item = {.fd = spawner.socket, .events = POLLIN};
    struct spawner_report report;
    EXPECT_EQ(poll(&item, 1, PATIENCE_MS), 1);
    EXPECT_EQ(spawner_receive(&spawner, &report), ERR_SYSTEM);
    EXPECT_EQ(spawner_kill(&spawner, 1, SIGTERM), ERR_SYSTEM);
    wait_closed(pipes.near[1]);
    spawner_close(&spawner);
}

TEST(spawner, too_many_variables_are_refused)
{
    sh("exit 0");
    static char large[SPAWNER_MESSAGE_MAX];
    memset(large, 'x', sizeof large);
    struct slice variable = slice_of(large, sizeof large);
    struct spawner_run run = {.number = 1, .variables = &variable, .variable_count = 1};
    EXPECT_EQ(spawner_run(&spawner, &run), ERR_TOO_LARGE);
    spawner_close(&spawner);
}

TEST(spawner, the_variables_of_a_run_replace_the_workers_own)
{
    EXPECT_EQ(setenv("WEFT_A", "old", 1), 0);
    EXPECT_EQ(setenv("WEFT_AB", "kept", 1), 0);
    EXPECT_EQ(setenv("WEFT_FAILPOINT", "x", 1), 0);
    sh("env | grep -E '^WEFT_(A|AB|FAILPOINT)=' | sort"); // whoever runs this may have others
    struct pipes pipes = ask(1, "WEFT_A=new");
    EXPECT_EQ(next().kind, SPAWNER_STARTED);
    EXPECT_EQ(next().code, 0);
    EXPECT_STR(read_all(pipes.near[1]), "WEFT_A=new\nWEFT_AB=kept\n");
    spawner_close(&spawner);
}
