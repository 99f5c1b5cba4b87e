// One pass with a bit per level of nesting, so that no input can exhaust the stack.

#include "worker/core/jsontext.h"

#include "lib/base/check.h"
#include "lib/base/utf8.h"

static_assert(JSONTEXT_DEPTH_MAX <= 64, "a bit per level");

struct reader {
    struct slice text;
    size_t at;
    uint32_t depth;
    uint64_t objects; // bit n: level n is an object, else an array
};

static uint8_t peek(const struct reader *reader)
{
    return reader->at < reader->text.len ? reader->text.data[reader->at] : 0;
}

static bool take(struct reader *reader, uint8_t byte)
{
    if (reader->at >= reader->text.len || reader->text.data[reader->at] != byte)
        return false;
    reader->at++;
    return true;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static void skip_blanks(struct reader *reader)
{
    while (reader->at < reader->text.len && is_blank(reader->text.data[reader->at]))
        reader->at++;
}

static bool take_word(struct reader *reader, const char *word)
{
    size_t len = strlen(word);
    if (reader->text.len - reader->at < len ||
        memcmp(reader->text.data + reader->at, word, len) != 0)
        return false;
    reader->at += len;
    return true;
}

static bool take_digits(struct reader *reader)
{
    size_t start = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return reader->at > start;
}

static bool take_number(struct reader *reader)
{
    (void)take(reader, '-'); // may stand there
    if (!take(reader, '0') && !take_digits(reader))
        return false;
    if (take(reader, '.') && !take_digits(reader))
        return false;
    if (!take(reader, 'e') && !take(reader, 'E'))
        return true;
    if (!take(reader, '+'))
        (void)take(reader, '-'); // may stand there
    return take_digits(reader);
}

// Four hexadecimal digits.
static bool take_hex(struct reader *reader, uint32_t *out_unit)
{
    uint32_t unit = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t byte = peek(reader);
        uint32_t digit = 0;
        if (byte >= '0' && byte <= '9')
            digit = byte - (uint32_t)'0';
        else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f')
            digit = (byte | 0x20u) - (uint32_t)'a' + 10;
        else
            return false;
        unit = unit * 16 + digit;
        reader->at++;
    }
    *out_unit = unit;
    return true;
}

// What follows "\u"; a high surrogate must be followed by a low one.
static bool take_unit(struct reader *reader, uint32_t *out_point)
{
    uint32_t high = 0;
    uint32_t low = 0;
    if (!take_hex(reader, &high) || (high >= 0xdc00 && high <= 0xdfff))
        return false;
    *out_point = high;
    if (high < 0xd800 || high > 0xdbff)
        return true;
    if (!take_word(reader, "\\u") || !take_hex(reader, &low) || low < 0xdc00 || low > 0xdfff)
        return false;
    *out_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

// What follows a backslash.
static bool take_escape(struct reader *reader, uint32_t *out_point)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    uint8_t byte = peek(reader);
    const char *found = byte != 0 ? memchr(letters, byte, sizeof letters - 1) : NULL;
    if (found == NULL && byte != 'u')
        return false;
    reader->at++;
    if (byte == 'u')
        return take_unit(reader, out_point);
    *out_point = (uint8_t)meanings[found - letters];
    return true;
}

// With its quotes.
static bool take_string(struct reader *reader)
{
    if (!take(reader, '"'))
        return false;
    size_t start = reader->at;
    while (reader->at < reader->text.len) {
        uint8_t byte = reader->text.data[reader->at];
        uint32_t point = 0;
        if (byte < 0x20)
            return false;
        reader->at++;
        if (byte == '\\' && !take_escape(reader, &point))
            return false;
        if (byte == '"') {
            struct slice inside = slice_of(reader->text.data + start, reader->at - 1 - start);
            return utf8_valid_len(inside) == inside.len;
        }
    }
    return false;
}

