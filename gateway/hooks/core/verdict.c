// One table of pauses, one of ends.

#include "gateway/hooks/core/verdict.h"

#include "lib/base/check.h"
#include "lib/base/civil.h"
#include "lib/base/prng.h"
#include "lib/base/word.h"

#define SECOND ((when_ms)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

// After attempt 1, 2, …
static const when_ms pauses[VERDICT_ATTEMPTS - 1] = {
    5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR,  5 * HOUR,
    10 * HOUR,  14 * HOUR,  20 * HOUR,   24 * HOUR,
};

enum { JITTER_PERCENT_MAX = 10, STATUS_GONE = 410, STATUS_BUSY = 429, STATUS_AWAY = 503 };

when_ms verdict_pause_ms(uint32_t attempt, const struct id *delivery)
{
    CHECK(attempt >= 1);
    if (attempt >= VERDICT_ATTEMPTS)
        return WHEN_NEVER;
    when_ms pause = pauses[attempt - 1];
    uint64_t most = (uint64_t)pause * JITTER_PERCENT_MAX / 100;
    return pause + (when_ms)(id_hash(delivery, prng_mix(attempt)) % (most + 1));
}

static const char *status_word(unsigned status)
{
    switch (status) {
    case STATUS_GONE: return "http_410";
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
    static const char *const words[VERDICT_ENDS] = {
        [VERDICT_BAD_URL] = "bad_url", [VERDICT_FORBIDDEN] = "forbidden_address",
        [VERDICT_NO_HOST] = "no_host", [VERDICT_NO_CONNECT] = "no_connection",
        [VERDICT_TLS] = "no_tls",      [VERDICT_TIMEOUT] = "timeout",
        [VERDICT_BROKEN] = "broken",
    };
    CHECK((unsigned)seen->end < VERDICT_ENDS);
    return seen->end == VERDICT_ANSWERED ? status_word(seen->status) : words[seen->end];
}

// A receiver that answers at all, with a 3xx or 4xx, is well; it does not like what it gets.
static bool is_fault(const struct verdict_seen *seen)
{
    switch (seen->end) {
    case VERDICT_ANSWERED: return seen->status >= 500 || seen->status == STATUS_BUSY;
    case VERDICT_BAD_URL:
    case VERDICT_FORBIDDEN: return false;
    case VERDICT_NO_HOST:
    case VERDICT_NO_CONNECT:
    case VERDICT_TLS:
    case VERDICT_TIMEOUT:
    case VERDICT_BROKEN: return true;
    case VERDICT_ENDS: break;
    }
    UNREACHABLE();
}

struct verdict verdict_of(const struct verdict_seen *seen, const struct id *delivery)
{
    struct verdict verdict = {
        .kind = VERDICT_AGAIN, .word = word_of(seen), .is_fault = is_fault(seen)};
    bool is_answer = seen->end == VERDICT_ANSWERED;
    if (is_answer && seen->status / 100 == 2) {
        verdict.kind = VERDICT_DELIVERED;
        return verdict;
    }
    if (is_answer && seen->status == STATUS_GONE) {
        verdict.kind = VERDICT_GONE;
        return verdict;
    }
    if (seen->end == VERDICT_BAD_URL) { // it will be the same in three days
        verdict.kind = VERDICT_DEAD;
        return verdict;
    }
    verdict.pause_ms = verdict_pause_ms(seen->attempt, delivery);
    if (verdict.pause_ms == WHEN_NEVER) {
        verdict.kind = VERDICT_DEAD;
        verdict.pause_ms = 0;
    } else if (is_answer && (seen->status == STATUS_BUSY || seen->status == STATUS_AWAY) &&
               seen->retry_after_ms > verdict.pause_ms) {
        verdict.pause_ms = when_min(seen->retry_after_ms, VERDICT_WISH_MS_MAX);
    }
    return verdict;
}

// --- Retry-After ---

static bool read_digits(struct slice text, size_t at, size_t len, int64_t *out_number)
{
    int64_t number = 0;
    for (size_t i = at; i < at + len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number < VERDICT_WISH_MS_MAX ? 10 * number + (text.data[i] - '0') : number;
    }
    *out_number = number;
    return true;
}

static int64_t month_of(const uint8_t *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int64_t month = 0; month < 12; month++) {
        if (memcmp(name, names + 3 * month, 3) == 0)
            return month + 1;
    }
    return 0;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"; -1 when it is none.
static when_ms read_date(struct slice text)
{
    static const char form[] = "Sun, 06 Nov 1994 08:49:37 GMT";
    struct civil day = {0};
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    if (text.len != sizeof form - 1 || memcmp(text.data + 25, " GMT", 4) != 0 ||
        text.data[19] != ':' || text.data[22] != ':')
        return -1;
    day.month = month_of(text.data + 8);
    bool is_read = read_digits(text, 5, 2, &day.day) && read_digits(text, 12, 4, &day.year) &&
                   read_digits(text, 17, 2, &hour) && read_digits(text, 20, 2, &minute) &&
                   read_digits(text, 23, 2, &second);
    if (!is_read || day.month == 0 || day.year < 1970 || day.day < 1 ||
        day.day > civil_month_len(day.year, day.month) || hour > 23 || minute > 59 || second > 60)
        return -1;
    return civil_to_days(day) * 24 * HOUR + hour * HOUR + minute * MINUTE + second * SECOND;
}

when_ms verdict_retry_after_ms(struct slice value, when_ms wall)
{
    struct slice text = word_trim(value);
    int64_t seconds = 0;
    if (text.len == 0)
        return 0;
    if (read_digits(text, 0, text.len, &seconds))
        return when_min(seconds, VERDICT_WISH_MS_MAX / SECOND) * SECOND;
    when_ms date = read_date(text);
    return date > wall ? when_min(date - wall, VERDICT_WISH_MS_MAX) : 0;
}
