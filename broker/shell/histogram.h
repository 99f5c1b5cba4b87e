#pragma once

// Counts values by size for a Prometheus histogram: fixed bounds, a sum, a count. Pure. Not
// thread-safe; copied as a whole.

#include <stdint.h>

enum { HISTOGRAM_BOUNDS_MAX = 20 };

struct histogram {
    double bounds[HISTOGRAM_BOUNDS_MAX]; // ascending; a value equal to a bound is below it
    uint32_t bound_count;
    uint64_t counts[HISTOGRAM_BOUNDS_MAX + 1]; // the last: above all bounds
    uint64_t count;
    double sum;
};

// Bounds `first`, `first` * `factor`, … ; at most HISTOGRAM_BOUNDS_MAX of them.
struct histogram histogram_of(double first, double factor, uint32_t bound_count);
void histogram_add(struct histogram *histogram, double value);
// How many values were at most the bound number `bound`.
uint64_t histogram_below(const struct histogram *histogram, uint32_t bound);
