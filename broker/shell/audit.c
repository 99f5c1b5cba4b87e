// A round over a stopped broker's store, and its report. Nothing is written.

#define _GNU_SOURCE

#include "broker/shell/audit.h"

#include "broker/store/store_audit.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"
#include "lib/sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_SOUND = 0, EXIT_VIOLATED = 1, EXIT_UNREAD = 4, EXIT_USAGE = 64 };

static const struct config_key keys[] = {
    {.key = "data",
     .type = CONFIG_STRING,
     .default_text = "weft-data/broker",
     .help = "directory of the store of a broker that is stopped"},
    {.key = "output",
     .type = CONFIG_WORD,
     .default_text = "text",
     .words = "text|json",
     .letter = 'o',
     .help = "how the report is printed"},
    {.key = "patience",
     .type = CONFIG_DURATION,
     .default_text = "1m",
     .min = 10,
     .max = 24 * 60 * 60 * 1000,
     .help = "how long reading may stand still before the store is taken as damaged"},
};

const struct config_table audit_table = {
    .program = "audit",
    .usage = "weft audit [flags]",
    .about = "Compares every record of a stopped broker's store with every index, and names what "
             "disagrees.\nA running broker does the same by itself, see 'weft broker "
             "--audit-every'.",
    .keys = keys,
    .key_count = sizeof keys / sizeof keys[0],
};

// Shared with the child that reads: what it has found stays when it dies of the store.
struct report {
    struct ledger_row ledger;
    uint64_t row_count;
    double seconds;
    struct violation_list found;
    bool has_begun; // there is something to print
    bool is_whole;  // the round was finished
    char problem[512];
};

static int complain(const char *dir, const char *what)
{
    // The disk's own sentences begin with the place.
    bool names_it = strncmp(what, dir, strlen(dir)) == 0;
    (void)fprintf(stderr, "weft audit: %s%s%s\n", names_it ? "" : dir, names_it ? "" : ": ", what);
    return EXIT_UNREAD;
}

// --- the round, in the child ---

// One byte for each step is the word that it goes on.
static err step(struct store_audit *audit, int news, struct report *report, bool *out_is_over)
{
    err e = store_audit_step(audit, out_is_over);
    report->row_count = store_audit_row_count(audit);
    report->found = *store_audit_found(audit);
    if (write(news, "", 1) != 1)
        return ERR_SYSTEM;
    return e;
}

static err look(struct store *store, int news, struct report *report)
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

static void keep_problem(struct report *report, const char *what)
{
    (void)snprintf(report->problem, sizeof report->problem, "%s", what);
}

