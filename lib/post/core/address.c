// Two tables of ranges (the IANA registries of special-purpose addresses, and what clouds answer),
// and a reader of all spellings.

#include "lib/post/core/address.h"

#include "lib/base/check.h"

enum { V4_LEN = 4, V6_LEN = 16, GROUPS = 8, NOT_EMBEDDED = 0 };

struct v4_range {
    uint8_t first[V4_LEN];
    uint32_t bits;
    enum address_kind kind;
};

static const struct v4_range v4_ranges[] = {
    {{0, 0, 0, 0}, 8, ADDRESS_UNSPECIFIED},         {{10, 0, 0, 0}, 8, ADDRESS_PRIVATE},
    {{100, 64, 0, 0}, 10, ADDRESS_SHARED},          {{127, 0, 0, 0}, 8, ADDRESS_LOOPBACK},
    {{168, 63, 129, 16}, 32, ADDRESS_METADATA},     {{169, 254, 0, 0}, 16, ADDRESS_LINK_LOCAL},
    {{172, 16, 0, 0}, 12, ADDRESS_PRIVATE},         {{192, 0, 0, 0}, 24, ADDRESS_RESERVED},
    {{192, 0, 2, 0}, 24, ADDRESS_DOCUMENTATION},    {{192, 88, 99, 0}, 24, ADDRESS_TUNNEL},
    {{192, 168, 0, 0}, 16, ADDRESS_PRIVATE},        {{198, 18, 0, 0}, 15, ADDRESS_BENCHMARK},
    {{198, 51, 100, 0}, 24, ADDRESS_DOCUMENTATION}, {{203, 0, 113, 0}, 24, ADDRESS_DOCUMENTATION},
    {{224, 0, 0, 0}, 4, ADDRESS_MULTICAST},         {{255, 255, 255, 255}, 32, ADDRESS_BROADCAST},
    {{240, 0, 0, 0}, 4, ADDRESS_RESERVED},
};

// In the order in which they are looked at: the narrow before the wide.
struct v6_range {
    uint8_t first[V6_LEN];
    uint32_t bits;
    enum address_kind kind; // also of an embedded address that is public
    uint32_t embedded_at;   // where an IPv4 address stands in it, or NOT_EMBEDDED
};

static const struct v6_range v6_ranges[] = {
    {{0}, 128, ADDRESS_UNSPECIFIED, NOT_EMBEDDED},
    {{[15] = 1}, 128, ADDRESS_LOOPBACK, NOT_EMBEDDED},
    {{[10] = 0xff, 0xff}, 96, ADDRESS_PUBLIC, 12},      // mapped
    {{[8] = 0xff, 0xff}, 96, ADDRESS_TUNNEL, 12},       // translated (SIIT)
    {{0}, 96, ADDRESS_RESERVED, 12},                    // compatible, given up
    {{0x00, 0x64, 0xff, 0x9b}, 96, ADDRESS_PUBLIC, 12}, // NAT64
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, ADDRESS_PRIVATE, NOT_EMBEDDED}, // local NAT64
    {{0x20, 0x01, 0x00, 0x00}, 32, ADDRESS_TUNNEL, NOT_EMBEDDED},              // Teredo
    {{0x20, 0x01, 0x00, 0x02, 0x00, 0x00}, 48, ADDRESS_BENCHMARK, NOT_EMBEDDED},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, ADDRESS_DOCUMENTATION, NOT_EMBEDDED},
    {{0x20, 0x01, 0x00}, 23, ADDRESS_RESERVED, NOT_EMBEDDED}, // IETF protocols, ORCHID
    {{0x20, 0x02}, 16, ADDRESS_TUNNEL, 2},                    // 6to4
    {{0x3f, 0xff, 0x00}, 20, ADDRESS_DOCUMENTATION, NOT_EMBEDDED},
    {{0xfc}, 7, ADDRESS_PRIVATE, NOT_EMBEDDED},
    {{0xfe, 0x80}, 10, ADDRESS_LINK_LOCAL, NOT_EMBEDDED},
    {{0xfe, 0xc0}, 10, ADDRESS_PRIVATE, NOT_EMBEDDED},
    {{0xff}, 8, ADDRESS_MULTICAST, NOT_EMBEDDED},
};

