// A round over a store that no broker uses, by a child.

#define _GNU_SOURCE

#include "broker/shell/audit_round.h"

#include "broker/store/store_audit.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

// --- the round, in the child ---

// One byte for each step is the word that it goes on.
static err step(struct store_audit *audit, int news, struct audit_report *report, bool *out_is_over)
{
    err e = store_audit_step(audit, out_is_over);
    report->row_count = store_audit_row_count(audit);
    report->found = *store_audit_found(audit);
    if (write(news, "", 1) != 1)
        return ERR_SYSTEM;
    return e;
}

static err look(struct store *store, int news, struct audit_report *report)
{
    struct store_audit *audit = NULL;
    // Keys are not loaded into memory here; what is stored of them is compared all the same.
    struct store_audit_options options = {0};
    int64_t began_us = clock_mono_us();
    bool is_over = false;
    err e = store_ledger(store, &report->ledger);
    if (e == OK)
        e = store_audit_open(store, &options, &audit);
    report->has_begun = e == OK;
    while (e == OK && !is_over) {
        e = step(audit, news, report, &is_over);
        report->seconds = (double)(clock_mono_us() - began_us) / 1e6;
    }
    report->is_whole = e == OK;
    store_audit_close(audit);
    return e;
}

static void keep_problem(struct audit_report *report, const char *what)
{
    (void)snprintf(report->problem, sizeof report->problem, "%s", what);
}

static void read_store(const char *dir, int news, struct audit_report *report)
{
    const struct store_options options = {
        .dir = dir, .allow_unsafe_place = true, .allow_unready = true};
    struct store *store = NULL;
    const char *why = NULL;
    err e = store_open(&options, &store, &why);
    if (e != OK) {
        keep_problem(report, why != NULL ? why : err_text(e));
        return;
    }
    e = store_verdict(store, look(store, news, report));
    if (e == ERR_DAMAGED)
        (void)snprintf(report->problem, sizeof report->problem,
                       "the store is damaged beyond what can be read: %s; restore it from a backup",
                       store_fault(store));
    else if (e != OK)
        keep_problem(report, err_text(e));
    store_close(store);
}

// --- the watch over it ---

// False when nothing was heard for `patience_ms`; true when the child has gone.
static bool follow(int news, int patience_ms)
{
    char bytes[64];
    for (;;) {
        struct pollfd waits = {.fd = news, .events = POLLIN};
        int count = poll(&waits, 1, patience_ms);
        if (count == 0)
            return false;
        if (count > 0 && read(news, bytes, sizeof bytes) <= 0)
            return true;
    }
}

static void judge_end(struct audit_report *report, bool is_stuck, int status)
{
    if (report->is_whole || report->problem[0] != '\0')
        return;
    char end[64];
    if (is_stuck)
        (void)snprintf(end, sizeof end, "reading it does not go on");
    else if (WIFSIGNALED(status))
        (void)snprintf(end, sizeof end, "reading it ended with SIG%s",
                       sigabbrev_np(WTERMSIG(status)));
    else
        (void)snprintf(end, sizeof end, "reading it ended with code %d", WEXITSTATUS(status));
    (void)snprintf(report->problem, sizeof report->problem,
                   "the store is damaged beyond what can be read: %s; restore it from a backup",
                   end);
}

// Pages that are not what they should be can end a process by a signal or keep it for ever, so
// another one reads them.
err audit_round_run(const char *dir, int patience_ms, struct audit_report *report)
{
    int news[2];
    if (pipe2(news, O_CLOEXEC) != 0)
        return ERR_SYSTEM;
    pid_t self = getpid();
    pid_t child = fork();
    if (child == 0) {
        (void)close(news[0]);
        if (process_die_with(self))
            read_store(dir, news[1], report);
        _exit(EXIT_SUCCESS);
    }
    (void)close(news[1]);
    bool is_stuck = child > 0 && !follow(news[0], patience_ms);
    (void)close(news[0]);
    if (child < 0)
        return ERR_SYSTEM;
    int status = 0;
    if (is_stuck)
        (void)kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    judge_end(report, is_stuck, status);
    return OK;
}

struct audit_report *audit_round_report(void)
{
    void *room = mmap(NULL, sizeof(struct audit_report), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return room != MAP_FAILED ? room : NULL;
}

void audit_round_drop(struct audit_report *report)
{
    if (report != NULL)
        (void)munmap(report, sizeof *report); // cannot fail
}
