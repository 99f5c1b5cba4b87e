// Numbers of lines and chunks; which lines of a message are new.

#include "broker/core/logs.h"

#include "lib/base/check.h"

const struct ends logs_ends = {.first = LOGS_CHUNKS_FIRST, .last = LOGS_CHUNKS_LAST};

uint32_t logs_chunk_of(uint32_t line)
{
    CHECK(line > 0);
    return (line - 1) / LOGS_CHUNK_LINES + 1;
}

uint32_t logs_first_line(uint32_t chunk)
{
    CHECK(chunk > 0);
    return (chunk - 1) * LOGS_CHUNK_LINES + 1;
}

struct logs_lines logs_take_group(struct logs_lines *lines)
{
    struct logs_lines group = {.items = lines->items};
    while (group.count < lines->count && lines->items[group.count].token == lines->items->token &&
           id_equal(&lines->items[group.count].job_id, &lines->items->job_id))
        group.count++;
    *lines = (struct logs_lines){.items = lines->items + group.count,
                                 .count = lines->count - group.count};
    return group;
}

struct logs_lines logs_new(struct logs_lines lines, uint32_t known)
{
    while (lines.count > 0 && lines.items->seq != 0 && lines.items->seq <= known)
        lines = (struct logs_lines){.items = lines.items + 1, .count = lines.count - 1};
    // Numbers are not used twice; a handler that talked this much has said enough.
    if (lines.count > UINT32_MAX - known)
        lines.count = 0;
    return lines;
}
