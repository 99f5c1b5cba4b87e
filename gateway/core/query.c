// Query parameters and entity tags.

#include "gateway/core/query.h"

#include "gateway/core/answer.h"
#include "gateway/core/feed.h"
#include "lib/base/bytes.h"
#include "lib/base/duration.h"
#include "lib/base/moment.h"
#include "lib/base/nearest.h"
#include "proto/labels.h"

static const char *const names[QUERY_NAMES] = {
    [QUERY_WAIT] = "wait",
    [QUERY_VERSION] = "version",
    [QUERY_MODE] = "mode",
    [QUERY_STATUS] = "status",
    [QUERY_QUEUE] = "queue",
    [QUERY_TYPE] = "type",
    [QUERY_CREATED_AFTER] = "created_after",
    [QUERY_CREATED_BEFORE] = "created_before",
    [QUERY_LIMIT] = "limit",
    [QUERY_CURSOR] = "cursor",
    [QUERY_NEXT] = "next",
    [QUERY_AFTER_NAME] = "cursor",
    [QUERY_AFTER_LINE] = "after",
    [QUERY_DIRECTION] = "direction",
    [QUERY_DRY_RUN] = "dry_run",
    [QUERY_TAG] = "tag",
    [QUERY_SINCE] = "since",
    [QUERY_SIMULATE] = "simulate",
    [QUERY_RATE] = "rate",
};

enum { VALUE_LEN_MAX = 256 };

static bool read_long(struct slice text, uint64_t *out_number)
{
    uint64_t number = 0;
    // 18 digits cannot overflow.
    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out_number = number;
    return true;
}

static bool read_number(struct slice text, uint32_t *out_number)
{
    uint64_t number;
    if (!read_long(text, &number) || number > UINT32_MAX)
        return false;
    *out_number = (uint32_t)number;
    return true;
}

static bool state_of(struct slice word, uint32_t *states)
{
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++) {
        if (!slice_is_text(word, answer_state((enum job_state)state)))
            continue;
        *states |= 1u << state;
        return true;
    }
    return false;
}

bool query_states(struct slice words, uint32_t *out_states)
{
    uint32_t states = 0;
    for (bool more = true; more;) {
        const uint8_t *comma = words.len > 0 ? memchr(words.data, ',', words.len) : NULL;
        size_t len = comma != NULL ? (size_t)(comma - words.data) : words.len;
        if (!state_of(slice_of(words.data, len), &states))
            return false;
        more = comma != NULL;
        if (more)
            words = slice_of(comma + 1, words.len - len - 1);
    }
    *out_states = states;
    return true;
}

// The word that is no state; the last one when all are.
static struct slice strange_word(struct slice words)
{
    uint32_t states = 0;
    for (;;) {
        const uint8_t *comma = words.len > 0 ? memchr(words.data, ',', words.len) : NULL;
        size_t len = comma != NULL ? (size_t)(comma - words.data) : words.len;
        struct slice word = slice_of(words.data, len);
        if (comma == NULL || !state_of(word, &states))
            return word;
        words = slice_of(comma + 1, words.len - len - 1);
    }
}

void query_tell_states(struct slice words, char out_fault[QUERY_FAULT_LEN])
{
    enum { WORD_LEN_MAX = 24 };
    const char *states[JOB_STATES];
    uint32_t count = 0;
    struct slice word = strange_word(words);
    struct bytes_out out = {.data = (uint8_t *)out_fault, .cap = QUERY_FAULT_LEN - 1};
    for (unsigned state = JOB_SCHEDULED; state < JOB_STATES; state++)
        states[count++] = answer_state((enum job_state)state);
    bytes_put(&out, "status: ", 8);
    for (size_t i = 0; i < word.len && i < WORD_LEN_MAX; i++)
        bytes_put_u8(&out, word.data[i] < 0x20 || word.data[i] > 0x7e ? '?' : word.data[i]);
    bytes_put(&out, " is no state", 12);
    nearest_tell(&out, word, states, count);
    out_fault[out.len] = '\0';
}

static const char *read_name(struct slice value, uint8_t *room, struct slice *out_name)
{
    if (value.len == 0 || value.len > MSG_NAME_LEN_MAX)
        return "must be 1 to 128 of a-z 0-9 . _ -";
    memcpy(room, value.data, value.len);
    *out_name = slice_of(room, value.len);
    return NULL;
}

static const char *read_tag(struct slice value, uint8_t *room, struct slice *out_tag)
{
    if (!labels_is_tag(value))
        return "must be " LABELS_TAG_RULE;
    memcpy(room, value.data, value.len);
    *out_tag = slice_of(room, value.len);
    return NULL;
}

static const char *read_moment(struct slice value, when_ms *out_at)
{
    return moment_parse(value, out_at) == OK && *out_at > 0
               ? NULL
               : "must be a moment like 2026-12-01T08:00:00Z";
}

static const char *read_limit(struct slice value, uint32_t *out_limit)
{
    bool is_good = read_number(value, out_limit) && *out_limit > 0 && *out_limit <= MSG_LISTED_MAX;
    return is_good ? NULL : "must be from 1 to 1000";
}

