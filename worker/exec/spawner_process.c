// The spawner's side: one loop over the socket and SIGCHLD, and a table of what runs.

#include "worker/exec/spawner_process.h"

#include "lib/sys/log.h"
#include "lib/sys/process.h"
#include "lib/sys/signal.h"
#include "worker/exec/spawner_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct run {
    uint64_t number;
    pid_t pid; // 0: the place is free
    bool signalled;
    int begun; // closed by exec, a byte when that failed
};

struct process {
    int socket;
    int signals;
    pid_t pid;
    char *const *program;
    struct spawner_limits limits;
    struct run runs[SPAWNER_RUNS_MAX];
};

struct start {
    const int *descriptors;
    char **environment;
    int failed; // a byte into this one says that nothing was run; exec closes it
};

extern char **environ;

static struct run *find_number(struct process *process, uint64_t number)
{
    for (uint32_t i = 0; i < SPAWNER_RUNS_MAX; i++) {
        if (process->runs[i].pid != 0 && process->runs[i].number == number)
            return &process->runs[i];
    }
    return NULL;
}

static struct run *find_pid(struct process *process, pid_t pid)
{
    for (uint32_t i = 0; i < SPAWNER_RUNS_MAX; i++) {
        if (process->runs[i].pid == pid)
            return &process->runs[i];
    }
    return NULL;
}

// The worker's end is gone: nobody waits for these any more.
_Noreturn static void leave(struct process *process)
{
    for (uint32_t i = 0; i < SPAWNER_RUNS_MAX; i++) {
        if (process->runs[i].pid != 0)
            (void)kill(-process->runs[i].pid, SIGKILL);
    }
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
    _exit(0);
}

static void report(struct process *process, const struct spawner_report *what)
{
    struct spawner_wire_message message;
    spawner_wire_put_report(&message, what);
    if (spawner_wire_send(process->socket, &message, true) != OK)
        leave(process);
}

// --- in the child, between fork and exec ---

static void reset_signals(void)
{
    signal_reset();
    struct sigaction usual = {.sa_handler = SIG_DFL};
    for (int signo = 1; signo < NSIG; signo++)
        (void)sigaction(signo, &usual, NULL); // those that cannot be set are as they should be
}

static bool place_descriptors(const int *descriptors)
{
    int high[SPAWNER_DESCRIPTORS];
    // Out of the way first, because they may have the numbers that are wanted.
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++) {
        high[i] = fcntl(descriptors[i], F_DUPFD_CLOEXEC, SPAWNER_DESCRIPTORS + 8);
        if (high[i] < 0)
            return false;
    }
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++) {
        if (dup2(high[i], i) < 0)
            return false;
    }
    return true;
}

// Everything above 3 but `kept`, also what the worker itself inherited without asking.
static void close_others(int kept)
{
    if (close_range(SPAWNER_DESCRIPTORS, (unsigned)kept - 1, 0) == 0 &&
        close_range((unsigned)kept + 1, ~0u, 0) == 0)
        return;
    long most = sysconf(_SC_OPEN_MAX);
    for (int fd = SPAWNER_DESCRIPTORS; fd < most; fd++)
        if (fd != kept)
            (void)close(fd); // most are not open
}

static bool is_same_name(const char *variable, const char *other)
{
    size_t len = strcspn(variable, "=");
    return strncmp(variable, other, len + 1) == 0;
}

// The worker's own environment without what the run sets anew, and without the failpoints that are
// meant for the worker.
static char **environment_of(char **variables, uint32_t count)
{
    uint32_t inherited = 0;
    while (environ[inherited] != NULL)
        inherited++;
    char **all = calloc(inherited + count + 1, sizeof *all);
    if (all == NULL)
        return NULL;
    uint32_t at = 0;
    for (uint32_t i = 0; i < inherited; i++) {
        bool replaced = is_same_name("WEFT_FAILPOINT=", environ[i]);
        for (uint32_t j = 0; j < count && !replaced; j++)
            replaced = is_same_name(variables[j], environ[i]);
        if (!replaced)
            all[at++] = environ[i];
    }
    for (uint32_t j = 0; j < count; j++)
        all[at++] = variables[j];
    return all;
}

