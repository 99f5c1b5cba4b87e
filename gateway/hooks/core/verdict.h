#pragma once

// What one attempt to deliver a webhook has come to, and what follows: the schedule of attempts, the
// receiver's wish to wait, the end. Pure; jitter is a hash of (delivery, attempt).
//
//   attempt   1     2     3     4      5     6     7      8      9      10
//   after     0 s   5 s   5 m   30 m   2 h   5 h   10 h   14 h   20 h   24 h   then dead
//   each pause up to a tenth longer, at random: 75 h 35 m in all at the least
//
// What a job's progress is told by is outdated long before: 5, 15, 30 and 60 s, five attempts.

#include "lib/base/id.h"
#include "lib/post/core/exchange.h"

enum verdict_course { VERDICT_LONG, VERDICT_SHORT };
enum { VERDICT_ATTEMPTS = 10, VERDICT_SHORT_ATTEMPTS = 5 };

struct verdict_seen {
    enum exchange_end end;
    unsigned status;        // of ANSWERED
    when_ms retry_after_ms; // of ANSWERED: what the receiver asked for, 0 when nothing
    uint32_t attempt;       // from 1
    enum verdict_course course;
};

enum verdict_kind {
    VERDICT_DELIVERED,
    VERDICT_AGAIN, // after pause_ms
    VERDICT_DEAD,
    VERDICT_GONE, // dead, and the endpoint does not want to hear of anything any more
};

struct verdict {
    enum verdict_kind kind;
    when_ms pause_ms; // of AGAIN
    const char *word; // "http_503", "timeout": for people and metrics; static
    bool is_fault;    // the receiver is ill: counts for its breaker
};

struct verdict verdict_of(const struct verdict_seen *seen, const struct id *delivery);

// The pause after attempt `attempt` has failed; WHEN_NEVER when it was the last.
when_ms verdict_pause_ms(enum verdict_course course, uint32_t attempt, const struct id *delivery);
