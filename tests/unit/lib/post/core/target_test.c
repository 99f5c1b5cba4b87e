// URLs, ports, headers.

#include "lib/post/core/target.h"

#include "tests/support/test.h"

static const struct target_rules strict = {.ports = {443, 8443}, .port_count = 2};

static const char *verdict(const char *url, const struct target_rules *rules)
{
    struct target target;
    const char *why = NULL;
    if (target_read(slice_of_text(url), &target, &why) != OK)
        return why;
    why = target_refusal(&target, rules);
    return why != NULL ? why : "ok";
}

TEST(target, good_ones_are_read)
{
    struct target target;
    const char *why = NULL;
    EXPECT_EQ(
        target_read(slice_of_text("HTTPS://Hooks.Example.org:8443/a/b?c=%20d"), &target, &why), OK);
    EXPECT(target.is_https && target.port == 8443 && target.form == ADDRESS_FORM_NAME);
    EXPECT(slice_is_text(target.host, "Hooks.Example.org"));
    EXPECT(slice_is_text(target.path, "/a/b?c=%20d"));
    EXPECT_EQ(target_read(slice_of_text("http://[2606:4700::1]"), &target, &why), OK);
    EXPECT(!target.is_https && target.port == 80 && target.form == ADDRESS_FORM_NUMBER);
    EXPECT_EQ(target.path.len, 0);
    EXPECT_EQ(target_read(slice_of_text("https://h?q"), &target, &why), OK);
    EXPECT(slice_is_text(target.path, "?q"));
}

TEST(target, rules_decide)
{
    static const struct target_rules loose = {
        .allows_http = true, .ports = {80, 443}, .port_count = 2};
    static const struct {
        const char *url;
        bool is_strict, is_loose;
    } cases[] = {
        {"https://example.org/", true, true},
        {"https://example.org", true, true},
        {"https://example.org:443/x", true, true},
        {"https://example.org:8443/x", true, false},
        {"https://example.org:22/x", false, false},
        {"https://example.org:6379/x", false, false},
        {"http://example.org/", false, true},
        {"http://example.org:8080/", false, false},
        {"https://8.8.8.8/", true, true},
        {"https://127.0.0.1/", false, false},
        {"https://0x7f.1/", false, false},
        {"https://2130706433/", false, false},
        {"https://[::1]/", false, false},
        {"https://[::ffff:169.254.169.254]/", false, false},
        {"https://[2606:4700::1]/", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT_EQ(strcmp(verdict(cases[i].url, &strict), "ok") == 0, cases[i].is_strict);
        EXPECT_EQ(strcmp(verdict(cases[i].url, &loose), "ok") == 0, cases[i].is_loose);
    }
}

TEST(target, an_operator_may_allow_what_is_not_public)
{
    struct address_range range;
    struct address address;
    EXPECT_EQ(address_range_read(slice_of_text("10.1.0.0/16"), &range), OK);
    const struct target_rules rules = {
        .ports = {443}, .port_count = 1, .ranges = &range, .range_count = 1};
    EXPECT_STR(verdict("https://10.1.2.3/", &rules), "ok");
    EXPECT_STR(
        verdict("https://10.2.2.3/", &rules),
        "the address is not public; --allow-address (WEFT_ALLOW_ADDRESS) of weft notify permits "
        "its range");
    EXPECT_STR(
        verdict("http://10.1.2.3/", &rules),
        "only https is allowed; --allow-http (WEFT_ALLOW_HTTP) of weft notify permits http too");
    EXPECT_STR(
        verdict("https://10.1.2.3:444/", &rules),
        "the port is not one of those that are allowed; --allow-port (WEFT_ALLOW_PORT) of weft "
        "notify adds it");
    EXPECT_EQ(address_read(slice_of_text("::ffff:10.1.9.9"), &address), ADDRESS_FORM_NUMBER);
    EXPECT(target_takes(&rules, &address));
    EXPECT(!target_takes(&strict, &address));
}

TEST(target, what_two_readers_could_read_differently_is_refused)
{
    static const char *const wrong[] = {
        "",
        "example.org",
        "//example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "dict://h/",
        "javascript:alert(1)",
        "https:/example.org/",
        "https:example.org",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org@127.0.0.1/",
        "https://exa mple.org/",
        "https://example.org/a b",
        "https://example.org/#frag",
        "https://example.org\\@evil/",
        "https://example.org/\\x",
        "https://example.org/\r\nHost: x",
        "https://example.org/\t",
        " https://example.org/",
        "https://example.org:/",
        "https://example.org:0/",
        "https://example.org:65536/",
        "https://example.org:99999999999/",
        "https://example.org:443x/",
        "https://example.org:+443/",
        "https://[::1/",
        "https://::1/",
        "https://[127.0.0.1]/",
        "https://[example.org]/",
        "https://[::1]x/",
        "https://[fe80::1%25lo]/",
        "https://1.2.3.4.5/",
        "https://a..b/",
        "https://.a/",
        "https://ex%61mple.org/",
        "https://ex\xc3\xa4mple.org/",
        "https://example.org/\xff",
        "https://127.0.0.1./",
        "https://example.org/\x7f",
        "https://a/{b}",
        "https://a/|",
        "https://a/<",
        "https://a/\"",
        "https://a/^",
    };
    static const struct target_rules rules = {
        .allows_http = true, .ports = {80, 443}, .port_count = 2};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (strcmp(verdict(wrong[i], &rules), "ok") == 0)
            print_message("case: %s\n", wrong[i]);
        EXPECT(strcmp(verdict(wrong[i], &rules), "ok") != 0);
    }
}

