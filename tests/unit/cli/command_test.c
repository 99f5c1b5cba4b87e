#include "cli/command.h"

#include "tests/support/test.h"

static int words_seen;

static int see(int argc, char **argv)
{
    (void)argv;
    words_seen = argc;
    return 7;
}

static const struct command_verb items[] = {{"push", see, "a"}, {"show", see, "b"}};
static const struct command_verbs verbs = {"weft", items, 2};

static int dispatch(char *first, char *second)
{
    char *words[] = {first, second, NULL};
    return command_dispatch(&verbs, first == NULL ? 0 : second == NULL ? 1 : 2, words);
}

TEST(command, verb_gets_what_follows_it)
{
    char push[] = "push";
    char word[] = "--flag";
    EXPECT_EQ(dispatch(push, word), 7);
    EXPECT_EQ(words_seen, 1);
}

TEST(command, unknown_or_missing_verbs_are_usage)
{
    char wrong[] = "pusch";
    EXPECT_EQ(dispatch(wrong, NULL), COMMAND_USAGE);
    EXPECT_EQ(dispatch(NULL, NULL), COMMAND_USAGE);
}

TEST(command, help_is_a_success)
{
    char help[] = "--help";
    EXPECT_EQ(dispatch(help, NULL), COMMAND_SUCCEEDED);
}
