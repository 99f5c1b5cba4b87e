// The file is replaced, so that a reader never sees half of it. No flush: figures that a power cut
// takes away are of no use afterwards.

#include "outbox/shell/relay_stats.h"

#include "lib/sys/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

enum { TELL_GAP_MS = 10 * 1000, TEXT_MAX = 512 };

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool written = fputs(text, file) >= 0;
    return fclose(file) == 0 && written;
}

static void write_file(const struct relay_stats *stats)
{
    char text[TEXT_MAX];
    char fresh[PATH_MAX];
    int len = snprintf(fresh, sizeof fresh, "%s.new", stats->path);
    (void)snprintf(text, sizeof text,
                   "{\"relayed\": %" PRIu64 ", \"replayed\": %" PRIu64 ", \"refused\": %" PRIu64
                   ", \"postponed\": %" PRIu64 ", \"batches\": %" PRIu64
                   ", \"broker_lost\": %" PRIu64 ", \"database_lost\": %" PRIu64 "}\n",
                   stats->relayed, stats->replayed, stats->refused, stats->postponed,
                   stats->batches, stats->broker_lost, stats->database_lost); // numbers, so it fits
    if (len < 0 || (size_t)len >= sizeof fresh || !write_text(fresh, text) ||
        rename(fresh, stats->path) != 0)
        log_warn("outbox.stats_not_written", "path=%s why=%s", log_quote_text(stats->path).text,
                 log_quote_text(strerror(errno)).text);
}

void relay_stats_tell(struct relay_stats *stats, when_ms now, bool is_last)
{
    if (!is_last && (!stats->is_changed || now < stats->told_at + TELL_GAP_MS))
        return;
    stats->is_changed = false;
    stats->told_at = now;
    if (stats->path != NULL)
        write_file(stats);
    log_info("outbox.progress",
             "relayed=%" PRIu64 " replayed=%" PRIu64 " refused=%" PRIu64 " postponed=%" PRIu64
             " batches=%" PRIu64,
             stats->relayed, stats->replayed, stats->refused, stats->postponed, stats->batches);
}
