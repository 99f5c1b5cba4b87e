// A URL in the form that everybody reads alike: what two parsers could read differently is refused.

#include "lib/post/core/target.h"

#include "lib/base/word.h"

enum { HEADER_NAME_LEN_MAX = 64, HEADER_VALUE_LEN_MAX = 1024 };

static bool is_letter_or_digit(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(uint8_t c, const char *set)
{
    return c != 0 && memchr(set, c, strlen(set)) != NULL;
}

// Without regard to case; `head` is in lower case.
static bool cut_head(struct slice *rest, const char *head)
{
    size_t len = strlen(head);
    if (rest->len < len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (word_lower(rest->data[i]) != (uint8_t)head[i])
            return false;
    }
    *rest = slice_of(rest->data + len, rest->len - len);
    return true;
}

// Letters, digits, '-', '_' and single dots: no escapes and no other alphabets, which are to be
// given in their ASCII form.
static bool is_host_name(struct slice host)
{
    size_t label = 0;
    if (host.len == 0 || host.len > TARGET_HOST_LEN_MAX)
        return false;
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.data[i];
        if (!is_letter_or_digit(c) && !is_one_of(c, "-_."))
            return false;
        if (c == '.' && label == 0)
            return false;
        label = c == '.' ? 0 : label + 1;
        if (label > 63)
            return false;
    }
    return true;
}

static bool read_port(struct slice text, uint16_t *out_port)
{
    uint32_t port = 0;
    if (text.len == 0 || text.len > 5)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        port = 10 * port + (uint32_t)(text.data[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX)
        return false;
    *out_port = (uint16_t)port;
    return true;
}

// Up to the path; the host and what follows it.
static bool split_host(struct slice authority, struct slice *out_host, struct slice *out_tail)
{
    bool is_bracketed = authority.len > 0 && authority.data[0] == '[';
    const uint8_t *end = NULL;
    if (authority.len > 0)
        end = memchr(authority.data, is_bracketed ? ']' : ':', authority.len);
    if (is_bracketed && end == NULL)
        return false;
    size_t len = end != NULL ? (size_t)(end - authority.data) : authority.len;
    size_t skipped = is_bracketed ? 1 : 0;
    *out_host = slice_of(authority.data + skipped, len - skipped);
    *out_tail = slice_of(authority.data + len + skipped, authority.len - len - skipped);
    return !is_bracketed || memchr(out_host->data, ':', out_host->len) != NULL;
}

static const char *read_authority(struct slice authority, struct target *target)
{
    struct slice tail;
    if (authority.len > 0 && memchr(authority.data, '@', authority.len) != NULL)
        return "no user name or password may stand in it";
    if (!split_host(authority, &target->host, &tail))
        return "the host is no name and no address";
    if (tail.len > 0 &&
        (tail.data[0] != ':' || !read_port(slice_of(tail.data + 1, tail.len - 1), &target->port)))
        return "the port is no number from 1 to 65535";
    target->form = address_read(target->host, &target->address);
    bool is_good = target->form == ADDRESS_FORM_NUMBER ||
                   (target->form == ADDRESS_FORM_NAME && is_host_name(target->host));
    return is_good ? NULL : "the host is no name and no address";
}

static bool is_path(struct slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        if (!is_letter_or_digit(c) && !is_one_of(c, "-._~%!$&'()*+,;=:@/?"))
            return false;
    }
    return true;
}

static const char *read_rest(struct slice rest, struct target *target)
{
    size_t len = 0;
    while (len < rest.len && !is_one_of(rest.data[len], "/?"))
        len++;
    target->path = slice_of(rest.data + len, rest.len - len);
    const char *why = read_authority(slice_of(rest.data, len), target);
    if (why == NULL && !is_path(target->path))
        why = "a byte in it has to be written as %XX";
    return why;
}

err target_read(struct slice url, struct target *out_target, const char **out_why)
{
    struct target target = {0};
    struct slice rest = url;
    if (url.len > TARGET_URL_LEN_MAX) {
        *out_why = "it is longer than 2048 bytes";
        return ERR_TOO_LARGE;
    }
    target.is_https = cut_head(&rest, "https://");
    target.port = target.is_https ? 443 : 80;
    const char *why = "it begins neither with https:// nor with http://";
    if (target.is_https || cut_head(&rest, "http://"))
        why = read_rest(rest, &target);
    if (why != NULL) {
        *out_why = why;
        return ERR_BAD_FIELD;
    }
    *out_target = target;
    return OK;
}

const char *target_refusal(const struct target *target, const struct target_rules *rules)
{
    if (!target->is_https && !rules->allows_http)
        return "only https is allowed; --allow-http (WEFT_ALLOW_HTTP) of weft notify permits http "
               "too";
    if (!target_takes_port(rules, target->port))
        return "the port is not one of those that are allowed; --allow-port (WEFT_ALLOW_PORT) of "
               "weft notify adds it";
    if (target->form == ADDRESS_FORM_NUMBER && !target_takes(rules, &target->address))
        return "the address is not public; --allow-address (WEFT_ALLOW_ADDRESS) of weft notify "
               "permits its range";
    return NULL;
}

void target_put_origin(const struct target *target, struct bytes_out *out)
{
    const struct address *address = &target->address;
    struct slice host = target->host;
    bytes_put_u16(out, target->port);
    bytes_put_u8(out, (uint8_t)target->form);
    if (target->form == ADDRESS_FORM_NUMBER) {
        bytes_put_slice(out, slice_of(address->bytes, address->is_v6 ? 16 : 4));
        return;
    }
    if (host.len > 0 && host.data[host.len - 1] == '.')
        host.len--;
    bytes_put_u32(out, (uint32_t)host.len);
    for (size_t i = 0; i < host.len; i++)
        bytes_put_u8(out, word_lower(host.data[i]));
}

bool target_takes(const struct target_rules *rules, const struct address *address)
{
    if (address_kind(address) == ADDRESS_PUBLIC)
        return true;
    for (uint32_t i = 0; i < rules->range_count; i++) {
        if (address_is_within(address, &rules->ranges[i]))
            return true;
    }
    return false;
}

bool target_takes_port(const struct target_rules *rules, uint16_t port)
{
    for (uint32_t i = 0; i < rules->port_count; i++) {
        if (rules->ports[i] == port)
            return true;
    }
    return false;
}

// --- headers ---

static bool is_token(struct slice name)
{
    if (name.len == 0 || name.len > HEADER_NAME_LEN_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!is_letter_or_digit(name.data[i]) && !is_one_of(name.data[i], "!#$%&'*+-.^_`|~"))
            return false;
    }
    return true;
}

static bool is_header_value(struct slice value)
{
    if (value.len > HEADER_VALUE_LEN_MAX)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if ((value.data[i] < 0x20 && value.data[i] != '\t') || value.data[i] >= 0x7f)
            return false;
    }
    return true;
}

bool target_takes_header(struct slice name, struct slice value)
{
    static const char *const own[] = {
        "host",
        "content-length",
        "content-type",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "user-agent",
        "accept",
        "traceparent",
        "tracestate",
        "accept-encoding",
    };
    struct slice rest = name;
    if (!is_token(name) || !is_header_value(value) || cut_head(&rest, "webhook-") ||
        cut_head(&rest, "proxy-"))
        return false;
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (word_is(name, own[i]))
            return false;
    }
    return true;
}
