// New work is refused from three quarters of the map on, or when the file system has no room to
// allocate ahead; outcomes are taken as long as small ones of others still fit.

#include "broker/shell/space.h"

#include "lib/sys/file.h"
#include "lib/sys/log.h"

enum { SPACE_EVERY_MS = 1000 };

static uint64_t in_flight_bytes(const struct broker *broker)
{
    const struct batch *committing = broker->committing;
    return broker->filling->stored_bytes + (committing != NULL ? committing->stored_bytes : 0);
}

static uint64_t used_bytes(const struct broker *broker)
{
    return broker->space.used_bytes + in_flight_bytes(broker);
}

// Of the store's map a quarter stays free for finishing what was taken in.
static bool is_map_short(const struct broker *broker)
{
    return used_bytes(broker) > broker->space.map_bytes_max / 4 * 3;
}

// The store learns of new room by its next commit, which may never come while everything is
// refused; so the file system is asked, once in a second.
static bool has_disk_room(const struct broker *broker)
{
    uint64_t free_bytes = 0;
    return file_free_bytes(broker->options->data, &free_bytes) == OK &&
           free_bytes > 2 * broker->options->ahead_bytes;
}

static void look_at_space(struct broker *broker)
{
    if (broker->now.mono - broker->space_asked_at < SPACE_EVERY_MS && broker->is_short)
        return;
    bool was_short = broker->is_short;
    broker->is_short = is_map_short(broker) || (broker->space.is_short && !has_disk_room(broker));
    broker->space_asked_at = broker->now.mono;
    if (broker->is_short && !was_short)
        log_error("store.short", "used_bytes=%llu fix=%s",
                  (unsigned long long)broker->space.used_bytes,
                  log_quote_text("new jobs are refused until there is room").text);
    if (was_short && !broker->is_short)
        log_info("store.roomy", "used_bytes=%llu", (unsigned long long)broker->space.used_bytes);
}

bool space_is_short(struct broker *broker)
{
    if (broker->space.is_short || broker->is_short || is_map_short(broker))
        look_at_space(broker);
    return broker->is_short;
}

uint64_t space_of_finish(const struct msg_finish *finish)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < finish->count; i++) {
        const struct msg_finish_job *job = &finish->jobs[i];
        bytes += job->result.bytes.len + job->error_kind.len + job->error_message.len +
                 job->error_detail.len;
    }
    return bytes;
}

// A sixteenth of the map is a quarter of what is_map_short() leaves.
bool space_has_room(const struct broker *broker, uint64_t bytes, uint32_t job_count)
{
    const struct store_figures *space = &broker->space;
    if (bytes == 0)
        return true; // it changes rows that are there
    uint64_t quarters = bytes <= (uint64_t)job_count * SPACE_SMALL_BYTES ? 1 : 2;
    if (used_bytes(broker) + bytes > space->map_bytes_max / 16 * (16 - quarters))
        return false;
    uint64_t kept = broker->options->ahead_bytes / 4 * quarters;
    return !space->is_short || in_flight_bytes(broker) + bytes + kept <= space->ahead_left_bytes;
}
