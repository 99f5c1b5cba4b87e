// Query parameters and entity tags.

#include "gateway/core/query.h"

#include "tests/support/test.h"

static char fault[QUERY_FAULT_LEN];

static err parse(const char *text, struct query *query)
{
    return query_read(slice_of_text(text),
                      1u << QUERY_WAIT | 1u << QUERY_VERSION | 1u << QUERY_MODE, query, fault);
}

TEST(query, known_parameters_are_read)
{
    struct query query;
    EXPECT_EQ(parse("", &query), OK);
    EXPECT(!query.has[QUERY_WAIT] && !query.has[QUERY_VERSION]);
    EXPECT_EQ(parse("wait=30s&version=7&", &query), OK);
    EXPECT(query.has[QUERY_WAIT] && query.has[QUERY_VERSION]);
    EXPECT_EQ(query.wait, 30000);
    EXPECT_EQ(query.version, 7);
    EXPECT_EQ(parse("mode=partial", &query), OK);
    EXPECT(!query.is_atomic);
    EXPECT_EQ(parse("mode=atomic", &query), OK);
    EXPECT(query.is_atomic);
}

TEST(query, wrong_values_are_refused)
{
    static const char *const texts[] = {
        "wait=61s",           "wait=",      "wait",     "wait=5", "wait=5s&wait=5s", "version=-1",
        "version=4294967296", "version=1x", "mode=all", "what=1", "Wait=5s",         "=1"};
    struct query query;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        fault[0] = '\0';
        EXPECT_EQ(parse(texts[i], &query), ERR_BAD_FIELD);
        EXPECT(strlen(fault) > 0);
    }
    EXPECT_STR(fault, "the parameter  is not known here; known: wait, version, mode");
}

TEST(query, an_unknown_name_is_told_with_those_that_there_are)
{
    struct query query;
    EXPECT_EQ(query_read(slice_of_text("state=dead"), QUERY_FILTER | QUERY_PAGE, &query, fault),
              ERR_BAD_FIELD);
    EXPECT_STR(fault, "the parameter state is not known here; did you mean status?");
    EXPECT_EQ(query_read(slice_of_text("aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd=1"),
                         QUERY_FILTER | QUERY_PAGE, &query, fault),
              ERR_BAD_FIELD);
    EXPECT_STR(fault, "the parameter aaaaaaaaaabbbbbbbbbbccccccccccdd is not known here; known: "
                      "status, queue, type, created_after, created_before, limit, cursor, tag");
    EXPECT_EQ(query_read(slice_of_text("limit=1"), 0, &query, fault), ERR_BAD_FIELD);
    EXPECT_STR(fault, "the parameter limit is not known here; there are none");
}

TEST(query, how_long_workers_are_asked)
{
    static const char *const wrong[] = {"simulate=0s", "simulate=31s", "simulate=true",
                                        "simulate="};
    struct query query;
    EXPECT_EQ(query_read(slice_of_text("simulate=30s"), 1u << QUERY_SIMULATE, &query, fault), OK);
    EXPECT_EQ(query.simulate, 30000);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        EXPECT_EQ(query_read(slice_of_text(wrong[i]), 1u << QUERY_SIMULATE, &query, fault),
                  ERR_BAD_FIELD);
    EXPECT_STR(fault, "the parameter simulate must be a duration of at most 30s, like 10s");
}

TEST(query, how_fast_an_act_may_go)
{
    static const char *const wrong[] = {
        "rate=0", "rate=1000001", "rate=4294967297", "rate=-1", "rate=1.5",
        "rate=",  "rate",         "rate=10%2Fs"};
    struct query query;
    EXPECT_EQ(query_read(slice_of_text("rate=1"), 1u << QUERY_RATE, &query, fault), OK);
    EXPECT_EQ(query.rate, 1);
    EXPECT_EQ(query_read(slice_of_text("rate=1000000"), 1u << QUERY_RATE, &query, fault), OK);
    EXPECT_EQ(query.rate, MSG_RATE_COUNT_MAX);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT_EQ(query_read(slice_of_text(wrong[i]), 1u << QUERY_RATE, &query, fault),
                  ERR_BAD_FIELD);
        EXPECT_STR(fault, "the parameter rate must be a whole number of jobs a second, from 1 to "
                          "1000000; leave it out for no limit");
    }
    EXPECT_EQ(query_read(slice_of_text(""), 1u << QUERY_RATE, &query, fault), OK);
    EXPECT_EQ(query.rate, 0);
}

TEST(query, a_tag)
{
    struct query query;
    EXPECT_EQ(query_read(slice_of_text("tag=eu%2f1"), QUERY_FILTER, &query, fault), OK);
    EXPECT(slice_is_text(query.list.filter.tag, "eu/1"));
    EXPECT_EQ(query_read(slice_of_text("tag="), QUERY_FILTER, &query, fault), ERR_BAD_FIELD);
    EXPECT_EQ(query_read(slice_of_text("tag=a%20b"), QUERY_FILTER, &query, fault), ERR_BAD_FIELD);
}