static bool begins_alike(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
    uint32_t whole = bits / 8;
    uint32_t rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static enum address_kind v4_kind(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof v4_ranges / sizeof v4_ranges[0]; i++) {
        if (begins_alike(bytes, v4_ranges[i].first, v4_ranges[i].bits))
            return v4_ranges[i].kind;
    }
    return ADDRESS_PUBLIC;
}

static enum address_kind v6_table_kind(const uint8_t *bytes)
{
    for (size_t i = 0; i < sizeof v6_ranges / sizeof v6_ranges[0]; i++) {
        const struct v6_range *range = &v6_ranges[i];
        if (!begins_alike(bytes, range->first, range->bits))
            continue;
        if (range->embedded_at == NOT_EMBEDDED)
            return range->kind;
        enum address_kind inside = v4_kind(bytes + range->embedded_at);
        return inside != ADDRESS_PUBLIC ? inside : range->kind;
    }
    bool is_global = (bytes[0] & 0xe0) == 0x20; // 2000::/3, all that has been given out
    return is_global ? ADDRESS_PUBLIC : ADDRESS_RESERVED;
}

// ISATAP puts an IPv4 address behind …:0:5efe: or …:200:5efe: in any network.
static bool is_isatap(const uint8_t *bytes)
{
    static const uint8_t mark[] = {0x00, 0x00, 0x5e, 0xfe};
    return (bytes[8] & 0xfd) == 0 && memcmp(bytes + 9, mark + 1, sizeof mark - 1) == 0;
}

enum address_kind address_kind(const struct address *address)
{
    if (!address->is_v6)
        return v4_kind(address->bytes);
    enum address_kind kind = v6_table_kind(address->bytes);
    if (kind == ADDRESS_PUBLIC && is_isatap(address->bytes))
        return ADDRESS_TUNNEL;
    return kind;
}

const char *address_kind_text(enum address_kind kind)
{
    static const char *const texts[ADDRESS_KINDS] = {
        [ADDRESS_PUBLIC] = "public",       [ADDRESS_UNSPECIFIED] = "unspecified",
        [ADDRESS_LOOPBACK] = "loopback",   [ADDRESS_PRIVATE] = "private",
        [ADDRESS_SHARED] = "shared",       [ADDRESS_LINK_LOCAL] = "link-local",
        [ADDRESS_METADATA] = "metadata",   [ADDRESS_MULTICAST] = "multicast",
        [ADDRESS_BROADCAST] = "broadcast", [ADDRESS_DOCUMENTATION] = "documentation",
        [ADDRESS_BENCHMARK] = "benchmark", [ADDRESS_TUNNEL] = "tunnel",
        [ADDRESS_RESERVED] = "reserved",
    };
    CHECK((unsigned)kind < ADDRESS_KINDS);
    return texts[kind];
}

// --- reading ---

static int digit_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 16;
}

static bool read_number(struct slice text, uint32_t base, uint64_t *out_number)
{
    uint64_t number = 0;
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint32_t digit = (uint32_t)digit_of(text.data[i]);
        if (digit >= base)
            return false;
        number = number * base + digit;
        if (number > UINT32_MAX)
            return false;
    }
    *out_number = number;
    return true;
}

// Decimal, 0octal, 0xhexadecimal.
static bool read_part(struct slice text, uint64_t *out_number)
{
    bool is_hex = text.len >= 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x';
    if (is_hex)
        return read_number(slice_of(text.data + 2, text.len - 2), 16, out_number);
    bool is_octal = text.len > 1 && text.data[0] == '0';
    return read_number(text, is_octal ? 8 : 10, out_number);
}

static struct slice next_part(struct slice *rest, uint8_t separator)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    struct slice part = *rest;
    if (end == NULL) {
        *rest = slice_of(NULL, 0);
        return part;
    }
    part.len = (size_t)(end - part.data);
    *rest = slice_of(end + 1, rest->len - part.len - 1);
    return part;
}