// `spare` is what the hard limit is beyond the soft one. A lower hard limit of the worker's own stays.
static bool set_limit(int what, uint64_t most, uint64_t spare)
{
    struct rlimit limit;
    if (most == 0)
        return true;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0)
        return false;
    rlim_t hard = most + spare < limit.rlim_max ? most + spare : limit.rlim_max;
    limit = (struct rlimit){.rlim_cur = most < hard ? most : hard, .rlim_max = hard};
    return setrlimit((__rlimit_resource_t)what, &limit) == 0;
}

// SIGXCPU at the limit of the processor's time, SIGKILL a second later.
static bool set_limits(const struct spawner_limits *limits)
{
    return set_limit(RLIMIT_DATA, limits->memory_bytes, 0) &&
           set_limit(RLIMIT_CPU, limits->cpu_s, 1) &&
           set_limit(RLIMIT_NOFILE, limits->file_count, 0) &&
           set_limit(RLIMIT_FSIZE, limits->file_bytes, 0) &&
           set_limit(RLIMIT_NPROC, limits->process_count, 0);
}

_Noreturn static void give_up(const struct start *start, int code)
{
    // Without the byte it looks like a program that ended so; there is nobody to tell.
    if (write(start->failed, "!", 1) != 1)
        _exit(code);
    _exit(code);
}

// Moves the descriptor out of the way of the handler's own.
static bool keep_apart(struct start *start)
{
    start->failed = fcntl(start->failed, F_DUPFD_CLOEXEC, SPAWNER_DESCRIPTORS + 8);
    return start->failed >= 0;
}

// What is missing now, and may be there in a moment.
static bool is_passing(int why)
{
    return why == ENOMEM || why == EAGAIN || why == EMFILE || why == ENFILE;
}

_Noreturn static void become_handler(const struct process *process, struct start start)
{
    if (!keep_apart(&start))
        give_up(&start, SPAWNER_BUSY);
    if (!process_die_with(process->pid) || setpgid(0, 0) != 0 ||
        !place_descriptors(start.descriptors))
        give_up(&start, 126);
    close_others(start.failed);
    reset_signals();
    if (!set_limits(&process->limits))
        give_up(&start, 126);
    (void)execvpe(process->program[0], process->program, start.environment); // returns to fail
    int why = errno;
    char line[512];
    int len = snprintf(line, sizeof line, "weft worker: cannot run %.200s: %s\n",
                       process->program[0], strerror(why));
    if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
        give_up(&start, 126); // nobody reads
    give_up(&start, is_passing(why) ? SPAWNER_BUSY : why == ENOENT || why == ENOTDIR ? 127 : 126);
}

// --- runs ---

// The variables of a message as zero-terminated texts, in one piece of memory.
static char **read_variables(struct bytes_in *in, uint32_t *out_count)
{
    uint32_t count = bytes_get_u32(in);
    CHECK(count <= SPAWNER_VARIABLES_MAX);
    size_t pointers = (count + 1) * sizeof(char *);
    char **variables = malloc(pointers + in->left.len + count);
    if (variables == NULL)
        return NULL;
    char *text = (char *)variables + pointers;
    for (uint32_t i = 0; i < count; i++) {
        struct slice value = bytes_get_slice(in);
        variables[i] = text;
        (void)slice_to_text(value, text, value.len + 1); // fits
        text += value.len + 1;
    }
    variables[count] = NULL;
    CHECK(bytes_is_whole(in));
    *out_count = count;
    return variables;
}

// `out_begun` is readable once the handler runs, or could not.
static pid_t fork_handler(struct process *process, const struct spawner_wire_message *message,
                          struct bytes_in *in, int *out_begun)
{
    uint32_t count = 0;
    char **variables = read_variables(in, &count);
    char **environment = variables != NULL ? environment_of(variables, count) : NULL;
    int ends[2] = {-1, -1};
    pid_t pid = -1;
    if (environment != NULL && pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0)
        pid = fork();
    if (pid == 0)
        become_handler(process, (struct start){.descriptors = message->descriptors,
                                               .environment = environment,
                                               .failed = ends[1]});
    if (ends[1] >= 0)
        (void)close(ends[1]); // the child has its own
    if (pid < 0 && ends[0] >= 0)
        (void)close(ends[0]); // nobody writes
    *out_begun = ends[0];
    free(environment);
    free(variables);
    return pid;
}