static bool take_scalar(struct reader *reader)
{
    switch (peek(reader)) {
    case '"': return take_string(reader);
    case 't': return take_word(reader, "true");
    case 'f': return take_word(reader, "false");
    case 'n': return take_word(reader, "null");
    default: return take_number(reader);
    }
}

static bool is_in_object(const struct reader *reader)
{
    return (reader->objects >> (reader->depth - 1) & 1) != 0;
}

static bool enter(struct reader *reader, bool is_object)
{
    if (reader->depth == JSONTEXT_DEPTH_MAX)
        return false;
    uint64_t bit = (uint64_t)1 << reader->depth;
    reader->objects = is_object ? reader->objects | bit : reader->objects & ~bit;
    reader->depth++;
    reader->at++;
    return true;
}

static bool take_name(struct reader *reader)
{
    skip_blanks(reader);
    if (!take_string(reader))
        return false;
    skip_blanks(reader);
    return take(reader, ':');
}

// After a value: leaves what ends here; true with *out_more when another value must follow.
static bool take_ends(struct reader *reader, bool *out_more)
{
    *out_more = false;
    while (reader->depth > 0) {
        skip_blanks(reader);
        if (take(reader, ',')) {
            *out_more = true;
            return !is_in_object(reader) || take_name(reader);
        }
        if (!take(reader, is_in_object(reader) ? '}' : ']'))
            return false;
        reader->depth--;
    }
    return true;
}

// Opens the arrays and objects that begin here; *out_empty when the innermost one has ended at
// once.
static bool take_starts(struct reader *reader, bool *out_empty)
{
    *out_empty = false;
    for (;;) {
        skip_blanks(reader);
        uint8_t byte = peek(reader);
        if (byte != '{' && byte != '[')
            return true;
        if (!enter(reader, byte == '{'))
            return false;
        skip_blanks(reader);
        if (take(reader, byte == '{' ? '}' : ']')) {
            reader->depth--;
            *out_empty = true;
            return true;
        }
        if (byte == '{' && !take_name(reader))
            return false;
    }
}

// One whole value.
static bool take_value(struct reader *reader)
{
    CHECK(reader->depth == 0);
    bool more = true;
    while (more) {
        bool empty = false;
        if (!take_starts(reader, &empty) || (!empty && !take_scalar(reader)) ||
            !take_ends(reader, &more))
            return false;
    }
    return true;
}

static bool is_end(struct reader *reader)
{
    skip_blanks(reader);
    return reader->at == reader->text.len;
}

struct slice jsontext_trim(struct slice text)
{
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_blank(*text.data))
        text = slice_of(text.data + 1, text.len - 1);
    return text;
}

bool jsontext_is_valid(struct slice text)
{
    struct reader reader = {.text = text};
    return take_value(&reader) && is_end(&reader);
}

static bool take_member(struct reader *reader, struct jsontext_member *out_member)
{
    skip_blanks(reader);
    size_t start = reader->at;
    if (!take_string(reader))
        return false;
    out_member->name = slice_of(reader->text.data + start + 1, reader->at - start - 2);
    skip_blanks(reader);
    if (!take(reader, ':'))
        return false;
    skip_blanks(reader);
    start = reader->at;
    if (!take_value(reader))
        return false;
    out_member->value = slice_of(reader->text.data + start, reader->at - start);
    skip_blanks(reader);
    return true;
}

static err enter_object(struct reader *reader, bool *out_more)
{
    skip_blanks(reader);
    if (!take(reader, '{'))
        return ERR_MALFORMED;
    skip_blanks(reader);
    *out_more = !take(reader, '}');
    return OK;
}

// *out_more: another one must follow. After the last one the text ends.
static err next_member(struct reader *reader, struct jsontext_member *out_member, bool *out_more)
{
    if (!take_member(reader, out_member))
        return ERR_MALFORMED;
    *out_more = take(reader, ',');
    return *out_more || (take(reader, '}') && is_end(reader)) ? OK : ERR_MALFORMED;
}

