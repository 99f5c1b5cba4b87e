// Values by size.

#include "broker/shell/histogram.h"

#include "lib/base/check.h"

struct histogram histogram_of(double first, double factor, uint32_t bound_count)
{
    CHECK(bound_count <= HISTOGRAM_BOUNDS_MAX);
    CHECK(factor > 1);
    struct histogram histogram = {.bound_count = bound_count};
    double bound = first;
    for (uint32_t i = 0; i < bound_count; i++) {
        histogram.bounds[i] = bound;
        bound *= factor;
    }
    return histogram;
}

void histogram_add(struct histogram *histogram, double value)
{
    uint32_t bucket = 0;
    while (bucket < histogram->bound_count && value > histogram->bounds[bucket])
        bucket++;
    histogram->counts[bucket]++;
    histogram->count++;
    histogram->sum += value;
}

uint64_t histogram_below(const struct histogram *histogram, uint32_t bound)
{
    CHECK(bound < histogram->bound_count);
    uint64_t count = 0;
    for (uint32_t i = 0; i <= bound; i++)
        count += histogram->counts[i];
    return count;
}
