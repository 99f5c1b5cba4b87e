// Whose requests these are.

#include "gateway/core/host.h"

#include "tests/support/test.h"

static bool is_served(const char *host, const char *names)
{
    return host_is_served(slice_of_text(host), slice_of_text(names));
}

TEST(host, this_machine_is_served_by_any_port)
{
    static const char *const hosts[] = {
        "localhost", "localhost:7410", "LocalHost:1", "localhost.",       "localhost.:7410",
        "127.0.0.1", "127.0.0.1:7410", "127.0.0.1:",  "127.255.255.255",  "127.9.9.9:65535",
        "[::1]",     "[::1]:7410",     "a.localhost", "weft.A.LOCALHOST", "a.localhost.:80",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        EXPECT(is_served(hosts[i], ""));
}

TEST(host, any_other_name_is_not)
{
    static const char *const hosts[] = {
        "",
        ".",
        ":7410",
        "a",
        "evil.example",
        "evil.example:7410",
        "localhost.evil.example",
        "evillocalhost",
        ".localhost",
        "127.0.0.1.evil.example",
        "127.0.0.1.2",
        "127.0.0",
        "127.1",
        "127.0.0.256",
        "127.0.0.99999999999",
        "127..0.1",
        "127.0.0.",
        "2130706433",
        "0x7f.0.0.1",
        "126.0.0.1",
        "0.0.0.0",
        "[::]",
        "[::2]",
        "[::1",
        "[::1]x",
        "[::1]evil.example",
        "[::ffff:127.0.0.1]",
        "::1",
        "localhost:port",
        "localhost:123456",
        "localhost:80:80",
        "localhost:7410.evil.example",
    };
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        EXPECT(!is_served(hosts[i], ""));
}

TEST(host, names_that_are_given_are_served_too)
{
    static const char names[] = "weft, Jobs.Example.com,[fd00::7]";
    EXPECT(is_served("weft", names));
    EXPECT(is_served("WEFT:80", names));
    EXPECT(is_served("jobs.example.com.:443", names));
    EXPECT(is_served("[FD00::7]:7410", names));
    EXPECT(is_served("localhost", names));
    EXPECT(!is_served("example.com", names));
    EXPECT(!is_served("a.jobs.example.com", names));
    EXPECT(!is_served("jobs.example.comm", names));
    EXPECT(!is_served("[fd00::8]", names));
    EXPECT(!is_served("", names));
}

TEST(host, a_list_has_names_without_ports)
{
    static const char *const good[] = {"a", "a,b", "jobs.example.com, [::7] ,b_c-d.e", "10.0.0.1"};
    static const char *const bad[] = {"",   ",",        "a,",  ",a",  "a,,b", "a:80", "[::7]:80",
                                      "a.", "http://a", "a b", "*.a", "a/b",  "[::7", "a\xc3\xa9"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT(host_are_names(slice_of_text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT(!host_are_names(slice_of_text(bad[i])));
}
