// Hosts from anybody: what is taken for an address is the one that the C library takes it for, reads
// back from its own text, and an IPv4 address inside an IPv6 one never becomes more allowed.
//
// links: weft_post_core weft_base

#include "lib/post/core/target.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare_with_libc(struct slice host, const struct address *address)
{
    char text[256];
    struct in6_addr v6;
    struct in_addr v4;
    if (!slice_to_text(host, text, sizeof text))
        return;
    if (address->is_v6) {
        CHECK(inet_pton(AF_INET6, text, &v6) == 1);
        CHECK(memcmp(v6.s6_addr, address->bytes, 16) == 0);
    } else {
        CHECK(inet_aton(text, &v4) == 1);
        CHECK(memcmp(&v4.s_addr, address->bytes, 4) == 0);
    }
}

static void read_back(const struct address *address)
{
    char text[ADDRESS_TEXT_LEN + 1];
    struct address again;
    address_text(address, text);
    CHECK(address_read(slice_of_text(text), &again) == ADDRESS_FORM_NUMBER);
    CHECK(again.is_v6 == address->is_v6 && memcmp(again.bytes, address->bytes, 16) == 0);
}

// In the forms that carry an IPv4 address.
static void wrap(const struct address *address)
{
    static const struct {
        uint8_t head[12];
        uint32_t at;
    } forms[] = {{{0}, 12},
                 {{[10] = 0xff, 0xff}, 12},
                 {{[8] = 0xff, 0xff}, 12},
                 {{0x00, 0x64, 0xff, 0x9b}, 12},
                 {{0x20, 0x02}, 2}};
    for (size_t i = 0; !address->is_v6 && i < sizeof forms / sizeof forms[0]; i++) {
        struct address wrapped = {.is_v6 = true};
        memcpy(wrapped.bytes, forms[i].head, 12);
        memcpy(wrapped.bytes + forms[i].at, address->bytes, 4);
        CHECK_IMPLIES(address_kind(address) != ADDRESS_PUBLIC,
                      address_kind(&wrapped) != ADDRESS_PUBLIC);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct target_rules rules = {.allows_http = true, .ports = {80}, .port_count = 1};
    struct slice text = slice_of(data, size);
    struct address address;
    struct address_range range;
    struct target target;
    const char *why = NULL;
    if (address_read(text, &address) == ADDRESS_FORM_NUMBER) {
        compare_with_libc(text, &address);
        read_back(&address);
        wrap(&address);
    }
    if (address_range_read(text, &range) == OK)
        CHECK(address_is_within(&range.first, &range));
    if (target_read(text, &target, &why) == OK && target_refusal(&target, &rules) == NULL)
        CHECK(target.port == 80 && target.form != ADDRESS_FORM_WRONG);
    CHECK(!target_takes_header(text, slice_of_text("a\r\nb: c")));
    return 0;
}
