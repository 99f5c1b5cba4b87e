// References resolve as RFC 3986 shows in 5.4, and never beyond their room.

#include "lib/schema/schema_uri.h"

#include "tests/support/test.h"

static const char *resolved(const char *base, const char *reference)
{
    static char out[256];
    struct slice fragment;
    EXPECT(schema_uri_resolve(base, reference, out, sizeof out, &fragment));
    return out;
}

TEST(uri, resolves_the_examples_of_rfc_3986)
{
    static const char *const examples[][2] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"g#s", "http://a/b/c/g"},
        {"g?y#s", "http://a/b/c/g?y"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
    };
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        EXPECT_STR(resolved("http://a/b/c/d;p?q", examples[i][0]), examples[i][1]);
}

TEST(uri, resolves_against_bases_of_other_kinds)
{
    EXPECT_STR(resolved("", "item.json#/a"), "item.json");
    EXPECT_STR(resolved("http://a", "g"), "http://a/g");
    EXPECT_STR(resolved("urn:uuid:deadbeef", "#part"), "urn:uuid:deadbeef");
    EXPECT_STR(resolved("file:///folder/file.json", "#foo"), "file:///folder/file.json");
}

TEST(uri, gives_the_fragment)
{
    char out[64];
    struct slice fragment;
    EXPECT(schema_uri_resolve("", "#/a%20b", out, sizeof out, &fragment));
    EXPECT(slice_is_text(fragment, "/a%20b"));
    EXPECT(schema_uri_resolve("", "#", out, sizeof out, &fragment));
    EXPECT(fragment.data != NULL && fragment.len == 0);
    EXPECT(schema_uri_resolve("", "a", out, sizeof out, &fragment));
    EXPECT(fragment.data == NULL);
}

TEST(uri, says_that_it_does_not_fit)
{
    char out[8];
    struct slice fragment;
    EXPECT(schema_uri_resolve("", "abcdefg", out, sizeof out, &fragment));
    EXPECT(!schema_uri_resolve("", "abcdefgh", out, sizeof out, &fragment));
    EXPECT(!schema_uri_resolve("http://a/b", "c", out, sizeof out, &fragment));
}

TEST(uri, decodes_percent)
{
    char text[] = "a%20%c3%A9";
    size_t len = strlen(text);
    EXPECT(schema_uri_decode(text, &len));
    EXPECT_EQ(len, 4);
    EXPECT_MEM(text, "a \xc3\xa9", 4);
    char bad[] = "a%2";
    len = 3;
    EXPECT(!schema_uri_decode(bad, &len));
}