static const char *read_rate(struct slice value, uint32_t *out_rate)
{
    bool is_good = read_number(value, out_rate) && *out_rate > 0 && *out_rate <= MSG_RATE_COUNT_MAX;
    return is_good ? NULL
                   : "must be a whole number of jobs a second, from 1 to 1000000; leave it out for "
                     "no limit";
}

static const char *read_cursor(struct slice value, uint64_t *out_cursor)
{
    return read_long(value, out_cursor) && *out_cursor > 0
               ? NULL
               : "must be the cursor of an answer; leave it out to begin";
}

static void tell(char out_fault[QUERY_FAULT_LEN], struct slice name, const char *rule)
{
    struct bytes_out out = {.data = (uint8_t *)out_fault, .cap = QUERY_FAULT_LEN - 1};
    bytes_put(&out, "the parameter ", 14);
    bytes_put(&out, name.data, name.len < 32 ? name.len : 32);
    bytes_put(&out, " ", 1);
    bytes_put(&out, rule, strlen(rule));
    out_fault[out.len] = '\0';
}

// Says which one was probably meant, or which there are.
static void tell_unknown(char out_fault[QUERY_FAULT_LEN], struct slice name, uint32_t allowed)
{
    const char *known[QUERY_NAMES];
    uint32_t count = 0;
    for (unsigned i = 0; i < QUERY_NAMES; i++)
        if ((allowed & 1u << i) != 0)
            known[count++] = names[i];
    tell(out_fault, name, "is not known here");
    size_t len = strlen(out_fault);
    struct bytes_out out = {.data = (uint8_t *)out_fault + len, .cap = QUERY_FAULT_LEN - 1 - len};
    nearest_tell(&out, name, known, count);
    out_fault[len + out.len] = '\0';
}

static const char *read_direction(struct slice value, enum direction *out_direction)
{
    static const char *const words[] = {
        [DIRECTION_IN] = "in", [DIRECTION_OUT] = "out", [DIRECTION_BOTH] = "both"};
    for (unsigned i = DIRECTION_IN; i <= DIRECTION_BOTH; i++) {
        if (!slice_is_text(value, words[i]))
            continue;
        *out_direction = (enum direction)i;
        return NULL;
    }
    return "must be in, out or both";
}

// The rule that the value breaks, or NULL.
static const char *read_value(struct query *query, enum query_name name, struct slice value,
                              err *out_error)
{
    *out_error = ERR_BAD_FIELD;
    switch (name) {
    case QUERY_WAIT:
        if (duration_parse(value, &query->wait) != OK || query->wait > QUERY_WAIT_MS_MAX)
            return "must be a duration of at most 60s, like 30s";
        return NULL;
    case QUERY_SIMULATE:
        return duration_parse(value, &query->simulate) == OK && query->simulate > 0 &&
                       query->simulate <= QUERY_SIMULATE_MS_MAX
                   ? NULL
                   : "must be a duration of at most 30s, like 10s";
    case QUERY_AFTER_LINE:
        return read_number(value, &query->after_line) ? NULL : "must be the number of a line";
    case QUERY_VERSION:
        return read_number(value, &query->version) ? NULL : "must be a version number";
    case QUERY_MODE:
        query->is_atomic = slice_is_text(value, "atomic");
        return query->is_atomic || slice_is_text(value, "partial") ? NULL
                                                                   : "must be atomic or partial";
    case QUERY_STATUS:
        return query_states(value, &query->list.filter.states)
                   ? NULL
                   : "must be states like queued,running; see life-of-a-job";
    case QUERY_QUEUE: return read_name(value, query->names[0], &query->list.filter.queue);
    case QUERY_TYPE: return read_name(value, query->names[1], &query->list.filter.type);
    case QUERY_TAG: return read_tag(value, query->names[2], &query->list.filter.tag);
    case QUERY_CREATED_AFTER: return read_moment(value, &query->list.filter.created_after);
    case QUERY_CREATED_BEFORE: return read_moment(value, &query->list.filter.created_before);
    case QUERY_LIMIT: return read_limit(value, &query->list.limit);
    case QUERY_CURSOR: return read_cursor(value, &query->list.cursor);
    case QUERY_NEXT:
        return read_number(value, &query->next) && query->next <= QUERY_NEXT_MAX
                   ? NULL
                   : "must be a number of at most 100";
    case QUERY_AFTER_NAME: return read_name(value, query->names[0], &query->after_name);
    case QUERY_DRY_RUN:
        query->dry_run = slice_is_text(value, "true");
        return query->dry_run || slice_is_text(value, "false") ? NULL : "must be true or false";
    case QUERY_SINCE:
        return slice_is_text(value, "oldest") || feed_place_read(value, &query->since) == OK
                   ? NULL
                   : "must be the id of an event, or oldest";
    case QUERY_RATE: return read_rate(value, &query->rate);
    case QUERY_DIRECTION: return read_direction(value, &query->direction);
    }
    UNREACHABLE();
}

