// What ECMA-262 and PCRE2 write differently is translated; what only PCRE2 knows is refused.

#include "lib/schema/schema_ecma.h"

#include "tests/support/test.h"

static const char *translated(const char *pattern)
{
    static char out[4096];
    size_t len = 0;
    const char *why = schema_ecma_translate(slice_of_text(pattern), out, sizeof out - 1, &len);
    out[len] = '\0';
    return why != NULL ? "refused" : out;
}

TEST(ecma, translates_what_is_written_otherwise)
{
    static const char *const pairs[][2] = {
        {"^a.b$", "^a.b$"},
        {"\\d\\w\\.\\-\\/", "\\d\\w\\.\\-\\/"},
        {"\\v", "\\x{b}"},
        {"\\u00e9", "\\x{e9}"},
        {"\\x41", "\\x{41}"},
        {"\\u{1f600}", "\\x{1f600}"},
        {"\\ud83d\\ude00", "\\x{1f600}"},
        {"\\0", "\\x{0}"},
        {"\\cA", "\\x{1}"},
        {"(a)\\1", "(a)\\g{1}"},
        {"(?<n>a)\\k<n>", "(?<n>a)\\k<n>"},
        {"[[:alpha:]]", "[\\[:alpha:]]"},
        {"[^]", "[^]"},
        {"[(*]", "[(*]"},
        {"\\p{Letter}", "\\p{L}"},
        {"\\P{gc=Lu}", "\\P{Lu}"},
        {"\\p{Greek}", "\\p{Greek}"},
        {"(?=a)(?!b)(?:c)(?<=d)(?<!e)", "(?=a)(?!b)(?:c)(?<=d)(?<!e)"},
        {"[\\b]", "[\\b]"},
        {"[\\S]", "[\\S]"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        EXPECT_STR(translated(pairs[i][0]), pairs[i][1]);
    EXPECT(strncmp(translated("\\s"), "[\\t", 3) == 0);
    EXPECT(strncmp(translated("[\\s]"), "[\\t", 3) == 0);
    EXPECT(strncmp(translated("\\S"), "[^\\t", 4) == 0);
}

TEST(ecma, refuses_what_it_does_not_know)
{
    static const char *const refused[] = {
        "(?R)",  "(?1)",       "(?>a)",  "(?i)a",   "(?|a)",    "(?(1)a)", "(?#a)",   "(?P<n>a)",
        "(?C1)", "(*COMMIT)",  "(*UTF)", "\\A",     "\\Z",      "\\z",     "\\Qa\\E", "\\K",
        "\\C",   "\\R",        "\\X",    "\\G",     "\\a",      "\\e",     "\\h",     "\\N",
        "\\",    "\\01",       "[\\1]",  "\\ud83d", "\\ud83da", "\\u12",   "\\u{}",   "\\u{110000}",
        "\\x1",  "\\p",        "\\pL",   "\\p{}",   "\\p{^L}",  "\\k",     "\\kn",    "\\c1",
        "[\\B]", "\\\xc3\xa9", "\\ ",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(translated(refused[i]), "refused") != 0)
            EXPECT_STR(translated(refused[i]), refused[i]);
}

TEST(ecma, has_room_for_the_worst)
{
    char out[64 * SCHEMA_ECMA_GROWTH], pattern[65];
    for (size_t i = 0; i < 64; i += 2)
        memcpy(pattern + i, "\\S", 2);
    size_t len = 0;
    EXPECT(schema_ecma_translate(slice_of(pattern, 64), out, sizeof out, &len) == NULL);
    EXPECT(len <= sizeof out);
}
