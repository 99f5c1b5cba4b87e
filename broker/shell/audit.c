// A round over a stopped broker's store, and its report. Nothing is written.

#include "broker/shell/audit.h"

#include "broker/store/store_audit.h"
#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/config.h"

#include <limits.h>
#include <stdio.h>
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

struct report {
    const char *dir;
    struct ledger_row ledger;
    uint64_t row_count;
    double seconds;
    struct violation_list found;
};

static int complain(const char *dir, const char *what)
{
    // The disk's own sentences begin with the place.
    bool names_it = strncmp(what, dir, strlen(dir)) == 0;
    (void)fprintf(stderr, "weft audit: %s%s%s\n", names_it ? "" : dir, names_it ? "" : ": ", what);
    return EXIT_UNREAD;
}

// --- the round ---

static err look(struct store *store, struct report *report)
{
    struct store_audit *audit = NULL;
    // Keys are not loaded into memory here; what is stored of them is compared all the same.
    struct store_audit_options options = {0};
    int64_t began_us = clock_mono_us();
    bool is_over = false;
    err e = store_audit_open(store, &options, &audit);
    while (e == OK && !is_over)
        e = store_audit_step(audit, &is_over);
    if (e == OK) {
        report->row_count = store_audit_row_count(audit);
        report->found = *store_audit_found(audit);
        report->seconds = (double)(clock_mono_us() - began_us) / 1e6;
        e = store_ledger(store, &report->ledger);
    }
    store_audit_close(audit);
    return e;
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

static void print_text(const struct report *report)
{
    char first[ID_TEXT_LEN + 1];
    (void)printf("store          %s\n", report->dir);
    (void)printf("epoch          %u\n", report->ledger.epoch);
    (void)printf("accepted       %llu\n", (unsigned long long)report->ledger.accepted);
    (void)printf("records        %llu jobs, compared in %.2f s\n",
                 (unsigned long long)report->row_count, report->seconds);
    (void)printf("violations     %llu\n", (unsigned long long)violation_sum(&report->found));
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
    (void)printf("{\"sound\":%s,\"accepted\":%llu,\"records\":%llu,\"seconds\":%.3f,"
                 "\"violations\":%llu,\"kinds\":[",
                 count == 0 ? "true" : "false", (unsigned long long)report->ledger.accepted,
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
    int len = snprintf(path, sizeof path, "%s/data.mdb", dir);
    return len > 0 && (size_t)len < sizeof path && access(path, R_OK) == 0;
}

static int audit(const struct config *config)
{
    struct report report = {.dir = config_text(config, "data")};
    const struct store_options options = {.dir = report.dir, .allow_unsafe_place = true};
    struct store *store = NULL;
    const char *why = NULL;
    if (!has_store(report.dir)) // opening would make one
        return complain(report.dir, "there is no store; name a broker's directory with --data");
    err e = store_open(&options, &store, &why);
    if (e != OK)
        return complain(report.dir, why != NULL ? why : err_text(e));
    e = look(store, &report);
    store_close(store);
    if (e != OK)
        return complain(report.dir, err_text(e));
    if (strcmp(config_text(config, "output"), "json") == 0)
        print_json(&report);
    else
        print_text(&report);
    if (fflush(stdout) != 0)
        return complain(report.dir, "the report could not be written");
    return violation_sum(&report.found) == 0 ? EXIT_SOUND : EXIT_VIOLATED;
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
