// The admission rule: what a request's head must look like before its body is read.

#include "lib/http/admission.h"

#include "lib/base/word.h"
static bool is_token_byte(uint8_t c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != 0 && memchr("!#$%&'*+-.^_`|~", c, 15) != NULL;
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_token_byte(text.data[i]))
            return false;
    }
    return text.len > 0;
}

// Visible characters only; a percent-encoded control byte is one too.
static bool target_is_plain(struct slice target)
{
    if (target.len == 0 || target.data[0] != '/')
        return false;
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.data[i];
        if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\')
            return false;
        if (c != '%')
            continue;
        if (target.len - i < 3)
            return false;
        uint8_t high = word_lower(target.data[i + 1]);
        uint8_t low = word_lower(target.data[i + 2]);
        bool is_hex = ((high >= '0' && high <= '9') || (high >= 'a' && high <= 'f')) &&
                      ((low >= '0' && low <= '9') || (low >= 'a' && low <= 'f'));
        if (!is_hex || high <= '1' || (high == '7' && low == 'f'))
            return false;
    }
    return true;
}

static bool value_is_plain(struct slice value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

// A line end is CR LF, or two zeros where the parser has overwritten it.
static bool is_line_end(const uint8_t *at)
{
    return (at[0] == '\r' && at[1] == '\n') || (at[0] == 0 && at[1] == 0);
}

// Between name and value: one colon (or its zero), then blanks.
static bool gap_is_plain(const uint8_t *from, const uint8_t *to)
{
    if (from >= to || (*from != ':' && *from != 0))
        return false;
    for (const uint8_t *at = from + 1; at < to; at++) {
        if (*at != ' ' && *at != '\t')
            return false;
    }
    return true;
}

// Name, value and line end of each line must follow one another without a gap from the first byte
// to the last. A folded line, a bare line feed or a zero inside a line leaves one, because the
// parser has moved or cut something there.
static bool head_is_whole(const struct admission_head *head)
{
    const uint8_t *at = head->head.data;
    const uint8_t *end = at + head->head.len;
    const uint8_t *target_at = head->target_at;
    if (head->method.data != at || target_at != at + head->method.len + 1 ||
        head->version.data != target_at + head->target.len + 1)
        return false;
    at = head->version.data + head->version.len;
    for (uint32_t i = 0; i < head->line_count; i++) {
        const struct admission_line *line = &head->lines[i];
        if (end - at < 2 || !is_line_end(at) || line->name.data != at + 2)
            return false;
        const uint8_t *name_end = line->name.data + line->name.len;
        if (line->value.data > end || !gap_is_plain(name_end, line->value.data))
            return false;
        at = line->value.data + line->value.len;
    }
    return end - at == 4 && is_line_end(at) && is_line_end(at + 2);
}

// Digits only, at most 2^63.
static bool length_of(struct slice digits, uint64_t *out_len)
{
    uint64_t len = 0;
    if (digits.len == 0 || digits.len > 18)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return false;
        len = len * 10 + (uint64_t)(digits.data[i] - '0');
    }
    *out_len = len;
    return true;
}

// What counts in the lines: how often the framing headers occur.
struct framing {
    uint32_t hosts;
    uint32_t lengths;
    uint32_t codings;
    struct slice host;
    struct slice length;
    struct slice coding;
};

static const char *read_lines(const struct admission_head *head, struct framing *out)
{
    for (uint32_t i = 0; i < head->line_count; i++) {
        struct slice name = head->lines[i].name;
        struct slice value = word_trim(head->lines[i].value);
        if (!is_token(name))
            return "a header name holds a character that is not allowed";
        if (!value_is_plain(value))
            return "a header value holds a control character";
        if (word_is(name, "host")) {
            out->hosts++;
            out->host = value;
        } else if (word_is(name, "content-length")) {
            out->lengths++;
            out->length = value;
        } else if (word_is(name, "transfer-encoding")) {
            out->codings++;
            out->coding = value;
        }
    }
    return NULL;
}

static const char *framing_fault(const struct framing *framing, bool is_http_1_1,
                                 struct admission_verdict *verdict)
{
    if (framing->hosts > 1 || (is_http_1_1 && framing->hosts == 0))
        return "send exactly one Host header";
    for (size_t i = 0; i < framing->host.len; i++) {
        uint8_t c = framing->host.data[i];
        if (c <= 0x20 || c >= 0x7f || c == ',' || c == '/' || c == '@')
            return "the Host header is not a host";
    }
    if (framing->lengths > 1)
        return "send Content-Length only once";
    if (framing->codings > 1 || (framing->codings == 1 && framing->lengths == 1))
        return "send either Content-Length or Transfer-Encoding, once";
    if (framing->codings == 1 && (!is_http_1_1 || !word_is(framing->coding, "chunked")))
        return "the only Transfer-Encoding understood is chunked, alone";
    verdict->chunked = framing->codings == 1;
    if (framing->lengths == 1 && !length_of(framing->length, &verdict->body_len))
        return "Content-Length is not a number of bytes";
    return NULL;
}

static const char *fault_of(const struct admission_head *head, struct admission_verdict *verdict)
{
    bool is_http_1_1 = slice_is_text(head->version, "HTTP/1.1");
    if (!is_http_1_1 && !slice_is_text(head->version, "HTTP/1.0"))
        return "the version must be HTTP/1.1 or HTTP/1.0";
    if (!is_token(head->method))
        return "the method is not a word";
    if (!target_is_plain(head->target))
        return "the target must begin with a slash and hold no control characters or blanks";
    if (!head_is_whole(head))
        return "a header line is folded, cut by a zero byte, or not ended by CR LF";
    struct framing framing = {0};
    const char *fault = read_lines(head, &framing);
    return fault != NULL ? fault : framing_fault(&framing, is_http_1_1, verdict);
}

struct admission_verdict admission_judge(const struct admission_head *head)
{
    struct admission_verdict verdict = {0};
    verdict.detail = fault_of(head, &verdict);
    if (verdict.detail != NULL)
        verdict.error = ERR_MALFORMED;
    CHECK_IMPLIES(verdict.chunked && verdict.error == OK, verdict.body_len == 0);
    return verdict;
}

void admission_apply(struct admission_verdict *verdict, const struct admission_rule *rule)
{
    CHECK(verdict->error == OK);
    if (!rule->body && (verdict->chunked || verdict->body_len > 0)) {
        verdict->error = ERR_MALFORMED;
        verdict->detail = "this resource takes no body";
    } else if (verdict->chunked && !rule->chunked) {
        verdict->error = ERR_LENGTH_REQUIRED;
        verdict->detail = "send a Content-Length; chunks are taken by /v1/batches only";
    }
}
