// Places and events, field by field.

#include "gateway/core/feed.h"

#include "gateway/core/answer.h"
#include "lib/base/check.h"
#include "lib/base/decimal.h"

enum { LINEAGE_DIGITS = 16 };

// --- places ---

void feed_place_put(const struct msg_place *place, char out_text[FEED_PLACE_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    const uint64_t numbers[] = {place->epoch, place->position, place->index};
    size_t len = 0;
    for (; len < LINEAGE_DIGITS; len++)
        out_text[len] = hex[place->lineage >> (60 - 4 * len) & 15];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        out_text[len++] = '-';
        len += decimal_put(numbers[i], out_text + len);
    }
    CHECK(len <= FEED_PLACE_LEN);
    out_text[len] = '\0';
}

static bool read_lineage(struct slice *text, uint64_t *out_lineage)
{
    uint64_t lineage = 0;
    if (text->len < LINEAGE_DIGITS)
        return false;
    for (size_t i = 0; i < LINEAGE_DIGITS; i++) {
        uint8_t c = text->data[i];
        if (c >= '0' && c <= '9')
            lineage = lineage << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            lineage = lineage << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    *text = slice_of(text->data + LINEAGE_DIGITS, text->len - LINEAGE_DIGITS);
    *out_lineage = lineage;
    return true;
}

// A hyphen and a number of at most `max`, taken off the front.
static bool read_number(struct slice *text, uint64_t max, uint64_t *out_number)
{
    uint64_t number = 0;
    size_t at = 1;
    if (text->len < 2 || text->data[0] != '-')
        return false;
    for (; at < text->len && text->data[at] >= '0' && text->data[at] <= '9'; at++) {
        uint64_t digit = (uint64_t)(text->data[at] - '0');
        if (number > (max - digit) / 10)
            return false;
        number = number * 10 + digit;
    }
    *text = slice_of(text->data + at, text->len - at);
    *out_number = number;
    return at > 1;
}

err feed_place_read(struct slice text, struct msg_place *out_place)
{
    struct msg_place place = {0};
    uint64_t epoch;
    uint64_t index;
    bool is_good = read_lineage(&text, &place.lineage) && read_number(&text, UINT32_MAX, &epoch) &&
                   read_number(&text, UINT64_MAX, &place.position) &&
                   read_number(&text, UINT32_MAX, &index) && text.len == 0 && epoch > 0;
    if (!is_good)
        return ERR_BAD_FIELD;
    place.epoch = (uint32_t)epoch;
    place.index = (uint32_t)index;
    *out_place = place;
    return OK;
}

struct msg_place feed_place_of(const struct msg_event *told, const struct msg_job_event *event)
{
    return (struct msg_place){.lineage = told->next.lineage,
                              .epoch = told->next.epoch,
                              .position = event->position,
                              .index = event->index};
}

struct msg_place feed_oldest(const struct msg_event *told)
{
    return (struct msg_place){.lineage = told->next.lineage,
                              .epoch = told->next.epoch,
                              .position = told->oldest_position,
                              .index = told->oldest_index};
}

// --- objects ---

static void put_place(struct out *out, const char *name, struct msg_place place)
{
    char text[FEED_PLACE_LEN + 1];
    feed_place_put(&place, text);
    out_put_text(out, name, slice_of_text(text));
}

void feed_event(struct out *out, const struct msg_event *told, const struct msg_job_event *event)
{
    out_open_object(out);
    put_place(out, "id", feed_place_of(told, event));
    answer_put_id(out, "job_id", &event->job_id);
    out_put_text(out, "type", event->type);
    out_put_text(out, "queue", event->queue);
    out_put_text(out, "status", slice_of_text(answer_state(event->state)));
    out_put_unsigned(out, "version", event->version);
    answer_put_moment(out, "at", event->at);
    out_close(out);
}

void feed_gap(struct out *out, const struct msg_event *told)
{
    out_open_object(out);
    out_put_bool(out, "gap", true);
    put_place(out, "oldest", feed_oldest(told));
    put_place(out, "newest", told->next);
    out_close(out);
}
