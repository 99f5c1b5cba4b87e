// RFC 9110, 7.2: a host and perhaps a port.

#include "gateway/core/host.h"

#include "lib/base/word.h"

enum { PORT_LEN_MAX = 5, QUAD = 4 };

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool are_digits(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]))
            return false;
    }
    return true;
}

// Cuts the port off, and the dot of a whole name; empty when it is no host.
static struct slice name_of(struct slice host)
{
    bool is_literal = host.len > 0 && host.data[0] == '[';
    const uint8_t *end = host.len == 0 ? NULL : memchr(host.data, is_literal ? ']' : ':', host.len);
    if (is_literal && end == NULL)
        return (struct slice){0};
    size_t len = end == NULL ? host.len : (size_t)(end - host.data) + is_literal;
    struct slice rest = slice_of(host.data + len, host.len - len);
    if (rest.len > 0 && (rest.data[0] != ':' || rest.len > 1 + PORT_LEN_MAX ||
                         !are_digits(slice_of(rest.data + 1, rest.len - 1))))
        return (struct slice){0};
    if (!is_literal && len > 0 && host.data[len - 1] == '.')
        len--;
    return slice_of(host.data, len);
}

static bool is_same(struct slice a, struct slice b)
{
    bool is_alike = a.len == b.len;
    for (size_t i = 0; is_alike && i < a.len; i++)
        is_alike = word_lower(a.data[i]) == word_lower(b.data[i]);
    return is_alike;
}

// 127.0.0.0/8, written with four numbers as browsers write it. Names may begin so, too.
static bool is_loopback_quad(struct slice name)
{
    unsigned parts[QUAD] = {0};
    unsigned count = 0;
    bool has_digit = false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] == '.' && has_digit && count < QUAD - 1) {
            count++;
            has_digit = false;
        } else if (is_digit(name.data[i]) && parts[count] <= 255) {
            parts[count] = parts[count] * 10 + (unsigned)(name.data[i] - '0');
            has_digit = true;
        } else {
            return false;
        }
    }
    return count == QUAD - 1 && has_digit && parts[0] == 127 && parts[1] <= 255 &&
           parts[2] <= 255 && parts[3] <= 255;
}

// RFC 6761: it and all below it are this machine, whoever is asked.
static bool is_localhost(struct slice name)
{
    static const char below[] = ".localhost";
    size_t len = sizeof below - 1;
    if (word_is(name, below + 1))
        return true;
    return name.len > len && word_is(slice_of(name.data + name.len - len, len), below);
}

// The first of the list, which is cut.
static struct slice take(struct slice *names)
{
    const uint8_t *comma = names->len > 0 ? memchr(names->data, ',', names->len) : NULL;
    size_t len = comma != NULL ? (size_t)(comma - names->data) : names->len;
    size_t cut = comma != NULL ? len + 1 : len;
    struct slice name = word_trim(slice_of(names->data, len));
    *names = slice_of(names->data + cut, names->len - cut);
    return name;
}

static bool is_name(struct slice name)
{
    bool is_literal = name.len > 0 && name.data[0] == '[';
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = word_lower(name.data[i]);
        bool is_plain = (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '.' || c == '_';
        bool is_of_literal = is_literal && (c == ':' || c == '[' || c == ']');
        if (!is_plain && !is_of_literal)
            return false;
    }
    return name.len > 0 && slice_equal(name_of(name), name);
}

bool host_are_names(struct slice names)
{
    bool are_good = names.len > 0 && names.data[names.len - 1] != ',';
    while (are_good && names.len > 0)
        are_good = is_name(take(&names));
    return are_good;
}

bool host_is_served(struct slice host, struct slice names)
{
    struct slice name = name_of(host);
    if (name.len == 0)
        return false;
    if (is_loopback_quad(name) || word_is(name, "[::1]") || is_localhost(name))
        return true;
    while (names.len > 0) {
        if (is_same(take(&names), name))
            return true;
    }
    return false;
}
