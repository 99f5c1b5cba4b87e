#pragma once

// Measured spans of one load generator, and its one line of JSON. Not thread-safe.

#include <stdint.h>

enum { SAMPLES_MAX = 4000000 };

struct samples {
    uint32_t *values; // µs; made by samples_init()
    uint64_t count;
};

// Ends the process when there is no memory.
void samples_init(struct samples *samples);
void samples_deinit(struct samples *samples);
// Spans below zero count as zero; more than SAMPLES_MAX are not kept.
void samples_add(struct samples *samples, int64_t us);

struct samples_run {
    const char *mode;
    uint64_t jobs;
    uint64_t refused;
    int64_t first_us;
    int64_t last_us;
};
// Sorts the samples.
void samples_report(struct samples *samples, const struct samples_run *run);
