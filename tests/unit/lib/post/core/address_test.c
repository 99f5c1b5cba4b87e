// Every spelling, every range, every embedding.

#include "lib/post/core/address.h"

#include "tests/support/test.h"

struct address_case {
    const char *text;
    enum address_kind kind;
};

static const struct address_case cases[] = {
    // Public, so that the table is not simply "no".
    {"8.8.8.8", ADDRESS_PUBLIC},
    {"1.1.1.1", ADDRESS_PUBLIC},
    {"93.184.216.34", ADDRESS_PUBLIC},
    {"100.63.255.255", ADDRESS_PUBLIC},
    {"100.128.0.0", ADDRESS_PUBLIC},
    {"9.255.255.255", ADDRESS_PUBLIC},
    {"11.0.0.0", ADDRESS_PUBLIC},
    {"126.255.255.255", ADDRESS_PUBLIC},
    {"128.0.0.0", ADDRESS_PUBLIC},
    {"169.253.255.255", ADDRESS_PUBLIC},
    {"169.255.0.0", ADDRESS_PUBLIC},
    {"172.15.255.255", ADDRESS_PUBLIC},
    {"172.32.0.0", ADDRESS_PUBLIC},
    {"192.167.255.255", ADDRESS_PUBLIC},
    {"192.169.0.0", ADDRESS_PUBLIC},
    {"192.0.1.0", ADDRESS_PUBLIC},
    {"192.0.3.0", ADDRESS_PUBLIC},
    {"198.17.255.255", ADDRESS_PUBLIC},
    {"198.20.0.0", ADDRESS_PUBLIC},
    {"203.0.112.255", ADDRESS_PUBLIC},
    {"203.0.114.0", ADDRESS_PUBLIC},
    {"223.255.255.255", ADDRESS_PUBLIC},
    {"168.63.129.15", ADDRESS_PUBLIC},
    {"168.63.129.17", ADDRESS_PUBLIC},
    {"0x08080808", ADDRESS_PUBLIC},
    {"134744072", ADDRESS_PUBLIC},
    {"2606:4700:4700::1111", ADDRESS_PUBLIC},
    {"2001:4860:4860::8888", ADDRESS_PUBLIC},
    {"2a00:1450:4001:801::200e", ADDRESS_PUBLIC},
    {"3ffe::1", ADDRESS_PUBLIC},
    {"2003::1", ADDRESS_PUBLIC},
    {"::ffff:8.8.8.8", ADDRESS_PUBLIC},
    {"64:ff9b::8.8.8.8", ADDRESS_PUBLIC},
    // This network.
    {"0.0.0.0", ADDRESS_UNSPECIFIED},
    {"0", ADDRESS_UNSPECIFIED},
    {"0x0", ADDRESS_UNSPECIFIED},
    {"0.1", ADDRESS_UNSPECIFIED},
    {"0.255.255.255", ADDRESS_UNSPECIFIED},
    {"::", ADDRESS_UNSPECIFIED},
    {"0:0:0:0:0:0:0:0", ADDRESS_UNSPECIFIED},
    {"::ffff:0.0.0.0", ADDRESS_UNSPECIFIED},
    {"64:ff9b::", ADDRESS_UNSPECIFIED},
    {"2002::", ADDRESS_UNSPECIFIED},
    // Loopback, as people hide it.
    {"127.0.0.1", ADDRESS_LOOPBACK},
    {"127.0.0.0", ADDRESS_LOOPBACK},
    {"127.255.255.255", ADDRESS_LOOPBACK},
    {"127.1", ADDRESS_LOOPBACK},
    {"127.0.1", ADDRESS_LOOPBACK},
    {"127.65530", ADDRESS_LOOPBACK},
    {"0177.0.0.1", ADDRESS_LOOPBACK},
    {"0177.1", ADDRESS_LOOPBACK},
    {"0177.0.01", ADDRESS_LOOPBACK},
    {"00000177.0.0.1", ADDRESS_LOOPBACK},
    {"017700000001", ADDRESS_LOOPBACK},
    {"0x7f.0.0.1", ADDRESS_LOOPBACK},
    {"0x7f.1", ADDRESS_LOOPBACK},
    {"0x7F.0x0.0x0.0x1", ADDRESS_LOOPBACK},
    {"0x7f000001", ADDRESS_LOOPBACK},
    {"0X7F000001", ADDRESS_LOOPBACK},
    {"0x0000007f000001", ADDRESS_LOOPBACK},
    {"2130706433", ADDRESS_LOOPBACK},
    {"2147483647", ADDRESS_LOOPBACK},
    {"127.0x1", ADDRESS_LOOPBACK},
    {"0x7f.0.0.01", ADDRESS_LOOPBACK},
    {"::1", ADDRESS_LOOPBACK},
    {"0:0:0:0:0:0:0:1", ADDRESS_LOOPBACK},
    {"0000:0000:0000:0000:0000:0000:0000:0001", ADDRESS_LOOPBACK},
    {"::0:1", ADDRESS_LOOPBACK},
    {"::0.0.0.1", ADDRESS_LOOPBACK},
    {"::127.0.0.1", ADDRESS_LOOPBACK},
    {"::7f00:1", ADDRESS_LOOPBACK},
    {"::ffff:127.0.0.1", ADDRESS_LOOPBACK},
    {"::ffff:7f00:1", ADDRESS_LOOPBACK},
    {"::FFFF:7F00:0001", ADDRESS_LOOPBACK},
    {"0:0:0:0:0:ffff:127.0.0.1", ADDRESS_LOOPBACK},
    {"::ffff:0:127.0.0.1", ADDRESS_LOOPBACK},
    {"::ffff:0:7f00:1", ADDRESS_LOOPBACK},
    {"64:ff9b::127.0.0.1", ADDRESS_LOOPBACK},
    {"64:ff9b::7f00:1", ADDRESS_LOOPBACK},
    {"64:ff9b:0:0:0:0:7f00:1", ADDRESS_LOOPBACK},
    {"2002:7f00:1::", ADDRESS_LOOPBACK},
    {"2002:7f00:0001::1", ADDRESS_LOOPBACK},
    {"2002:7f00:1:5:6:7:8:9", ADDRESS_LOOPBACK},
    // Private networks.
    {"10.0.0.0", ADDRESS_PRIVATE},
    {"10.0.0.1", ADDRESS_PRIVATE},
    {"10.255.255.255", ADDRESS_PRIVATE},
    {"10.1", ADDRESS_PRIVATE},
    {"012.0.0.1", ADDRESS_PRIVATE},
    {"0xa.0.0.1", ADDRESS_PRIVATE},
    {"0x0a000001", ADDRESS_PRIVATE},
    {"167772161", ADDRESS_PRIVATE},
    {"172.16.0.0", ADDRESS_PRIVATE},
    {"172.16.0.1", ADDRESS_PRIVATE},
    {"172.31.255.255", ADDRESS_PRIVATE},
    {"172.1048577", ADDRESS_PRIVATE},
    {"192.168.0.0", ADDRESS_PRIVATE},
    {"192.168.1.1", ADDRESS_PRIVATE},
    {"192.168.255.255", ADDRESS_PRIVATE},
    {"192.168.257", ADDRESS_PRIVATE},
    {"0300.0250.0.1", ADDRESS_PRIVATE},
    {"0xc0a80001", ADDRESS_PRIVATE},
    {"3232235521", ADDRESS_PRIVATE},
    {"::ffff:10.0.0.1", ADDRESS_PRIVATE},
    {"::ffff:a00:1", ADDRESS_PRIVATE},
    {"::ffff:192.168.1.1", ADDRESS_PRIVATE},
    {"::10.0.0.1", ADDRESS_PRIVATE},
    {"64:ff9b::10.0.0.1", ADDRESS_PRIVATE},
    {"64:ff9b::ac10:1", ADDRESS_PRIVATE},
    {"64:ff9b:1::1", ADDRESS_PRIVATE},
    {"64:ff9b:1:ffff::8.8.8.8", ADDRESS_PRIVATE},
    {"2002:a00:1::", ADDRESS_PRIVATE},
    {"2002:c0a8:101::1", ADDRESS_PRIVATE},
    {"fc00::", ADDRESS_PRIVATE},
    {"fc00::1", ADDRESS_PRIVATE},
    {"fd00::1", ADDRESS_PRIVATE},
    {"fd00:ec2::254", ADDRESS_PRIVATE},
    {"fd12:3456:789a:1::1", ADDRESS_PRIVATE},
    {"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ADDRESS_PRIVATE},
    {"fec0::1", ADDRESS_PRIVATE},
    {"feff::1", ADDRESS_PRIVATE},
    // Between provider and customer.
    {"100.64.0.0", ADDRESS_SHARED},
    {"100.100.100.200", ADDRESS_SHARED},
    {"100.127.255.255", ADDRESS_SHARED},
    {"0x64400001", ADDRESS_SHARED},
    {"::ffff:100.64.0.1", ADDRESS_SHARED},
    {"64:ff9b::6440:1", ADDRESS_SHARED},
    {"2002:6440:1::", ADDRESS_SHARED},
    // Link local: where clouds keep secrets.
    {"169.254.0.0", ADDRESS_LINK_LOCAL},
    {"169.254.169.254", ADDRESS_LINK_LOCAL},
    {"169.254.170.2", ADDRESS_LINK_LOCAL},
    {"169.254.255.255", ADDRESS_LINK_LOCAL},
    {"169.16689662", ADDRESS_LINK_LOCAL},
    {"0251.0376.0251.0376", ADDRESS_LINK_LOCAL},
    {"0xa9.0xfe.0xa9.0xfe", ADDRESS_LINK_LOCAL},
    {"0xa9fea9fe", ADDRESS_LINK_LOCAL},
    {"2852039166", ADDRESS_LINK_LOCAL},
    {"::ffff:169.254.169.254", ADDRESS_LINK_LOCAL},
    {"::ffff:a9fe:a9fe", ADDRESS_LINK_LOCAL},
    {"::169.254.169.254", ADDRESS_LINK_LOCAL},
    {"64:ff9b::169.254.169.254", ADDRESS_LINK_LOCAL},
    {"2002:a9fe:a9fe::", ADDRESS_LINK_LOCAL},
    {"fe80::", ADDRESS_LINK_LOCAL},
    {"fe80::1", ADDRESS_LINK_LOCAL},
    {"fe80::a9fe:a9fe", ADDRESS_LINK_LOCAL},
    {"febf:ffff::1", ADDRESS_LINK_LOCAL},
    {"168.63.129.16", ADDRESS_METADATA},
    {"::ffff:168.63.129.16", ADDRESS_METADATA},
    // To many.
    {"224.0.0.0", ADDRESS_MULTICAST},
    {"224.0.0.1", ADDRESS_MULTICAST},
    {"239.255.255.255", ADDRESS_MULTICAST},
    {"0xe0000001", ADDRESS_MULTICAST},
    {"::ffff:224.0.0.1", ADDRESS_MULTICAST},
    {"2002:e000:1::", ADDRESS_MULTICAST},
    {"ff00::", ADDRESS_MULTICAST},
    {"ff02::1", ADDRESS_MULTICAST},
    {"ff05::1:3", ADDRESS_MULTICAST},
    {"255.255.255.255", ADDRESS_BROADCAST},
    {"4294967295", ADDRESS_BROADCAST},
    {"0xffffffff", ADDRESS_BROADCAST},
    {"037777777777", ADDRESS_BROADCAST},
    {"::ffff:255.255.255.255", ADDRESS_BROADCAST},
    // In books, on benches.
    {"192.0.2.1", ADDRESS_DOCUMENTATION},
    {"198.51.100.1", ADDRESS_DOCUMENTATION},
    {"203.0.113.255", ADDRESS_DOCUMENTATION},
    {"2001:db8::1", ADDRESS_DOCUMENTATION},
    {"2001:0db8:ffff::1", ADDRESS_DOCUMENTATION},
    {"3fff::1", ADDRESS_DOCUMENTATION},
    {"3fff:0fff::1", ADDRESS_DOCUMENTATION},
    {"3fff:1000::1", ADDRESS_PUBLIC},
    {"198.18.0.0", ADDRESS_BENCHMARK},
    {"198.19.255.255", ADDRESS_BENCHMARK},
    {"2001:2::1", ADDRESS_BENCHMARK},
    {"2001:2:0:ffff::", ADDRESS_BENCHMARK},
    // Ends elsewhere.
    {"192.88.99.1", ADDRESS_TUNNEL},
    {"2001::1", ADDRESS_TUNNEL},
    {"2001:0:53aa:64c:0:0:80ff:fffe", ADDRESS_TUNNEL},
    {"2001:0:5ef5:79fd:0:ffff:f5ff:fffe", ADDRESS_TUNNEL},
    {"2002:808:808::", ADDRESS_TUNNEL},
    {"::ffff:0:8.8.8.8", ADDRESS_TUNNEL},
    {"2606:4700::5efe:7f00:1", ADDRESS_TUNNEL},
    {"2606:4700::200:5efe:a00:1", ADDRESS_TUNNEL},
    {"fe80::5efe:a00:1", ADDRESS_LINK_LOCAL},
    // Nobody's.
    {"192.0.0.1", ADDRESS_RESERVED},
    {"192.0.0.192", ADDRESS_RESERVED},
    {"240.0.0.1", ADDRESS_RESERVED},
    {"254.255.255.255", ADDRESS_RESERVED},
    {"::8.8.8.8", ADDRESS_RESERVED},
    {"::808:808", ADDRESS_RESERVED},
    {"100::1", ADDRESS_RESERVED},
    {"1::", ADDRESS_RESERVED},
    {"4000::1", ADDRESS_RESERVED},
    {"5f00::1", ADDRESS_RESERVED},
    {"2001:10::1", ADDRESS_RESERVED},
    {"2001:20::1", ADDRESS_RESERVED},
    {"2001:1ff::1", ADDRESS_RESERVED},
    {"e000::1", ADDRESS_RESERVED},
    {"fe00::1", ADDRESS_RESERVED},
};
static_assert(sizeof cases / sizeof cases[0] >= 150, "a table of some size");

TEST(address, each_has_its_kind)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address address = {0};
        enum address_form form = address_read(slice_of_text(cases[i].text), &address);
        if (form != ADDRESS_FORM_NUMBER || address_kind(&address) != cases[i].kind)
            print_message("case: %s\n", cases[i].text);
        EXPECT_EQ(form, ADDRESS_FORM_NUMBER);
        EXPECT_STR(address_kind_text(address_kind(&address)), address_kind_text(cases[i].kind));
    }
}