static void read_store(const char *dir, int news, struct report *report)
{
    const struct store_options options = {.dir = dir, .allow_unsafe_place = true};
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

static void judge_end(struct report *report, bool is_stuck, int status)
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
static err read_in_child(const char *dir, int patience_ms, struct report *report)
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
        _exit(EXIT_SOUND);
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

// --- the report ---

static const char *first_of(const struct violation_tally *tally, char text[ID_TEXT_LEN + 1])
{
    if (id_is_zero(&tally->id))
        (void)snprintf(text, ID_TEXT_LEN + 1, "number %llu", (unsigned long long)tally->no);
    else
        id_to_text(&tally->id, text);
    return text;
}

static void print_text(const char *dir, const struct report *report)
{
    char first[ID_TEXT_LEN + 1];
    (void)printf("store          %s\n", dir);
    (void)printf("epoch          %u\n", report->ledger.epoch);
    (void)printf("accepted       %llu\n", (unsigned long long)report->ledger.accepted);
    (void)printf("records        %llu jobs, compared in %.2f s\n",
                 (unsigned long long)report->row_count, report->seconds);
    (void)printf("violations     %llu\n", (unsigned long long)violation_sum(&report->found));
    if (!report->is_whole)
        (void)printf("the round could not be finished: there may be more\n");
    if (violation_sum(&report->found) == 0)
        return;
    (void)printf("\n%-18s %8s  %-36s  %s\n", "KIND", "COUNT", "FIRST", "WHAT");
    for (unsigned i = 0; i < VIOLATION_COUNT; i++) {
        enum violation kind = (enum violation)i;
        const struct violation_tally *tally = &report->found.of[i];
        if (tally->count > 0)
            (void)printf("%-18s %8llu  %-36s  %s\n%-66s  %s\n", violation_slug(kind),
                         (unsigned long long)tally->count, first_of(tally, first),
                         violation_text(kind), "", violation_fix(kind));
    }
}

static void print_kind(enum violation kind, const struct violation_tally *tally, bool is_first)
{
    char id[ID_TEXT_LEN + 1];
    (void)printf("%s{\"kind\":\"%s\",\"count\":%llu,\"first\":%llu", is_first ? "" : ",",
                 violation_slug(kind), (unsigned long long)tally->count,
                 (unsigned long long)tally->no);
    if (!id_is_zero(&tally->id)) {
        id_to_text(&tally->id, id);
        (void)printf(",\"id\":\"%s\"", id);
    }
    (void)printf(",\"what\":\"%s\",\"fix\":\"%s\"}", violation_text(kind), violation_fix(kind));
}

static void print_json(const struct report *report)
{
    bool is_first = true;
    uint64_t count = violation_sum(&report->found);
    (void)printf("{\"sound\":%s,\"whole\":%s,\"accepted\":%llu,\"records\":%llu,\"seconds\":%.3f,"
                 "\"violations\":%llu,\"kinds\":[",
                 count == 0 && report->is_whole ? "true" : "false",
                 report->is_whole ? "true" : "false", (unsigned long long)report->ledger.accepted,
                 (unsigned long long)report->row_count, report->seconds, (unsigned long long)count);
    for (unsigned i = 0; i < VIOLATION_COUNT; i++) {
        if (report->found.of[i].count == 0)
            continue;
        print_kind((enum violation)i, &report->found.of[i], is_first);
        is_first = false;
    }
    (void)printf("]}\n");
}

// --- the verb ---

static bool has_store(const char *dir)
{
    char path[PATH_MAX];
    struct stat file = {0};
    int len = snprintf(path, sizeof path, "%s/data.mdb", dir);
    return len > 0 && (size_t)len < sizeof path && stat(path, &file) == 0 && file.st_size > 0;
}

static int audit_into(const struct config *config, struct report *report)
{
    const char *dir = config_text(config, "data");
    if (!has_store(dir)) // opening would make one
        return complain(dir, "there is no store; name a broker's directory with --data");
    if (read_in_child(dir, (int)config_number(config, "patience"), report) != OK)
        return complain(dir, strerror(errno));
    if (report->has_begun && strcmp(config_text(config, "output"), "json") == 0)
        print_json(report);
    else if (report->has_begun)
        print_text(dir, report);
    if (fflush(stdout) != 0)
        return complain(dir, "the report could not be written");
    if (!report->is_whole)
        return complain(dir, report->problem);
    return violation_sum(&report->found) == 0 ? EXIT_SOUND : EXIT_VIOLATED;
}

static int audit(const struct config *config)
{
    struct report *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED)
        return complain(config_text(config, "data"), strerror(errno));
    int code = audit_into(config, report);
    (void)munmap(report, sizeof *report);
    return code;
}

int audit_main(int argc, char **argv)
{
    struct config config = {0};
    int code = EXIT_USAGE;
    err e = config_read(&config, &audit_table, argc, argv);
    if (e == OK && config.help_asked) {
        config_help(&audit_table, stdout);
        code = EXIT_SOUND;
    } else if (e == OK) {
        code = audit(&config);
    } else {
        (void)fprintf(stderr, "weft audit: %s\n", config.problem);
    }
    config_deinit(&config);
    return code;
}
