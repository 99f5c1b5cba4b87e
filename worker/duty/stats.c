// No flush: figures that a power cut takes away are of no use afterwards.

#include "worker/duty/stats.h"

#include "lib/base/check.h"
#include "lib/sys/log.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

void stats_count_outcome(struct stats *stats, enum outcome outcome)
{
    stats->is_changed = true;
    switch (outcome) {
    case OUTCOME_SUCCEEDED: stats->succeeded++; return;
    case OUTCOME_FAILED: stats->failed++; return;
    case OUTCOME_DEAD: stats->dead++; return;
    case OUTCOME_CRASHED: stats->crashed++; return;
    case OUTCOME_INTERRUPTED: stats->interrupted++; return;
    case OUTCOME_CANCELLED: stats->cancelled++; return;
    case OUTCOME_SNOOZED: stats->snoozed++; return;
    case OUTCOME_NONE: break;
    }
    UNREACHABLE();
}

void stats_text(const struct stats *stats, char out[STATS_TEXT_MAX])
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
#define STATS_ROW(name, meaning) {#name, stats->name},
        STATS_TABLE(STATS_ROW)
#undef STATS_ROW
    };
    size_t len = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int more = snprintf(out + len, STATS_TEXT_MAX - len, "%s\"%s\": %" PRIu64,
                            i == 0 ? "{" : ", ", rows[i].name, rows[i].value);
        CHECK(more > 0 && (size_t)more < STATS_TEXT_MAX - len - 1);
        len += (size_t)more;
    }
    out[len++] = '}';
    out[len] = '\0';
}

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool written = fprintf(file, "%s\n", text) > 0;
    return fclose(file) == 0 && written;
}

void stats_write(struct stats *stats, when_ms now, bool is_last)
{
    if (stats->path == NULL || (!is_last && now < stats_next(stats)))
        return;
    char text[STATS_TEXT_MAX];
    char fresh[PATH_MAX];
    stats_text(stats, text);
    int len = snprintf(fresh, sizeof fresh, "%s.new", stats->path);
    if (len < 0 || (size_t)len >= sizeof fresh || !write_text(fresh, text) ||
        rename(fresh, stats->path) != 0)
        log_warn("stats.not_written", "path=%s why=%s", log_quote_text(stats->path).text,
                 log_quote_text(strerror(errno)).text);
    stats->is_changed = false;
    stats->written_at = now;
}

when_ms stats_next(const struct stats *stats)
{
    if (stats->path == NULL || !stats->is_changed)
        return WHEN_NEVER;
    return stats->written_at + STATS_GAP_MS;
}
