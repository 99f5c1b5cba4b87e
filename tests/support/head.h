#pragma once

// Splits the raw head of an HTTP request as libmicrohttpd does, for tests of the admission rule:
// first line at its first and last blank, other lines at the first colon, blanks after it skipped;
// a folded line is joined to the name before it, somewhere else in memory; a zero cuts a text.

#include "lib/http/admission.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct head_room {
    char *raw; // a copy of the head, overwritten
    struct admission_line lines[ADMISSION_LINES_MAX];
    char *folded[ADMISSION_LINES_MAX];
    uint32_t folded_count;
    struct admission_head head;
};

// The end of the line at `at`, made zero; `out_next` is behind it. NULL: no line end.
static inline char *head_end_line(char *at, char *end, char **out_next)
{
    char *feed = memchr(at, '\n', (size_t)(end - at));
    if (feed == NULL)
        return NULL;
    *out_next = feed + 1;
    *feed = '\0';
    if (feed > at && feed[-1] == '\r')
        *--feed = '\0';
    return feed;
}

static inline bool head_split_first(char *line, size_t len, struct admission_head *head)
{
    char *blank = memchr(line, ' ', len);
    if (blank == NULL || len == 0)
        return false;
    *blank = '\0';
    head->method = slice_of(line, strlen(line));
    char *target = blank + 1;
    while (*target == ' ' && target < line + len)
        target++;
    char *version = line + len;
    while (version > target && version[-1] != ' ')
        version--;
    if (version <= target + 1)
        return false;
    version[-1] = '\0';
    head->target_at = target;
    head->target = slice_of(target, strlen(target));
    head->version = slice_of(version, strlen(version));
    return true;
}

static inline bool head_split_line(struct head_room *room, char *line)
{
    struct admission_head *head = &room->head;
    if (line[0] == ' ' || line[0] == '\t') {
        if (head->line_count == 0)
            return false;
        struct admission_line *last = &room->lines[head->line_count - 1];
        char *joined = malloc(last->name.len + strlen(line) + 1);
        memcpy(joined, last->name.data, last->name.len);
        memcpy(joined + last->name.len, line + 1, strlen(line));
        room->folded[room->folded_count++] = joined;
        last->name = slice_of(joined, strlen(joined));
        return true;
    }
    char *colon = strchr(line, ':');
    if (colon == NULL || head->line_count == ADMISSION_LINES_MAX)
        return false;
    *colon++ = '\0';
    while (*colon == ' ' || *colon == '\t')
        colon++;
    room->lines[head->line_count++] = (struct admission_line){
        .name = slice_of(line, strlen(line)),
        .value = slice_of(colon, strlen(colon)),
    };
    return true;
}

// False when the library itself refuses such a head. Call head_free() in any case.
static inline bool head_split(struct slice raw, struct head_room *room)
{
    *room = (struct head_room){.raw = malloc(raw.len + 1)};
    memcpy(room->raw, raw.data, raw.len);
    room->raw[raw.len] = '\0';
    char *end = room->raw + raw.len;
    char *next = room->raw;
    char *line = next;
    char *stop = head_end_line(line, end, &next);
    if (stop == NULL || !head_split_first(line, (size_t)(stop - line), &room->head))
        return false;
    room->head.lines = room->lines;
    for (;;) {
        line = next;
        stop = head_end_line(line, end, &next);
        if (stop == NULL)
            return false;
        if (line[0] == '\0')
            break;
        if (room->folded_count == ADMISSION_LINES_MAX || !head_split_line(room, line))
            return false;
    }
    room->head.head = slice_of(room->raw, (size_t)(next - room->raw));
    return true;
}

static inline void head_free(struct head_room *room)
{
    for (uint32_t i = 0; i < room->folded_count; i++)
        free(room->folded[i]);
    free(room->raw);
}