TEST(target, the_limits_are_exact)
{
    char url[TARGET_URL_LEN_MAX + 2];
    struct target target;
    const char *why = NULL;
    memset(url, 'a', sizeof url);
    memcpy(url, "https://h/", 10);
    EXPECT_EQ(target_read(slice_of(url, TARGET_URL_LEN_MAX), &target, &why), OK);
    EXPECT_EQ(target_read(slice_of(url, TARGET_URL_LEN_MAX + 1), &target, &why), ERR_TOO_LARGE);
    memset(url, 'a', sizeof url);
    memcpy(url, "https://", 8);
    EXPECT_EQ(target_read(slice_of(url, 8 + 63), &target, &why), OK);
    EXPECT_EQ(target_read(slice_of(url, 8 + 64), &target, &why), ERR_BAD_FIELD);
    for (size_t i = 8 + 50; i < sizeof url; i += 51)
        url[i] = '.';
    EXPECT_EQ(target_read(slice_of(url, 8 + TARGET_HOST_LEN_MAX), &target, &why), OK);
    EXPECT_EQ(target_read(slice_of(url, 8 + TARGET_HOST_LEN_MAX + 1), &target, &why),
              ERR_BAD_FIELD);
    EXPECT_EQ(target_read(slice_of(url, 8 + TARGET_HOST_LEN_MAX + 20), &target, &why),
              ERR_BAD_FIELD);
}

static struct slice origin_of(const char *url, uint8_t room[TARGET_ORIGIN_LEN_MAX])
{
    struct target target;
    const char *why = NULL;
    struct bytes_out out = {.data = room, .cap = TARGET_ORIGIN_LEN_MAX};
    EXPECT_EQ(target_read(slice_of_text(url), &target, &why), OK);
    target_put_origin(&target, &out);
    EXPECT(!out.full);
    return slice_of(out.data, out.len);
}

TEST(target, an_origin_has_one_spelling)
{
    static const struct {
        const char *one, *other;
        bool is_same;
    } cases[] = {
        {"https://Hooks.Example.org/a", "HTTPS://hooks.example.ORG:443/b?c", true},
        {"https://example.org./", "https://example.org/", true},
        {"http://example.org", "http://example.org:80/", true},
        {"https://127.1/", "https://0x7f000001:443/", true},
        {"https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", true},
        {"https://example.org/", "https://example.org:8443/", false},
        {"https://example.org/", "https://example.com/", false},
        {"https://example.org/", "https://a.example.org/", false},
        {"https://127.0.0.1/", "https://127.0.0.2/", false},
        {"https://[::1]/", "https://[::2]/", false},
        {"https://1.2.3.4/", "https://[102:304::]/", false},
    };
    uint8_t rooms[2][TARGET_ORIGIN_LEN_MAX];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT_EQ(
            slice_equal(origin_of(cases[i].one, rooms[0]), origin_of(cases[i].other, rooms[1])),
            cases[i].is_same);
    // Nor can a name be so long that there is no room for it.
    char url[8 + TARGET_HOST_LEN_MAX + 1] = "https://";
    for (size_t i = 0; i < TARGET_HOST_LEN_MAX; i++)
        url[8 + i] = i % 2 == 0 ? 'a' : '.';
    EXPECT_EQ(origin_of(url, rooms[0]).len, TARGET_ORIGIN_LEN_MAX);
}

static bool takes(const char *name, const char *value)
{
    return target_takes_header(slice_of_text(name), slice_of_text(value));
}

TEST(target, headers_are_the_receivers_business_only)
{
    EXPECT(takes("X-Team", "billing, 7"));
    EXPECT(takes("Authorization", "Bearer abc"));
    EXPECT(takes("X-Empty", ""));
    static const char *const own[] = {"Host",
                                      "Content-Length",
                                      "content-type",
                                      "Connection",
                                      "Transfer-Encoding",
                                      "Webhook-Id",
                                      "TE",
                                      "webhook-signature",
                                      "Expect",
                                      "User-Agent",
                                      "Proxy-Authorization",
                                      "traceparent",
                                      "Upgrade",
                                      "X Team",
                                      "X-Team:",
                                      "",
                                      "X-\xc3\xa4"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        EXPECT(!takes(own[i], "x"));
    EXPECT(!takes("X-A", "a\r\nX-B: c"));
    EXPECT(!takes("X-A", "a\nb"));
    EXPECT(!takes("X-A", "a\x7f"));
    EXPECT(!takes("X-A", "\xc3\xa4"));
    EXPECT(!target_takes_header(slice_of_text("X-A"), slice_of("a\0b", 3)));
    char name[65];
    char value[1025];
    memset(name, 'n', sizeof name);
    memset(value, 'v', sizeof value);
    EXPECT(target_takes_header(slice_of(name, 64), slice_of(value, 1024)));
    EXPECT(!target_takes_header(slice_of(name, 65), slice_of(value, 1024)));
    EXPECT(!target_takes_header(slice_of(name, 64), slice_of(value, 1025)));
}
