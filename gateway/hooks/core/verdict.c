// One table of pauses, one of ends.

#include "gateway/hooks/core/verdict.h"

#include "lib/base/check.h"
#include "lib/base/prng.h"
#include "proto/msg.h"

#define SECOND ((when_ms)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

// After attempt 1, 2, …
static const when_ms pauses[VERDICT_ATTEMPTS - 1] = {
    5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR,  5 * HOUR,
    10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR,
};
static const when_ms short_pauses[VERDICT_SHORT_ATTEMPTS - 1] = {
    5 * SECOND,
    15 * SECOND,
    30 * SECOND,
    60 * SECOND,
};

enum { JITTER_PERCENT_MAX = 10, STATUS_GONE = 410, STATUS_BUSY = 429, STATUS_AWAY = 503 };

when_ms verdict_pause_ms(enum verdict_course course, uint32_t attempt, const struct id *delivery)
{
    CHECK(attempt >= 1);
    bool is_short = course == VERDICT_SHORT;
    if (attempt >= (is_short ? VERDICT_SHORT_ATTEMPTS : VERDICT_ATTEMPTS))
        return WHEN_NEVER;
    when_ms pause = is_short ? short_pauses[attempt - 1] : pauses[attempt - 1];
    uint64_t most = (uint64_t)pause * JITTER_PERCENT_MAX / 100;
    return pause + (when_ms)(id_hash(delivery, prng_mix(attempt)) % (most + 1));
}

static const char *status_word(unsigned status)
{
    switch (status) {
    case STATUS_GONE: return HOOK_GONE;
    case STATUS_BUSY: return "http_429";
    case STATUS_AWAY: return "http_503";
    default: break;
    }
    switch (status / 100) {
    case 2: return "delivered";
    case 3: return "http_3xx";
    case 4: return "http_4xx";
    case 5: return "http_5xx";
    default: return "http_other";
    }
}

static const char *word_of(const struct verdict_seen *seen)
{
    static const char *const words[EXCHANGE_ENDS] = {
        [EXCHANGE_BAD_URL] = "bad_url", [EXCHANGE_FORBIDDEN] = "forbidden_address",
        [EXCHANGE_NO_HOST] = "no_host", [EXCHANGE_NO_CONNECT] = "no_connection",
        [EXCHANGE_TLS] = "no_tls",      [EXCHANGE_TIMEOUT] = "timeout",
        [EXCHANGE_BROKEN] = "broken",
    };
    CHECK((unsigned)seen->end < EXCHANGE_ENDS);
    return seen->end == EXCHANGE_ANSWERED ? status_word(seen->status) : words[seen->end];
}

// A receiver that answers at all, with a 3xx or 4xx, is well; it does not like what it gets.
static bool is_fault(const struct verdict_seen *seen)
{
    switch (seen->end) {
    case EXCHANGE_ANSWERED: return seen->status >= 500 || seen->status == STATUS_BUSY;
    case EXCHANGE_BAD_URL:
    case EXCHANGE_FORBIDDEN: return false;
    case EXCHANGE_NO_HOST:
    case EXCHANGE_NO_CONNECT:
    case EXCHANGE_TLS:
    case EXCHANGE_TIMEOUT:
    case EXCHANGE_BROKEN: return true;
    case EXCHANGE_ENDS: break;
    }
    UNREACHABLE();
}

struct verdict verdict_of(const struct verdict_seen *seen, const struct id *delivery)
{
    struct verdict verdict = {
        .kind = VERDICT_AGAIN, .word = word_of(seen), .is_fault = is_fault(seen)};
    bool is_answer = seen->end == EXCHANGE_ANSWERED;
    if (is_answer && seen->status / 100 == 2) {
        verdict.kind = VERDICT_DELIVERED;
        return verdict;
    }
    if (is_answer && seen->status == STATUS_GONE) {
        verdict.kind = VERDICT_GONE;
        return verdict;
    }
    if (seen->end == EXCHANGE_BAD_URL) { // it will be the same in three days
        verdict.kind = VERDICT_DEAD;
        return verdict;
    }
    verdict.pause_ms = verdict_pause_ms(seen->course, seen->attempt, delivery);
    if (verdict.pause_ms == WHEN_NEVER) {
        verdict.kind = VERDICT_DEAD;
        verdict.pause_ms = 0;
    } else if (is_answer && (seen->status == STATUS_BUSY || seen->status == STATUS_AWAY) &&
               seen->retry_after_ms > verdict.pause_ms) {
        verdict.pause_ms = when_min(seen->retry_after_ms, EXCHANGE_WISH_MS_MAX);
    }
    return verdict;
}