static bool digit_of(uint8_t c, uint8_t *out_digit)
{
    if (c >= '0' && c <= '9')
        *out_digit = (uint8_t)(c - '0');
    else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        *out_digit = (uint8_t)((c | 0x20) - 'a' + 10);
    else
        return false;
    return true;
}

// Into `room` of VALUE_LEN_MAX bytes, %XX as the byte it stands for (RFC 3986). False when it is
// too long or a percent sign begins nothing.
static bool decode(struct slice value, uint8_t *room, struct slice *out_value)
{
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++, len++) {
        uint8_t high;
        uint8_t low;
        if (len == VALUE_LEN_MAX)
            return false;
        room[len] = value.data[i];
        if (value.data[i] != '%')
            continue;
        if (value.len - i < 3 || !digit_of(value.data[i + 1], &high) ||
            !digit_of(value.data[i + 2], &low))
            return false;
        room[len] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    *out_value = slice_of(room, len);
    return true;
}

static err read_pair(struct slice pair, uint32_t allowed, struct query *query,
                     char out_fault[QUERY_FAULT_LEN])
{
    const uint8_t *mark = memchr(pair.data, '=', pair.len);
    size_t len = mark != NULL ? (size_t)(mark - pair.data) : pair.len;
    struct slice name = slice_of(pair.data, len);
    struct slice value =
        slice_of(pair.data + len + (mark != NULL), pair.len - len - (mark != NULL));
    uint8_t room[VALUE_LEN_MAX];
    if (!decode(value, room, &value)) {
        tell(out_fault, name, "is too long or not encoded as in RFC 3986");
        return ERR_BAD_FIELD;
    }
    for (unsigned i = 0; i < QUERY_NAMES; i++) {
        err e;
        if ((allowed & 1u << i) == 0 || !slice_is_text(name, names[i]))
            continue;
        const char *rule = read_value(query, (enum query_name)i, value, &e);
        if (rule == NULL && query->has[i])
            rule = "is given twice";
        if (rule == NULL) {
            query->has[i] = true;
            return OK;
        }
        if (i == QUERY_STATUS && !query->has[i])
            query_tell_states(value, out_fault);
        else
            tell(out_fault, name, rule);
        return e;
    }
    tell_unknown(out_fault, name, allowed);
    return ERR_BAD_FIELD;
}

err query_read(struct slice text, uint32_t allowed, struct query *out_query,
               char out_fault[QUERY_FAULT_LEN])
{
    struct query query = {0};
    while (text.len > 0) {
        const uint8_t *mark = memchr(text.data, '&', text.len);
        size_t len = mark != NULL ? (size_t)(mark - text.data) : text.len;
        if (len > 0) {
            err e = read_pair(slice_of(text.data, len), allowed, &query, out_fault);
            if (e != OK)
                return e;
        }
        size_t taken = len + (mark != NULL);
        text = slice_of(text.data + taken, text.len - taken);
    }
    *out_query = query;
    // The names have moved with it.
    if (query.has[QUERY_QUEUE])
        out_query->list.filter.queue.data = out_query->names[0];
    if (query.has[QUERY_AFTER_NAME])
        out_query->after_name.data = out_query->names[0];
    if (query.has[QUERY_TYPE])
        out_query->list.filter.type.data = out_query->names[1];
    if (query.has[QUERY_TAG])
        out_query->list.filter.tag.data = out_query->names[2];
    return OK;
}

static void skip(struct slice *text, size_t len)
{
    *text = slice_of(text->data + len, text->len - len);
}

// Takes the next tag off a list of them, without its quotes; weak ones count as others. False: there
// is none, or what comes is none.
static bool take_tag(struct slice *list, struct slice *out_tag)
{
    while (list->len > 0 && (list->data[0] == ',' || list->data[0] == ' ' || list->data[0] == '\t'))
        skip(list, 1);
    if (list->len > 2 && list->data[0] == 'W' && list->data[1] == '/')
        skip(list, 2);
    if (list->len < 2 || list->data[0] != '"')
        return false;
    const uint8_t *end = memchr(list->data + 1, '"', list->len - 1);
    if (end == NULL)
        return false;
    *out_tag = slice_of(list->data + 1, (size_t)(end - list->data) - 1);
    skip(list, out_tag->len + 2);
    return true;
}

bool query_etag(struct slice header, uint32_t *out_version)
{
    bool is_found = false;
    struct slice tag;
    uint32_t version;
    while (take_tag(&header, &tag)) {
        if (!read_number(tag, &version) || (is_found && version < *out_version))
            continue;
        is_found = true;
        *out_version = version;
    }
    return is_found;
}

bool query_etag_has(struct slice header, uint32_t version)
{
    struct slice tag;
    uint32_t named;
    if (slice_is_text(header, "*"))
        return true;
    while (take_tag(&header, &tag)) {
        if (read_number(tag, &named) && named == version)
            return true;
    }
    return false;
}

bool query_version(struct slice header, uint32_t *out_version)
{
    return read_number(header, out_version) && *out_version > 0;
}
