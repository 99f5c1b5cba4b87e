// Tokens as text.

#include "gateway/core/token.h"

#include "lib/base/check.h"
#include "lib/base/crc.h"
#include "lib/base/decimal.h"
#include "lib/base/word.h"

enum { FIELDS = 8, QUOTA_FIELDS = 6, CRC_TEXT_LEN = 8 };

static const char text_prefix[] = "weft_";
static const char scheme[] = "bearer";
static const char kind[] = "token";
static const char quota_kind[] = "quota";

// --- the secret ---

void token_text(const uint8_t secret[TOKEN_SECRET_LEN], char out[TOKEN_TEXT_LEN + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t at = sizeof text_prefix - 1;
    uint32_t bits = 0;
    unsigned count = 0;
    memcpy(out, text_prefix, at);
    for (size_t i = 0; i < TOKEN_SECRET_LEN; i++) {
        bits = bits << 8 | secret[i];
        for (count += 8; count >= 6; count -= 6)
            out[at++] = digits[bits >> (count - 6) & 63];
    }
    out[at++] = digits[bits << (6 - count) & 63];
    CHECK(at == TOKEN_TEXT_LEN);
    out[at] = '\0';
}

static bool is_bearer_byte(uint8_t byte)
{
    uint8_t lower = word_lower(byte);
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
           (byte != 0 && memchr("-._~+/=", byte, 7) != NULL);
}

struct slice token_bearer(struct slice header)
{
    size_t len = sizeof scheme - 1;
    if (header.len <= len || !word_is(slice_of(header.data, len), scheme) ||
        header.data[len] != ' ')
        return (struct slice){0};
    struct slice token = word_trim(slice_of(header.data + len, header.len - len));
    bool is_good = token.len > 0 && token.len <= TOKEN_BEARER_MAX;
    for (size_t i = 0; is_good && i < token.len; i++)
        is_good = is_bearer_byte(token.data[i]);
    return is_good ? token : (struct slice){0};
}

// --- names ---

bool token_is_name(struct slice name)
{
    bool is_good = name.len > 0 && name.len <= TOKEN_NAME_LEN_MAX;
    for (size_t i = 0; is_good && i < name.len; i++) {
        uint8_t byte = name.data[i];
        is_good = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '.' ||
                  byte == '_' || byte == '-';
    }
    return is_good;
}

// Cuts the part before the next `mark`, or all, off `text`.
static struct slice cut(struct slice *text, uint8_t mark)
{
    const uint8_t *at = text->len > 0 ? memchr(text->data, mark, text->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - text->data) : text->len;
    struct slice part = slice_of(text->data, len);
    size_t gone = at != NULL ? len + 1 : len;
    if (gone > 0)
        *text = slice_of(text->data + gone, text->len - gone);
    return part;
}

// --- lines: writing ---

static void put_field(struct bytes_out *out, struct slice field)
{
    bytes_put_u8(out, ' ');
    bytes_put(out, field.data, field.len);
}

static void put_hex(struct bytes_out *out, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    bytes_put_u8(out, ' ');
    for (size_t i = 0; i < len; i++) {
        bytes_put_u8(out, (uint8_t)digits[bytes[i] >> 4]);
        bytes_put_u8(out, (uint8_t)digits[bytes[i] & 15]);
    }
}

static void put_number(struct bytes_out *out, uint64_t number)
{
    bytes_put_u8(out, ' ');
    bytes_put_decimal(out, number);
}

static void put_moment(struct bytes_out *out, when_ms at)
{
    CHECK(at >= 0);
    if (at == WHEN_NEVER)
        put_field(out, slice_of_text("-"));
    else
        put_number(out, (uint64_t)at);
}

// Of the line that begins at `start`, and its end.
static void put_crc(struct bytes_out *out, size_t start)
{
    uint32_t crc = crc_of(slice_of(out->data + start, out->len - start));
    uint8_t bytes[4];
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(crc >> (24 - 8 * i));
    put_hex(out, bytes, sizeof bytes);
    bytes_put_u8(out, '\n');
}

void token_put(struct bytes_out *out, const struct token *token)
{
    char scopes[SCOPE_TEXT_LEN];
    size_t start = out->len;
    CHECK(token_is_name(token->tenant));
    CHECK(token_is_name(token->name));
    CHECK(token->scopes != 0);
    scope_put(token->scopes, scopes);
    bytes_put_text(out, kind);
    put_hex(out, token->hash, sizeof token->hash);
    put_field(out, token->tenant);
    put_field(out, token->name);
    put_field(out, slice_of_text(scopes));
    put_moment(out, token->created_at);
    put_moment(out, token->expires_at);
    put_crc(out, start);
}

static void put_quota(struct bytes_out *out, uint64_t quota)
{
    CHECK(quota <= TOKEN_QUOTA_MAX);
    if (quota == 0)
        put_field(out, slice_of_text("-"));
    else
        put_number(out, quota);
}

void token_put_quota(struct bytes_out *out, const struct token_quota *quota)
{
    size_t start = out->len;
    CHECK(token_is_name(quota->tenant));
    bytes_put_text(out, quota_kind);
    put_field(out, quota->tenant);
    put_quota(out, quota->requests);
    put_quota(out, quota->bytes);
    if (quota->open > 0)
        put_quota(out, quota->open); // else a line as older ones have it
    put_crc(out, start);
}

// --- lines: reading ---

static bool read_hex(struct slice text, uint8_t *out, size_t len)
{
    if (text.len != 2 * len)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        bool is_letter = byte >= 'a' && byte <= 'f';
        if (!is_letter && !(byte >= '0' && byte <= '9'))
            return false;
        uint8_t digit = (uint8_t)(is_letter ? byte - 'a' + 10 : byte - '0');
        out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
    }
    return true;
}

