#pragma once

// What the gateway counts, and the text of /metrics (docs/metrics.md). Any thread.

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct gateway;
struct tally;

enum tally_route {
    TALLY_SUBMIT,
    TALLY_JOB,
    TALLY_BULK,
    TALLY_BATCH,
    TALLY_ACT,
    TALLY_LIST,
    TALLY_SCHEDULE,
    TALLY_WEBHOOK,
    TALLY_QUEUE,
    TALLY_LEASE,
    TALLY_EVENTS,
    TALLY_SPOOL,
    TALLY_OTHER,
};
enum { TALLY_ROUTES = 13 };

enum tally_counter {
    TALLY_JOBS_ACCEPTED,
    TALLY_JOBS_REPLAYED,
    TALLY_JOBS_REFUSED,
    TALLY_KEYS_ANSWERED, // without a broker, from the own record
};
enum { TALLY_COUNTERS = 4 };

// NULL when out of memory.
struct tally *tally_new(void);
void tally_free(struct tally *tally);

void tally_answer(struct tally *tally, enum tally_route route, unsigned status);
void tally_add(struct tally *tally, enum tally_counter counter, uint64_t count);

// The Prometheus text, from malloc(), for the caller to free; NULL when out of memory.
char *tally_text(const struct gateway *gateway, size_t *out_len);
