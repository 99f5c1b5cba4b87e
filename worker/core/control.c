// Words between single or several blanks.

#include "worker/core/control.h"

#include "lib/base/duration.h"
#include "lib/base/utf8.h"

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static void skip_blanks(struct slice *text)
{
    while (text->len > 0 && is_blank(*text->data))
        *text = slice_of(text->data + 1, text->len - 1);
}

static struct slice take_word(struct slice *text)
{
    skip_blanks(text);
    size_t len = 0;
    while (len < text->len && !is_blank(text->data[len]))
        len++;
    struct slice word = slice_of(text->data, len);
    *text = slice_of(text->data + len, text->len - len);
    skip_blanks(text);
    return word;
}

// Digits only, as they fit into 64 bits.
static err read_number(struct slice text, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.len == 0)
        return ERR_MALFORMED;
    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10)
            return ERR_MALFORMED;
        number = number * 10 + digit;
    }
    *out_number = number;
    return OK;
}

// As many whole characters as the wire carries.
static err take_text(struct slice rest, struct slice *out_text)
{
    if (utf8_valid_len(rest) != rest.len)
        return ERR_MALFORMED;
    if (rest.len > MSG_PROGRESS_TEXT_LEN_MAX)
        rest.len = MSG_PROGRESS_TEXT_LEN_MAX;
    rest.len = utf8_valid_len(rest);
    *out_text = rest;
    return OK;
}

static err parse_progress(struct slice rest, struct control *out_control)
{
    struct control control = {.kind = CONTROL_PROGRESS};
    if (read_number(take_word(&rest), &control.done) != OK ||
        read_number(take_word(&rest), &control.total) != OK || take_text(rest, &control.text) != OK)
        return ERR_MALFORMED;
    *out_control = control;
    return OK;
}

static err parse_extend(struct slice rest, struct control *out_control)
{
    struct control control = {.kind = CONTROL_EXTEND};
    if (duration_parse(take_word(&rest), &control.extend_ms) != OK || rest.len > 0)
        return ERR_MALFORMED;
    *out_control = control;
    return OK;
}

err control_parse(struct slice line, struct control *out_control)
{
    if (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    struct slice word = take_word(&line);
    if (slice_is_text(word, "progress"))
        return parse_progress(line, out_control);
    if (slice_is_text(word, "extend"))
        return parse_extend(line, out_control);
    if (slice_is_text(word, "log")) {
        *out_control = (struct control){.kind = CONTROL_LOG, .text = line};
        return OK;
    }
    return ERR_MALFORMED;
}