// Below 10^18, without leading zeros.
static bool read_number(struct slice text, int64_t *out_number)
{
    int64_t number = 0;
    bool is_good =
        text.len > 0 && text.len < DECIMAL_LEN_MAX - 1 && (text.len == 1 || text.data[0] != '0');
    for (size_t i = 0; is_good && i < text.len; i++) {
        is_good = text.data[i] >= '0' && text.data[i] <= '9';
        number = number * 10 + (text.data[i] - '0');
    }
    *out_number = number;
    return is_good;
}

static bool read_moment(struct slice text, when_ms *out_at)
{
    if (!slice_is_text(text, "-"))
        return read_number(text, out_at);
    *out_at = WHEN_NEVER;
    return true;
}

static bool read_quota(struct slice text, uint64_t *out_quota)
{
    int64_t number = 0;
    *out_quota = 0;
    if (slice_is_text(text, "-"))
        return true;
    bool is_good = read_number(text, &number);
    *out_quota = (uint64_t)number;
    return is_good && number > 0 && *out_quota <= TOKEN_QUOTA_MAX;
}

static bool is_sealed(struct slice line, struct slice crc)
{
    uint8_t bytes[4];
    if (line.len <= CRC_TEXT_LEN + 1 || !read_hex(crc, bytes, sizeof bytes))
        return false;
    uint32_t told =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return told == crc_of(slice_of(line.data, line.len - CRC_TEXT_LEN - 1));
}

err token_read(struct slice line, struct token *out_token)
{
    struct slice fields[FIELDS];
    struct slice left = line;
    struct token token = {0};
    char scopes[SCOPE_TEXT_LEN];
    for (size_t i = 0; i < FIELDS; i++)
        fields[i] = cut(&left, ' ');
    if (left.len > 0 || !slice_is_text(fields[0], kind) || !is_sealed(line, fields[7]))
        return ERR_DAMAGED;
    token.tenant = fields[2];
    token.name = fields[3];
    bool is_good = read_hex(fields[1], token.hash, sizeof token.hash) &&
                   token_is_name(token.tenant) && token_is_name(token.name) &&
                   scope_read(fields[4], &token.scopes) &&
                   read_moment(fields[5], &token.created_at) && token.created_at != WHEN_NEVER &&
                   read_moment(fields[6], &token.expires_at);
    if (!is_good)
        return ERR_DAMAGED;
    scope_put(token.scopes, scopes);
    if (!slice_is_text(fields[4], scopes))
        return ERR_DAMAGED; // not in our order
    *out_token = token;
    return OK;
}

bool token_is_quota(struct slice line)
{
    return slice_is_text(cut(&line, ' '), quota_kind);
}

err token_read_quota(struct slice line, struct token_quota *out_quota)
{
    struct slice fields[QUOTA_FIELDS];
    struct slice left = line;
    size_t count = 0;
    while (count < QUOTA_FIELDS && (left.len > 0 || count < QUOTA_FIELDS - 1))
        fields[count++] = cut(&left, ' ');
    struct token_quota quota = {.tenant = fields[1]};
    bool is_good = left.len == 0 && slice_is_text(fields[0], quota_kind) &&
                   is_sealed(line, fields[count - 1]) && token_is_name(quota.tenant) &&
                   read_quota(fields[2], &quota.requests) && read_quota(fields[3], &quota.bytes);
    if (is_good && count == QUOTA_FIELDS)
        is_good =
            read_quota(fields[4], &quota.open) && quota.open > 0 && quota.open <= TOKEN_OPEN_MAX;
    if (is_good)
        *out_quota = quota;
    return is_good ? OK : ERR_DAMAGED;
}
