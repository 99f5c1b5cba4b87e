// The strict JSON reader: one loop over values, one table of open levels, no recursion.

#include "gateway/core/scan.h"

#include "lib/base/utf8.h"

enum { PAIRWISE_MAX = 8 };

struct level {
    bool is_object;
    uint32_t first_key;
};

struct run {
    struct scan *scan;
    struct level levels[SCAN_DEPTH_MAX];
    uint32_t depth;
    uint32_t key_count;
    // Members of the outermost object, when the caller wants them.
    struct scan_member *members;
    uint32_t member_cap;
    uint32_t member_count;
    size_t value_at; // where the value of the last member begins
};

static err fail(struct scan *scan, err e, const char *fault)
{
    scan->fault = fault;
    return e;
}

static int peek(const struct scan *scan)
{
    return scan->at < scan->text.len ? scan->text.data[scan->at] : -1;
}

static void skip_blanks(struct scan *scan)
{
    while (scan->at < scan->text.len) {
        uint8_t c = scan->text.data[scan->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return;
        scan->at++;
    }
}

// --- strings ---

// Bytes that stand for themselves, eight at a time: neither control, quote, backslash nor UTF-8.
static size_t plain_end(struct slice text, size_t at)
{
    const uint64_t ones = 0x0101010101010101u;
    const uint64_t tops = 0x8080808080808080u;
    while (text.len - at >= 8) {
        uint64_t w;
        memcpy(&w, text.data + at, sizeof w);
        uint64_t quote = w ^ (ones * '"');
        uint64_t slash = w ^ (ones * '\\');
        uint64_t special =
            ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash) | w;
        if ((special & tops) != 0)
            break;
        at += 8;
    }
    while (at < text.len) {
        uint8_t c = text.data[at];
        if (c < 0x20 || c == '"' || c == '\\' || c >= 0x80)
            break;
        at++;
    }
    return at;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The four digits at `at`, or -1.
static int32_t hex_unit(struct slice text, size_t at)
{
    if (text.len < 4 || at > text.len - 4)
        return -1;
    int32_t unit = 0;
    for (size_t i = 0; i < 4; i++) {
        int digit = hex_digit(text.data[at + i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

// Reads the escape whose backslash is at `at`: its length (0: none) and the character it means.
static size_t escape_len(struct slice text, size_t at, uint32_t *out_code)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    if (text.len - at < 2)
        return 0;
    uint8_t c = text.data[at + 1];
    if (c != 'u') {
        const char *found = c != 0 ? memchr(letters, c, sizeof letters - 1) : NULL;
        if (found == NULL)
            return 0;
        *out_code = (uint8_t)meanings[found - letters];
        return 2;
    }
    int32_t first = hex_unit(text, at + 2);
    if (first < 0 || (first >= 0xdc00 && first <= 0xdfff))
        return 0;
    *out_code = (uint32_t)first;
    if (first < 0xd800 || first > 0xdbff)
        return 6;
    if (text.len - at < 12 || text.data[at + 6] != '\\' || text.data[at + 7] != 'u')
        return 0;
    int32_t second = hex_unit(text, at + 8);
    if (second < 0xdc00 || second > 0xdfff)
        return 0;
    *out_code = 0x10000u + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
    return 12;
}

// From the opening quote to behind the closing one. `out_escaped` tells of backslashes.
static err read_string(struct scan *scan, bool *out_escaped)
{
    struct slice text = scan->text;
    *out_escaped = false;
    scan->at++;
    for (;;) {
        scan->at = plain_end(text, scan->at);
        if (scan->at == text.len)
            return fail(scan, ERR_MALFORMED, "the string does not end");
        uint8_t c = text.data[scan->at];
        if (c == '"') {
            scan->at++;
            return OK;
        }
        if (c < 0x20)
            return fail(scan, ERR_MALFORMED, "a control character must be escaped");
        if (c == '\\') {
            uint32_t code;
            size_t len = escape_len(text, scan->at, &code);
            if (len == 0)
                return fail(scan, ERR_MALFORMED, "this is no escape, or half of a surrogate pair");
            *out_escaped = true;
            scan->at += len;
            continue;
        }
        size_t end = scan->at;
        while (end < text.len && text.data[end] >= 0x80)
            end++;
        struct slice high = slice_of(text.data + scan->at, end - scan->at);
        size_t valid = utf8_valid_len(high);
        scan->at += valid;
        if (valid < high.len)
            return fail(scan, ERR_MALFORMED, "the text is not UTF-8");
    }
}

static size_t put_utf8(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

// --- names ---

// Walks through a judged name byte by byte, escapes decoded.
struct walk {
    struct slice text;
    size_t at;
    uint8_t pending[4];
    size_t pending_count;
    size_t pending_at;
};

// The next byte, or -1 at the closing quote.
static int walk_next(struct walk *walk)
{
    if (walk->pending_at < walk->pending_count)
        return walk->pending[walk->pending_at++];
    uint8_t c = walk->text.data[walk->at];
    if (c == '"')
        return -1;
    if (c != '\\') {
        walk->at++;
        return c;
    }
    uint32_t code = 0;
    walk->at += escape_len(walk->text, walk->at, &code);
    walk->pending_count = put_utf8(code, walk->pending);
    walk->pending_at = 1;
    return walk->pending[0];
}

// As the decoded names compare.
static int compare_keys(const void *ctx, struct names_key a, struct names_key b)
{
    const struct scan *scan = ctx;
    struct walk left = {.text = scan->text, .at = a.at};
    struct walk right = {.text = scan->text, .at = b.at};
    for (;;) {
        int x = walk_next(&left);
        int y = walk_next(&right);
        if (x != y)
            return x < y ? -1 : 1;
        if (x < 0)
            return 0;
    }
}

static uint32_t hash_of(const struct scan *scan, size_t at, size_t end, bool escaped)
{
    uint32_t hash = NAMES_HASH;
    if (!escaped) {
        for (; at < end; at++)
            hash = names_hash_more(hash, scan->text.data[at]);
        return hash;
    }
    struct walk walk = {.text = scan->text, .at = at};
    for (int c = walk_next(&walk); c >= 0; c = walk_next(&walk))
        hash = names_hash_more(hash, (uint8_t)c);
    return hash;
}

static const char twice[] = "a name occurs twice in one object";

// Few names are compared with each other as they come; many are sorted when the object ends.
static err add_key(struct run *run, struct names_key key)
{
    struct scan *scan = run->scan;
    uint32_t first = run->levels[run->depth - 1].first_key;
    if (run->key_count == scan->key_cap)
        return fail(scan, ERR_TOO_LARGE, "too many names in the objects open here");
    if (run->key_count - first <= PAIRWISE_MAX) {
        for (uint32_t i = first; i < run->key_count; i++) {
            if (scan->keys[i].hash == key.hash && compare_keys(scan, scan->keys[i], key) == 0)
                return fail(scan, ERR_MALFORMED, twice);
        }
    }
    scan->keys[run->key_count++] = key;
    return OK;
}

static err read_name(struct run *run)
{
    struct scan *scan = run->scan;
    skip_blanks(scan);
    if (peek(scan) != '"')
        return fail(scan, ERR_MALFORMED, "a name in double quotes is expected");
    size_t start = scan->at + 1;
    bool escaped;
    err e = read_string(scan, &escaped);
    if (e != OK)
        return e;
    size_t end = scan->at - 1;
    struct names_key key = {hash_of(scan, start, end, escaped), (uint32_t)start};
    e = add_key(run, key);
    if (e != OK)
        return e;
    skip_blanks(scan);
    if (peek(scan) != ':')
        return fail(scan, ERR_MALFORMED, "a colon is expected");
    scan->at++;
    if (run->members == NULL || run->depth != 1)
        return OK;
    if (run->member_count == run->member_cap)
        return fail(scan, ERR_FULL, "too many members");
    skip_blanks(scan);
    run->value_at = scan->at;
    run->members[run->member_count].name = slice_of(scan->text.data + start, end - start);
    return OK;
}

// --- numbers and words ---

static size_t digits_end(struct slice text, size_t at)
{
    while (at < text.len && text.data[at] >= '0' && text.data[at] <= '9')
        at++;
    return at;
}

static err read_number(struct scan *scan)
{
    static const char fault[] = "this is no number";
    struct slice text = scan->text;
    size_t at = scan->at + (text.data[scan->at] == '-' ? 1 : 0);
    size_t end = digits_end(text, at);
    if (end == at || (text.data[at] == '0' && end - at > 1))
        return fail(scan, ERR_MALFORMED, fault);
    if (end < text.len && text.data[end] == '.') {
        at = end + 1;
        end = digits_end(text, at);
        if (end == at)
            return fail(scan, ERR_MALFORMED, fault);
    }
    if (end < text.len && (text.data[end] | 0x20) == 'e') {
        at = end + 1;
        if (at < text.len && (text.data[at] == '+' || text.data[at] == '-'))
            at++;
        end = digits_end(text, at);
        if (end == at)
            return fail(scan, ERR_MALFORMED, fault);
    }
    scan->at = end;
    return OK;
}

static err read_word(struct scan *scan, const char *word)
{
    size_t len = strlen(word);
    if (scan->text.len - scan->at < len || memcmp(scan->text.data + scan->at, word, len) != 0)
        return fail(scan, ERR_MALFORMED, "this is no value");
    scan->at += len;
    return OK;
}

// --- the loop ---

static err open_level(struct run *run, bool is_object)
{
    struct scan *scan = run->scan;
    if (run->depth == SCAN_DEPTH_MAX)
        return fail(scan, ERR_TOO_LARGE, "nested too deeply");
    scan->at++;
    run->levels[run->depth++] = (struct level){is_object, run->key_count};
    return OK;
}

static err close_level(struct run *run)
{
    struct scan *scan = run->scan;
    const struct level *level = &run->levels[run->depth - 1];
    uint32_t count = run->key_count - level->first_key;
    CHECK_IMPLIES(!level->is_object, count == 0);
    if (count > PAIRWISE_MAX + 1 &&
        names_has_double(&(struct names){compare_keys, scan}, scan->keys + level->first_key, count))
        return fail(scan, ERR_MALFORMED, twice);
    run->key_count = level->first_key;
    run->depth--;
    scan->at++;
    return OK;
}

// Begins a value. `out_opened` says that it is a container which is not finished yet.
static err begin_value(struct run *run, bool *out_opened)
{
    struct scan *scan = run->scan;
    bool escaped;
    *out_opened = false;
    skip_blanks(scan);
    int c = peek(scan);
    switch (c) {
    case '{':
    case '[': *out_opened = true; return open_level(run, c == '{');
    case '"': return read_string(scan, &escaped);
    case 't': return read_word(scan, "true");
    case 'f': return read_word(scan, "false");
    case 'n': return read_word(scan, "null");
    default: break;
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(scan);
    return fail(scan, ERR_MALFORMED, c < 0 ? "the text ends too early" : "a value is expected");
}

static enum scan_kind kind_of(uint8_t first)
{
    switch (first) {
    case '{': return SCAN_OBJECT;
    case '[': return SCAN_ARRAY;
    case '"': return SCAN_STRING;
    case 't': return SCAN_TRUE;
    case 'f': return SCAN_FALSE;
    case 'n': return SCAN_NULL;
    default: return SCAN_NUMBER;
    }
}

static struct scan_value value_between(const struct scan *scan, size_t from)
{
    CHECK(from < scan->at);
    return (struct scan_value){
        .kind = kind_of(scan->text.data[from]),
        .raw = slice_of(scan->text.data + from, scan->at - from),
    };
}

// After a value: closes what ends here, until another value must follow or all is done.
static err end_value(struct run *run)
{
    struct scan *scan = run->scan;
    while (run->depth > 0) {
        bool is_object = run->levels[run->depth - 1].is_object;
        if (run->depth == 1 && run->members != NULL)
            run->members[run->member_count++].value = value_between(scan, run->value_at);
        skip_blanks(scan);
        int c = peek(scan);
        if (c == ',') {
            scan->at++;
            return is_object ? read_name(run) : OK;
        }
        if (c != (is_object ? '}' : ']'))
            return fail(scan, ERR_MALFORMED, "a comma or the end of the container is expected");
        err e = close_level(run);
        if (e != OK)
            return e;
    }
    return OK;
}

// A container has just been opened: it may be empty, an object begins with a name. False: it was
// empty and is closed.
static err enter(struct run *run, bool *out_closed)
{
    struct scan *scan = run->scan;
    bool is_object = run->levels[run->depth - 1].is_object;
    *out_closed = false;
    skip_blanks(scan);
    if (peek(scan) == (is_object ? '}' : ']')) {
        *out_closed = true;
        return close_level(run);
    }
    return is_object ? read_name(run) : OK;
}

static err run_value(struct run *run)
{
    CHECK(run->scan->text.len <= SCAN_TEXT_LEN_MAX);
    run->scan->fault = NULL;
    do {
        bool opened;
        bool closed = true;
        err e = begin_value(run, &opened);
        if (e == OK && opened)
            e = enter(run, &closed);
        if (e == OK && closed)
            e = end_value(run);
        if (e != OK)
            return e;
    } while (run->depth > 0);
    return OK;
}

err scan_value(struct scan *scan, struct scan_value *out_value)
{
    struct run run = {.scan = scan};
    skip_blanks(scan);
    size_t start = scan->at;
    err e = run_value(&run);
    if (e != OK)
        return e;
    *out_value = value_between(scan, start);
    return OK;
}

err scan_members(struct scan *scan, struct scan_member *members, uint32_t cap, uint32_t *out_count)
{
    CHECK(members != NULL);
    skip_blanks(scan);
    bool is_object = peek(scan) == '{';
    struct run run = {
        .scan = scan,
        .members = is_object ? members : NULL,
        .member_cap = cap,
    };
    err e = run_value(&run);
    if (e != OK)
        return e;
    if (!is_object)
        return fail(scan, ERR_BAD_FIELD, "an object is expected");
    *out_count = run.member_count;
    return OK;
}

bool scan_is_end(struct scan *scan)
{
    skip_blanks(scan);
    return scan->at == scan->text.len;
}

err scan_element(struct scan *scan, bool *at_start, bool *out_more, struct scan_value *out_value)
{
    skip_blanks(scan);
    int c = peek(scan);
    if (*at_start) {
        if (c != '[')
            return fail(scan, ERR_MALFORMED,
                        "an array is expected; one object a line is application/x-ndjson");
        scan->at++;
        skip_blanks(scan);
        c = peek(scan);
    } else if (c == ',') {
        scan->at++;
    } else if (c != ']') {
        return fail(scan, ERR_MALFORMED, "a comma or the end of the array is expected");
    }
    if (c == ']') {
        scan->at++;
        *out_more = false;
        return OK;
    }
    *at_start = false;
    *out_more = true;
    return scan_value(scan, out_value);
}

err scan_decode(struct slice raw, uint8_t *room, size_t cap, struct slice *out_text)
{
    size_t len = 0;
    for (size_t at = 0; at < raw.len;) {
        uint8_t bytes[4] = {raw.data[at]};
        size_t count = 1;
        size_t taken = 1;
        if (raw.data[at] == '\\') {
            uint32_t code = 0;
            taken = escape_len(raw, at, &code);
            CHECK(taken > 0);
            count = put_utf8(code, bytes);
        }
        if (count > cap - len)
            return ERR_TOO_LARGE;
        memcpy(room + len, bytes, count);
        len += count;
        at += taken;
    }
    *out_text = slice_of(room, len);
    return OK;
}

struct slice scan_inside(const struct scan_value *string)
{
    CHECK(string->kind == SCAN_STRING && string->raw.len >= 2);
    return slice_of(string->raw.data + 1, string->raw.len - 2);
}