// One to four parts; the last one fills what is left of the 32 bits.
static bool read_v4(struct slice text, struct address *out_address)
{
    uint64_t whole = 0;
    uint32_t count = 0;
    struct slice rest = text;
    if (text.len == 0 || text.data[text.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        uint64_t number = 0;
        struct slice part = next_part(&rest, '.');
        bool is_last = rest.len == 0;
        if (count == V4_LEN || !read_part(part, &number))
            return false;
        uint32_t room = is_last ? 8 * (V4_LEN - count) : 8;
        if (number >> room != 0)
            return false;
        whole = (whole << room) | number;
        count++;
    }
    *out_address = (struct address){0};
    for (uint32_t i = 0; i < V4_LEN; i++)
        out_address->bytes[i] = (uint8_t)(whole >> (24 - 8 * i));
    return true;
}

// Four decimal parts without leading zeros, as they may end an IPv6 address.
static bool read_v4_tail(struct slice text, uint8_t out[V4_LEN])
{
    struct slice rest = text;
    uint32_t count = 0;
    while (rest.len > 0) {
        uint64_t number = 0;
        struct slice part = next_part(&rest, '.');
        bool is_padded = part.len > 1 && part.data[0] == '0';
        if (count == V4_LEN || part.len > 3 || is_padded || !read_number(part, 10, &number) ||
            number > UINT8_MAX)
            return false;
        out[count++] = (uint8_t)number;
    }
    return count == V4_LEN && text.data[text.len - 1] != '.';
}

// Groups up to `text`'s end, without "::" in them, into V6_LEN bytes. No text is no groups. `is_end`: it
// is the end of the address, where four decimal parts may stand for two groups.
static bool read_groups(struct slice text, bool is_end, uint8_t *out, uint32_t *out_len)
{
    uint32_t len = 0;
    struct slice rest = text;
    if (text.len > 0 && text.data[text.len - 1] == ':')
        return false;
    while (rest.len > 0) {
        struct slice part = next_part(&rest, ':');
        uint64_t number = 0;
        if (is_end && rest.len == 0 && len + V4_LEN <= V6_LEN && read_v4_tail(part, out + len)) {
            len += V4_LEN;
            break;
        }
        if (part.len > 4 || len + 2 > V6_LEN || !read_number(part, 16, &number))
            return false;
        out[len++] = (uint8_t)(number >> 8);
        out[len++] = (uint8_t)number;
    }
    *out_len = len;
    return true;
}

static size_t find_gap(struct slice text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        if (text.data[i] == ':' && text.data[i + 1] == ':')
            return i;
    }
    return text.len;
}

static bool read_v6(struct slice text, struct address *out_address)
{
    uint8_t head[V6_LEN];
    uint8_t tail[V6_LEN];
    uint32_t head_len = 0;
    uint32_t tail_len = 0;
    size_t gap = find_gap(text);
    bool has_gap = gap < text.len;
    struct slice before = slice_of(text.data, gap);
    struct slice behind =
        has_gap ? slice_of(text.data + gap + 2, text.len - gap - 2) : slice_of(NULL, 0);
    if (!read_groups(before, !has_gap, head, &head_len) ||
        !read_groups(behind, true, tail, &tail_len))
        return false;
    bool fits = has_gap ? head_len + tail_len <= V6_LEN - 2 : head_len == V6_LEN;
    if (!fits)
        return false;
    *out_address = (struct address){.is_v6 = true};
    memcpy(out_address->bytes, head, head_len);
    memcpy(out_address->bytes + V6_LEN - tail_len, tail, tail_len);
    return true;
}

