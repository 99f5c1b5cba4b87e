// Writing events of a stream.

#include "gateway/core/event.h"

#include "lib/base/decimal.h"

static size_t put(uint8_t *to, struct slice bytes)
{
    if (bytes.len > 0)
        memcpy(to, bytes.data, bytes.len);
    return bytes.len;
}

static bool is_end(uint8_t byte)
{
    return byte == '\n' || byte == '\r';
}

// Takes a line and its end off the front.
static struct slice take_line(struct slice *text)
{
    size_t len = 0;
    while (len < text->len && !is_end(text->data[len]))
        len++;
    struct slice line = slice_of(text->data, len);
    bool is_pair = len + 1 < text->len && text->data[len] == '\r' && text->data[len + 1] == '\n';
    size_t taken = len + (len < text->len) + is_pair;
    *text = slice_of(text->data + taken, text->len - taken);
    return line;
}

#define DATA_NAME "data: "

size_t event_len(const struct event *event)
{
    size_t lines = 1;
    for (size_t i = 0; i < event->data.len; i++)
        lines += is_end(event->data.data[i]);
    return sizeof "event: \nid: \n\n" + strlen(event->name) + DECIMAL_LEN_MAX + event->mark.len +
           lines * sizeof DATA_NAME "\n" + event->data.len;
}

size_t event_put(const struct event *event, uint8_t *room)
{
    struct slice left = event->data;
    size_t len = put(room, slice_of_text("event: "));
    len += put(room + len, slice_of_text(event->name));
    if (event->id != 0) {
        len += put(room + len, slice_of_text("\nid: "));
        len += decimal_put(event->id, room + len);
    }
    if (event->mark.len > 0) {
        len += put(room + len, slice_of_text("\nid: "));
        len += put(room + len, event->mark);
    }
    do {
        len += put(room + len, slice_of_text("\n" DATA_NAME));
        len += put(room + len, take_line(&left));
    } while (left.len > 0);
    return len + put(room + len, slice_of_text("\n\n"));
}