TEST(query, a_filter_and_a_page)
{
    struct query query;
    EXPECT_EQ(query_read(slice_of_text("status=dead%2Ccancelled&queue=mail&type=a.b&limit=1000&"
                                       "created_after=2026-01-02T00%3A00%3a00Z&cursor=12345&"
                                       "created_before=2026-01-02T00:00:00.001Z"),
                         QUERY_FILTER | QUERY_PAGE, &query, fault),
              OK);
    EXPECT_EQ(query.list.filter.states, 1u << JOB_DEAD | 1u << JOB_CANCELLED);
    EXPECT(slice_is_text(query.list.filter.queue, "mail") &&
           slice_is_text(query.list.filter.type, "a.b"));
    EXPECT_EQ(query.list.limit, 1000);
    EXPECT_EQ(query.list.cursor, 12345);
    EXPECT_EQ(query.list.filter.created_before - query.list.filter.created_after, 1);
    static const char *const texts[] = {
        "status=",      "status=done", "status=dead,",   "queue=",   "type=",
        "limit=0",      "limit=1001",  "cursor=0",       "cursor=x", "created_after=now",
        "status=dea%6", "status=%zz",  "created_before="};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        EXPECT_EQ(query_read(slice_of_text(texts[i]), QUERY_FILTER | QUERY_PAGE, &query, fault),
                  ERR_BAD_FIELD);
}

TEST(query, a_value_may_be_so_long)
{
    static char text[300] = "queue=";
    struct query query;
    memset(text + 6, 'a', 257);
    EXPECT_EQ(query_read(slice_of_text(text), QUERY_FILTER, &query, fault), ERR_BAD_FIELD);
    EXPECT(strstr(fault, "too long") != NULL);
}

TEST(query, parameters_of_other_doors_are_unknown)
{
    struct query query;
    EXPECT_EQ(query_read(slice_of_text("wait=5s"), 0, &query, fault), ERR_BAD_FIELD);
}

TEST(query, entity_tags_are_versions_in_quotes)
{
    uint32_t version = 0;
    EXPECT(query_etag(slice_of_text("\"7\""), &version) && version == 7);
    EXPECT(query_etag(slice_of_text("W/\"8\""), &version) && version == 8);
    EXPECT(query_etag(slice_of_text("\"x,\", \"9\" ,W/\"7\""), &version) && version == 9);
    static const char *const others[] = {"", "7", "\"\"", "\"7", "\"x\"", "*", "W/7", ","};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        EXPECT(!query_etag(slice_of_text(others[i]), &version));
}

TEST(query, a_list_of_tags_has_those_it_names)
{
    struct slice list = slice_of_text("W/\"7\", \"x\",\"8\"\t, ,\"a, 9\"");
    EXPECT(query_etag_has(list, 7) && query_etag_has(list, 8));
    EXPECT(!query_etag_has(list, 9) && !query_etag_has(list, 0));
    EXPECT(query_etag_has(slice_of_text("*"), 5));
    static const char *const none[] = {"", "5", "\"5", "\"", "W/", "W/5", "\"4\" 5", "\"6\""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        EXPECT(!query_etag_has(slice_of_text(none[i]), 5));
    EXPECT(!query_etag_has((struct slice){0}, 0));
}

TEST(query, an_event_id_is_a_version)
{
    uint32_t version = 0;
    EXPECT(query_version(slice_of_text("7"), &version) && version == 7);
    static const char *const others[] = {"", "0", "x", "-1", "\"7\"", "4294967296"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        EXPECT(!query_version(slice_of_text(others[i]), &version));
    EXPECT(!query_version((struct slice){0}, &version));
}

static err parse_list(const char *text, struct query *query)
{
    return query_read(slice_of_text(text),
                      1u << QUERY_NEXT | 1u << QUERY_LIMIT | 1u << QUERY_AFTER_NAME |
                          1u << QUERY_DRY_RUN,
                      query, fault);
}

TEST(query, lists_and_previews_have_their_parameters)
{
    struct query query;
    EXPECT_EQ(parse_list("next=100&limit=256&cursor=a.b&dry_run=true", &query), OK);
    EXPECT_EQ(query.next, 100);
    EXPECT_EQ(query.list.limit, 256);
    EXPECT(slice_is_text(query.after_name, "a.b"));
    EXPECT(query.dry_run);
    EXPECT_EQ(parse_list("dry_run=false&next=0", &query), OK);
    EXPECT(!query.dry_run && query.has[QUERY_DRY_RUN]);
    static const char *const bad[] = {"next=101", "next=",     "limit=0", "limit=1001",
                                      "dry_run=", "dry_run=1", "next=-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT_EQ(parse_list(bad[i], &query), ERR_BAD_FIELD);
}