// Its last label decides whether a host is a number, as the URL standard has it.
static bool ends_in_number(struct slice host)
{
    size_t len = host.len;
    if (len > 0 && host.data[len - 1] == '.')
        len--;
    size_t at = len;
    while (at > 0 && host.data[at - 1] != '.')
        at--;
    struct slice last = slice_of(host.data + at, len - at);
    bool is_decimal = last.len > 0;
    for (size_t i = 0; i < last.len; i++)
        is_decimal = is_decimal && digit_of(last.data[i]) <= 9;
    bool is_hex = last.len >= 2 && last.data[0] == '0' && (last.data[1] | 0x20) == 'x';
    for (size_t i = 2; i < last.len; i++)
        is_hex = is_hex && digit_of(last.data[i]) <= 15;
    return is_decimal || is_hex;
}

enum address_form address_read(struct slice host, struct address *out_address)
{
    if (host.len > 0 && memchr(host.data, ':', host.len) != NULL)
        return read_v6(host, out_address) ? ADDRESS_FORM_NUMBER : ADDRESS_FORM_WRONG;
    if (!ends_in_number(host))
        return ADDRESS_FORM_NAME;
    return read_v4(host, out_address) ? ADDRESS_FORM_NUMBER : ADDRESS_FORM_WRONG;
}

// --- writing ---

static size_t put_decimal(char *out, uint8_t value)
{
    size_t len = 0;
    if (value >= 100)
        out[len++] = (char)('0' + value / 100);
    if (value >= 10)
        out[len++] = (char)('0' + value / 10 % 10);
    out[len++] = (char)('0' + value % 10);
    return len;
}

static size_t put_hex(char *out, uint32_t value)
{
    static const char digits[] = "0123456789abcdef";
    size_t len = 0;
    for (int shift = 12; shift >= 0; shift -= 4) {
        uint32_t digit = (value >> shift) & 15;
        if (digit != 0 || len > 0 || shift == 0)
            out[len++] = digits[digit];
    }
    return len;
}

void address_text(const struct address *address, char out[ADDRESS_TEXT_LEN + 1])
{
    size_t len = 0;
    for (uint32_t i = 0; !address->is_v6 && i < V4_LEN; i++) {
        if (i > 0)
            out[len++] = '.';
        len += put_decimal(out + len, address->bytes[i]);
    }
    for (uint32_t i = 0; address->is_v6 && i < GROUPS; i++) {
        if (i > 0)
            out[len++] = ':';
        const uint8_t *group = &address->bytes[2 * i];
        len += put_hex(out + len, ((uint32_t)group[0] << 8) | group[1]);
    }
    CHECK(len <= ADDRESS_TEXT_LEN);
    out[len] = '\0';
}

// --- ranges ---

static bool is_clear_behind(const struct address *address, uint32_t bits)
{
    uint32_t len = address->is_v6 ? V6_LEN : V4_LEN;
    for (uint32_t bit = bits; bit < 8 * len; bit++) {
        if ((address->bytes[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return false;
    }
    return true;
}

err address_range_read(struct slice text, struct address_range *out_range)
{
    struct slice rest = text;
    struct slice number = next_part(&rest, '/');
    struct address_range range = {0};
    bool has_bits = number.len < text.len;
    uint64_t bits = 0;
    if (address_read(number, &range.first) != ADDRESS_FORM_NUMBER)
        return ERR_BAD_FIELD;
    uint32_t bits_max = range.first.is_v6 ? 8 * V6_LEN : 8 * V4_LEN;
    if (has_bits && (!read_number(rest, 10, &bits) || bits > bits_max))
        return ERR_BAD_FIELD;
    range.bits = has_bits ? (uint32_t)bits : bits_max;
    if (!is_clear_behind(&range.first, range.bits))
        return ERR_BAD_FIELD;
    *out_range = range;
    return OK;
}

bool address_is_within(const struct address *address, const struct address_range *range)
{
    static const uint8_t mapped[V6_LEN] = {[10] = 0xff, 0xff};
    const uint8_t *bytes = address->bytes;
    bool is_v6 = address->is_v6;
    if (is_v6 && !range->first.is_v6 && begins_alike(bytes, mapped, 96)) {
        bytes += 12;
        is_v6 = false;
    }
    return is_v6 == range->first.is_v6 && begins_alike(bytes, range->first.bytes, range->bits);
}
