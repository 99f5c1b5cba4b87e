// By the first bytes.

#include "gateway/core/shape.h"

static const char many[] = "POST /v1/batches takes many jobs at once, as an array or one a line; "
                           "here one object is expected";
static const char compressed[] = "the body is compressed; send it as it is";
static const char mark[] = "a byte order mark stands before the text; send UTF-8 without one";

static bool begins(struct slice text, const char *with, size_t len)
{
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

static struct slice after_blanks(struct slice text)
{
    size_t at = 0;
    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t' ||
                             text.data[at] == '\r' || text.data[at] == '\n'))
        at++;
    return slice_of(text.data + at, text.len - at);
}

// gzip and zstd; zlib begins like text.
static bool is_compressed(struct slice text)
{
    return begins(text, "\x1f\x8b", 2) || begins(text, "\x28\xb5\x2f\xfd", 4);
}

// What no text begins with.
static const char *of_bytes(struct slice text)
{
    if (is_compressed(text))
        return compressed;
    return begins(text, "\xef\xbb\xbf", 3) ? mark : NULL;
}

// What follows the object at the front; empty when it does not end.
static struct slice behind_object(struct slice text)
{
    uint32_t depth = 0;
    bool is_string = false;
    if (!begins(text, "{", 1))
        return (struct slice){0};
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"')
            is_string = !is_string;
        else if (is_string)
            i += c == '\\';
        else if (c == '{')
            depth++;
        else if (c == '}' && --depth == 0)
            return after_blanks(slice_of(text.data + i + 1, text.len - i - 1));
    }
    return (struct slice){0};
}

static bool has_more_objects(struct slice text)
{
    struct slice rest = behind_object(text);
    if (begins(rest, ",", 1))
        rest = after_blanks(slice_of(rest.data + 1, rest.len - 1));
    return begins(rest, "{", 1);
}

// A map of MessagePack.
static bool is_packed(struct slice text)
{
    uint8_t first = text.len > 0 ? text.data[0] : 0;
    return (first & 0xf0u) == 0x80 || first == 0xde || first == 0xdf;
}

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// A form, YAML, or plain words.
static bool is_other_text(struct slice text)
{
    bool is_value = begins(text, "true", 4) || begins(text, "false", 5) || begins(text, "null", 4);
    return text.len > 0 && is_letter(text.data[0]) && !is_value;
}

static const char *of_json(struct slice body)
{
    struct slice text = after_blanks(body);
    const char *lesson = of_bytes(text);
    if (lesson != NULL)
        return lesson;
    if (text.len == 0)
        return "the body is empty; a job is an object like {\"type\": \"mail.send\"}";
    if (is_packed(text))
        return "this is MessagePack; say so: Content-Type: application/msgpack";
    if (is_other_text(text))
        return "this is no JSON; a job is an object like {\"type\": \"mail.send\"}";
    if (text.data[0] == '"')
        return "this is a string, as of JSON that was encoded twice; an object is expected";
    // What stands before each text of a sequence (RFC 7464), an array, or one a line.
    bool is_many = text.data[0] == 0x1e || text.data[0] == '[';
    return is_many || has_more_objects(text) ? many : NULL;
}

static const char *of_packed(struct slice body)
{
    if (is_compressed(body))
        return compressed;
    struct slice text = after_blanks(body);
    if (begins(text, "{", 1) || begins(text, "[", 1))
        return "this is JSON; say so: Content-Type: application/json";
    if (body.len == 0)
        return "the body is empty; a job is a map like {\"type\": \"mail.send\"}";
    return doc_is_array((struct doc_value){DOC_MSGPACK, body}) ? many : NULL;
}

const char *shape_of_job(struct doc_value body)
{
    return body.format == DOC_JSON ? of_json(body.raw) : of_packed(body.raw);
}

const char *shape_of_array(struct slice body)
{
    struct slice text = after_blanks(body);
    const char *lesson = of_bytes(text);
    if (lesson != NULL)
        return lesson;
    if (text.len == 0)
        return "the body is empty; an array of jobs is expected";
    if (has_more_objects(text))
        return "an array is expected; one object a line is Content-Type: application/x-ndjson";
    if (text.data[0] == '{')
        return "an array is expected, with nothing around it; one object a line is "
               "application/x-ndjson, and one job by itself goes to POST /v1/jobs";
    return NULL;
}

const char *shape_of_line(struct slice line)
{
    struct slice text = after_blanks(line);
    const char *lesson = of_bytes(text);
    if (lesson == NULL && begins(text, "[", 1))
        return "a line is one object; an array of jobs is Content-Type: application/json";
    return lesson;
}

const char *shape_of_member(const struct doc_member *member)
{
    static const char *const lists[] = {"jobs", "records", "batch", "items"};
    static const char *const keys[] = {"idempotency_key", "idempotencyKey", "idempotency-key"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (slice_is_text(member->name, lists[i]))
            return many;
    }
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (slice_is_text(member->name, keys[i]))
            return "the key is given as the Idempotency-Key header";
    }
    return slice_is_text(member->name, "job") ? "the fields of the job stand in the body itself"
                                              : NULL;
}