TEST(address, names_are_told_from_numbers)
{
    static const char *const names[] = {
        "example.org",  "localhost",  "a1", "1a.b2", "x.127.0.0.1.nip.io",
        "0x7f.example", "1.2.3.4.in", "",   "0x7g",  "abc.0xfz"};
    static const char *const wrong[] = {
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.256",
        "127.0.0.1.",
        "0x",
        "0x.1",
        "08.0.0.1",
        "4294967296",
        "1..2",
        "0x100000000",
        ".1",
        "1.2.65536",
        "1.16777216",
        "::1%lo",
        "fe80::1%25eth0",
        ":::1",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "::1::",
        "12345::",
        "g::1",
        ":1",
        "1:",
        "::1.2.3",
        "::1.2.3.4.5",
        "::127.0.00.1",
        "1.2.3.4::",
        "1:1.2.3.4::",
        "::1.2.3.4.",
        "::1.2.3.04",
        "::1.2.3.0x4",
        "::256.0.0.1",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1:2:3:4:5:6:7::8:9",
        "1::2:3:4:5:6:7:8",
    };
    struct address address;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        EXPECT_EQ(address_read(slice_of_text(names[i]), &address), ADDRESS_FORM_NAME);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (address_read(slice_of_text(wrong[i]), &address) != ADDRESS_FORM_WRONG)
            print_message("case: %s\n", wrong[i]);
        EXPECT_EQ(address_read(slice_of_text(wrong[i]), &address), ADDRESS_FORM_WRONG);
    }
}

