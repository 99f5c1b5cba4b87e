// Sorting and counting what was measured.

#include "tests/support/samples.h"

#include <stdio.h>
#include <stdlib.h>

void samples_init(struct samples *samples)
{
    *samples = (struct samples){.values = malloc(SAMPLES_MAX * sizeof *samples->values)};
    if (samples->values != NULL)
        return;
    (void)fprintf(stderr, "samples: out of memory\n");
    exit(1);
}

void samples_deinit(struct samples *samples)
{
    free(samples->values);
    *samples = (struct samples){0};
}

void samples_add(struct samples *samples, int64_t us)
{
    if (samples->count < SAMPLES_MAX)
        samples->values[samples->count++] = us > 0 ? (uint32_t)us : 0;
}

static int by_size(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static uint32_t quantile(const struct samples *samples, double share)
{
    if (samples->count == 0)
        return 0;
    return samples->values[(uint64_t)(share * (double)(samples->count - 1))];
}

void samples_report(struct samples *samples, const struct samples_run *run)
{
    qsort(samples->values, samples->count, sizeof *samples->values, by_size);
    printf("{\"mode\": \"%s\", \"jobs\": %llu, \"refused\": %llu, \"first_us\": %lld, "
           "\"last_us\": %lld, \"p50_us\": %u, \"p99_us\": %u, \"max_us\": %u}\n",
           run->mode, (unsigned long long)run->jobs, (unsigned long long)run->refused,
           (long long)run->first_us, (long long)run->last_us, quantile(samples, 0.50),
           quantile(samples, 0.99), quantile(samples, 1.0));
}
