#pragma once

// A job's log: the lines that its handlers wrote, numbered 1, 2, … over all attempts. They are
// stored in chunks of so many lines, of which the first and the last ones are kept. Pure.

#include "broker/core/ends.h"
#include "broker/core/entry.h"

enum { LOGS_CHUNK_LINES = 64, LOGS_CHUNKS_FIRST = 2, LOGS_CHUNKS_LAST = 14 };
extern const struct ends logs_ends; // of chunks

// The chunk of a line, and the first line of a chunk; both count from 1.
uint32_t logs_chunk_of(uint32_t line);
uint32_t logs_first_line(uint32_t chunk);

struct logs_lines {
    const struct msg_log_line *items;
    uint32_t count;
};

// Takes the lines at the front of `lines` that belong to the job and token of the first one.
struct logs_lines logs_take_group(struct logs_lines *lines);
// Without the lines at its front that were taken before, when `known` lines have been.
struct logs_lines logs_new(struct logs_lines lines, uint32_t known);