err jsontext_members(struct slice text, struct jsontext_member *members, uint32_t cap,
                     uint32_t *out_count)
{
    struct reader reader = {.text = text};
    uint32_t count = 0;
    bool more = false;
    err read = enter_object(&reader, &more);
    while (read == OK && more) {
        if (count == cap)
            return ERR_FULL;
        read = next_member(&reader, &members[count++], &more);
    }
    if (read != OK || !is_end(&reader))
        return ERR_MALFORMED;
    *out_count = count;
    return OK;
}

static size_t encode_point(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (uint8_t)(lead[len] | point);
    return len;
}

// The meaning of what stands next in a string that is known to be sound: a byte, or an escaped character.
static size_t next_meaning(struct reader *reader, uint8_t out[4])
{
    uint32_t point = 0;
    out[0] = reader->text.data[reader->at++];
    if (out[0] != '\\')
        return 1;
    bool sound = take_escape(reader, &point);
    CHECK(sound);
    return encode_point(point, out);
}

static bool means(struct slice written, struct slice name)
{
    struct reader reader = {.text = written};
    size_t len = 0;
    while (reader.at < written.len) {
        uint8_t bytes[4];
        size_t count = next_meaning(&reader, bytes);
        if (count > name.len - len || memcmp(name.data + len, bytes, count) != 0)
            return false;
        len += count;
    }
    return len == name.len;
}

err jsontext_find(struct slice text, struct slice name, struct slice *out_value)
{
    struct reader reader = {.text = text};
    struct jsontext_member member;
    struct slice found = {0};
    bool more = false;
    err read = enter_object(&reader, &more);
    while (read == OK && more) {
        read = next_member(&reader, &member, &more);
        if (read == OK && found.data == NULL && means(member.name, name))
            found = member.value;
    }
    if (read != OK || !is_end(&reader))
        return ERR_MALFORMED;
    if (found.data == NULL)
        return ERR_NOT_FOUND;
    *out_value = found;
    return OK;
}

err jsontext_string(struct slice value, uint8_t *room, size_t cap, struct slice *out_text)
{
    if (value.len < 2 || *value.data != '"')
        return ERR_BAD_FIELD;
    struct reader reader = {.text = slice_of(value.data, value.len - 1), .at = 1};
    size_t len = 0;
    while (reader.at < reader.text.len) {
        uint8_t bytes[4];
        size_t count = next_meaning(&reader, bytes);
        if (len + count > cap)
            break;
        memcpy(room + len, bytes, count);
        len += count;
    }
    *out_text = slice_of(room, utf8_valid_len(slice_of(room, len)));
    return OK;
}

// --- in ASCII ---

// The character that begins at `at`, which is valid UTF-8, and its length.
static uint32_t character(const uint8_t *at, size_t *out_len)
{
    size_t more = at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : at[0] >= 0xc0 ? 1 : 0;
    uint32_t code = more == 0 ? at[0] : at[0] & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        code = code << 6 | (at[i] & 0x3fu);
    *out_len = more + 1;
    return code;
}

static void put_escape(struct bytes_out *out, uint32_t unit)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u'};
    for (unsigned i = 0; i < 4; i++)
        text[5 - i] = digits[unit >> 4 * i & 0xfu];
    bytes_put(out, text, sizeof text);
}

void jsontext_ascii(struct slice text, struct bytes_out *out)
{
    CHECK(utf8_valid_len(text) == text.len);
    for (size_t at = 0, len = 0; at < text.len; at += len) {
        uint32_t code = character(text.data + at, &len);
        if (code < 0x80) {
            bytes_put_u8(out, (uint8_t)code);
        } else if (code < 0x10000) {
            put_escape(out, code);
        } else {
            put_escape(out, 0xd800 + ((code - 0x10000) >> 10));
            put_escape(out, 0xdc00 + ((code - 0x10000) & 0x3ffu));
        }
    }
}
