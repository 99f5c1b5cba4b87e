// links: PkgConfig::sqlite3
// effect DATABASE HISTORY: a handler of `weft worker` whose effect can be counted afterwards.
//
// Reads {"n":N,"fail":F,"ms":M}, works for M milliseconds and fails in its first F attempts. Else it
// writes, in one transaction, a row for this execution and the job's effect, and answers
// {"n":N,"token":"T"}. A line of HISTORY tells when it began and another when it had done its work: a
// kill in between leaves the first without the second.

#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct work {
    const char *job;
    const char *token;
    const char *worker;
    int attempt;
    long long n;
    int failing; // attempts that fail
    int lasting_ms;
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL) {
        (void)fprintf(stderr, "%s is not set\n", name);
        exit(65);
    }
    return value;
}

static struct work read_work(void)
{
    struct work work = {.job = variable("WEFT_JOB_ID"),
                        .token = variable("WEFT_JOB_TOKEN"),
                        .worker = variable("EFFECT_WORKER"),
                        .attempt = (int)strtol(variable("WEFT_JOB_ATTEMPT"), NULL, 10)};
    char text[4096];
    size_t len = fread(text, 1, sizeof text - 1, stdin);
    text[len] = '\0';
    if (sscanf(text, "{\"n\":%lld,\"fail\":%d,\"ms\":%d}", &work.n, &work.failing,
               &work.lasting_ms) != 3) {
        (void)fprintf(stderr, "odd payload: %s\n", text);
        exit(65);
    }
    return work;
}

// One write, so that lines of several handlers do not mix.
static void tell(const char *path, const struct work *work, const char *what)
{
    struct timespec now;
    char line[512];
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    int len = snprintf(line, sizeof line,
                       "{\"t\":%lld,\"who\":\"%s\",\"do\":\"%s\",\"job\":\"%s\",\"token\":\"%s\","
                       "\"attempt\":%d,\"n\":%lld}\n",
                       (long long)now.tv_sec * 1000000000 + now.tv_nsec, work->worker, what,
                       work->job, work->token, work->attempt, work->n);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)len) != len || close(fd) != 0) {
        perror(path);
        exit(1);
    }
}

static void run(sqlite3 *db, const char *sql, const struct work *work)
{
    sqlite3_stmt *statement = NULL;
    bool is_done = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK;
    if (is_done && sqlite3_bind_parameter_count(statement) > 0)
        is_done = sqlite3_bind_text(statement, 1, work->job, -1, SQLITE_STATIC) == SQLITE_OK &&
                  sqlite3_bind_int64(statement, 2, strtoll(work->token, NULL, 10)) == SQLITE_OK &&
                  sqlite3_bind_int64(statement, 3, work->n) == SQLITE_OK;
    is_done = is_done && sqlite3_step(statement) == SQLITE_DONE;
    if (!is_done) {
        (void)fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        exit(75);
    }
    (void)sqlite3_finalize(statement);
}

static void have_effect(const char *path, const struct work *work)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_busy_timeout(db, 20000) != SQLITE_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        exit(75);
    }
    // The process is killed, never the machine: what the kernel has is kept.
    run(db, "PRAGMA synchronous=OFF", work);
    run(db, "BEGIN IMMEDIATE", work);
    run(db, "INSERT INTO runs(job, token, n) VALUES(?1, ?2, ?3)", work);
    run(db,
        "INSERT INTO effects(job, token, n) VALUES(?1, ?2, ?3)"
        " ON CONFLICT(job) DO UPDATE SET token=max(token, excluded.token), n=excluded.n",
        work);
    run(db, "COMMIT", work);
    (void)sqlite3_close(db);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: effect DATABASE HISTORY\n");
        return 64;
    }
    struct work work = read_work();
    tell(argv[2], &work, "run");
    (void)usleep((useconds_t)work.lasting_ms * 1000); // the work
    if (work.attempt <= work.failing) {
        (void)fprintf(stderr, "failing as asked\n");
        return 1;
    }
    have_effect(argv[1], &work);
    tell(argv[2], &work, "ran");
    printf("{\"n\":%lld,\"token\":\"%s\"}", work.n, work.token);
    return fflush(stdout) == 0 ? 0 : 1;
}