static void start(struct process *process, const struct spawner_wire_message *message,
                  struct bytes_in *in, uint64_t number)
{
    CHECK(message->descriptor_count == SPAWNER_DESCRIPTORS);
    struct run *run = find_pid(process, 0);
    int begun = -1;
    pid_t pid = run != NULL ? fork_handler(process, message, in, &begun) : -1;
    int why = errno;
    for (uint32_t i = 0; i < SPAWNER_DESCRIPTORS; i++)
        (void)close(message->descriptors[i]); // the handler has its own
    if (pid < 0) {
        log_error("spawner.fork_failed", "why=%s", log_quote_text(strerror(why)).text);
        report(process, &(struct spawner_report){.kind = SPAWNER_ENDED,
                                                 .number = number,
                                                 .code = SPAWNER_BUSY,
                                                 .not_begun = true});
        return;
    }
    // Also by the handler itself: whoever is first, it is done before anybody relies on it.
    (void)setpgid(pid, pid);
    *run = (struct run){.number = number, .pid = pid, .begun = begun};
    struct spawner_report started = {.kind = SPAWNER_STARTED, .number = number, .pid = pid};
    if (process_start(pid, &started.start_ticks) != OK)
        started.start_ticks = 0; // cannot be: it is at least a zombie of ours
    report(process, &started);
}

static void pass_signal(struct process *process, struct bytes_in *in, uint64_t number)
{
    int signo = bytes_get_u8(in);
    struct run *run = find_number(process, number);
    if (run == NULL)
        return;
    // Not reaped yet, so the number is still its own.
    run->signalled = true;
    (void)kill(-run->pid, signo);
}

static void take_requests(struct process *process)
{
    static struct spawner_wire_message message;
    for (;;) {
        err received = spawner_wire_receive(process->socket, &message);
        if (received == ERR_AGAIN)
            return;
        if (received != OK)
            leave(process);
        struct bytes_in in = {.left = slice_of(message.bytes, message.len)};
        uint8_t kind = bytes_get_u8(&in);
        uint64_t number = bytes_get_u64(&in);
        CHECK(kind == SPAWNER_WIRE_RUN || kind == SPAWNER_WIRE_KILL);
        if (kind == SPAWNER_WIRE_RUN)
            start(process, &message, &in, number);
        else
            pass_signal(process, &in, number);
    }
}

static void tell_end(struct process *process, const siginfo_t *info)
{
    struct run *run = find_pid(process, info->si_pid);
    if (run == NULL)
        return;
    bool is_exit = info->si_code == CLD_EXITED;
    char byte;
    bool not_begun = read(run->begun, &byte, 1) == 1;
    (void)close(run->begun); // it has said what it had to say
    struct spawner_report ended = {.kind = SPAWNER_ENDED,
                                   .number = run->number,
                                   .code = is_exit ? (uint8_t)info->si_status : 0,
                                   .signo = is_exit ? 0 : (uint8_t)info->si_status,
                                   .signalled = run->signalled,
                                   .not_begun = not_begun};
    *run = (struct run){0};
    report(process, &ended);
}

// The group is killed while its leader is still a zombie: nobody else can have the number.
static void reap(struct process *process)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            return;
        (void)kill(-info.si_pid, SIGKILL);   // fails when nothing else is left of it
        (void)waitpid(info.si_pid, NULL, 0); // is one
        tell_end(process, &info);
    }
}

_Noreturn void spawner_process_main(int socket, char *const *program,
                                    const struct spawner_limits *limits)
{
    static struct process process;
    process =
        (struct process){.socket = socket, .pid = getpid(), .program = program, .limits = *limits};
    process_name("weft-spawner");
    // All signals stay blocked: a Ctrl-C at the terminal is the worker's to decide about.
    sigset_t all;
    (void)sigfillset(&all);
    if (signal_open(&process.signals) != OK || sigprocmask(SIG_BLOCK, &all, NULL) != 0)
        _exit(1);
    for (;;) {
        struct pollfd items[] = {{.fd = socket, .events = POLLIN},
                                 {.fd = process.signals, .events = POLLIN}};
        if (poll(items, 2, -1) < 0)
            CHECK(errno == EINTR);
        while (signal_take(process.signals) != 0)
            continue;
        // What has ended is told before new work is begun, so that its place is free.
        reap(&process);
        take_requests(&process);
    }
}
