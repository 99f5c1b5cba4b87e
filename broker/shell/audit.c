// A round over a stopped broker's store, and its report. Nothing is written.

#include "broker/shell/audit.h"

#include "broker/shell/audit_round.h"
#include "broker/shell/upkeep.h"
#include "lib/base/check.h"

#include <errno.h>
#include <stdio.h>

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

// --- the report ---

static const char *first_of(const struct violation_tally *tally, char text[ID_TEXT_LEN + 1])
{
    if (id_is_zero(&tally->id))
        (void)snprintf(text, ID_TEXT_LEN + 1, "number %llu", (unsigned long long)tally->no);
    else
        id_to_text(&tally->id, text);
    return text;
}

static void print_text(const char *dir, const struct audit_report *report)
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

static void print_json(const struct audit_report *report)
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

static int audit_into(const struct config *config, struct audit_report *report)
{
    const char *dir = config_text(config, "data");
    if (upkeep_store_bytes(dir) == 0) // opening would make one
        return upkeep_complain(&audit_table, dir,
                               "there is no store; name a broker's directory with --data");
    if (audit_round_run(dir, (int)config_number(config, "patience"), report) != OK)
        return upkeep_complain(&audit_table, dir, strerror(errno));
    if (report->has_begun && upkeep_wants_json(config))
        print_json(report);
    else if (report->has_begun)
        print_text(dir, report);
    if (fflush(stdout) != 0)
        return upkeep_complain(&audit_table, dir, "the report could not be written");
    if (!report->is_whole)
        return upkeep_complain(&audit_table, dir, report->problem);
    return violation_sum(&report->found) == 0 ? UPKEEP_DONE : UPKEEP_VIOLATED;
}

static int audit(const struct config *config)
{
    struct audit_report *report = audit_round_report();
    if (report == NULL)
        return upkeep_complain(&audit_table, config_text(config, "data"), strerror(errno));
    int code = audit_into(config, report);
    audit_round_drop(report);
    return code;
}

int audit_main(int argc, char **argv)
{
    return upkeep_main(&audit_table, argc, argv, audit);
}