TEST(address, its_text_reads_back)
{
    static const char *const texts[] = {"0.10.200.255", "2606:4700:0:0:0:0:0:1111",
                                        "0:0:0:0:0:0:0:0",
                                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct address address;
        char text[ADDRESS_TEXT_LEN + 1];
        EXPECT_EQ(address_read(slice_of_text(texts[i]), &address), ADDRESS_FORM_NUMBER);
        address_text(&address, text);
        EXPECT_STR(text, texts[i]);
    }
}

static bool is_within(const char *text, const char *range_text)
{
    struct address address;
    struct address_range range;
    EXPECT_EQ(address_read(slice_of_text(text), &address), ADDRESS_FORM_NUMBER);
    EXPECT_EQ(address_range_read(slice_of_text(range_text), &range), OK);
    return address_is_within(&address, &range);
}

TEST(address, a_range_ends_where_it_says)
{
    EXPECT(is_within("10.1.2.3", "10.0.0.0/8"));
    EXPECT(!is_within("11.0.0.0", "10.0.0.0/8"));
    EXPECT(is_within("10.1.127.255", "10.1.0.0/17"));
    EXPECT(!is_within("10.1.128.0", "10.1.0.0/17"));
    EXPECT(is_within("127.0.0.1", "127.0.0.1"));
    EXPECT(!is_within("127.0.0.2", "127.0.0.1"));
    EXPECT(is_within("8.8.8.8", "0.0.0.0/0"));
    EXPECT(is_within("::1", "::1"));
    EXPECT(is_within("fd00::1", "fc00::/7"));
    EXPECT(!is_within("fe00::1", "fc00::/7"));
    EXPECT(is_within("::ffff:127.0.0.1", "127.0.0.0/8"));
    EXPECT(!is_within("64:ff9b::127.0.0.1", "127.0.0.0/8"));
    EXPECT(!is_within("::1", "0.0.0.0/0"));
    EXPECT(!is_within("1.2.3.4", "::/0"));
}

TEST(address, a_range_that_means_something_else_is_refused)
{
    static const char *const wrong[] = {
        "",   "10.0.0.0/33",  "10.0.0.1/8",  "::/129",     "10.0.0.0/", "example.org",
        "/8", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0/ 8"};
    struct address_range range;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        EXPECT_EQ(address_range_read(slice_of_text(wrong[i]), &range), ERR_BAD_FIELD);
}
