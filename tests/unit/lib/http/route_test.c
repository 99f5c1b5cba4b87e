// Paths and methods against a table.

#include "lib/http/route.h"

#include "tests/support/test.h"

static const struct http_route routes[] = {
    {.method = "POST", .path = "/v1/jobs"},
    {.method = "GET", .path = "/v1/jobs/*"},
    {.method = "DELETE", .path = "/v1/jobs/*"},
    {.method = "GET", .path = "/v1/jobs/*/log"},
    {.method = "GET", .path = "/"},
};
static const struct route_table table = {routes, sizeof routes / sizeof routes[0]};

static struct route_match find(const char *method, const char *path)
{
    return route_find(&table, slice_of_text(method), slice_of_text(path));
}

TEST(route, method_and_path_decide)
{
    EXPECT_EQ(find("POST", "/v1/jobs").route, 0);
    EXPECT_EQ(find("DELETE", "/v1/jobs/7").route, 2);
    EXPECT_EQ(find("GET", "/").route, 4);
}

TEST(route, a_star_takes_one_segment)
{
    struct route_match match = find("GET", "/v1/jobs/abc");
    EXPECT_EQ(match.route, 1);
    EXPECT(slice_is_text(match.segment, "abc"));
    match = find("GET", "/v1/jobs/abc/log");
    EXPECT_EQ(match.route, 3);
    EXPECT(slice_is_text(match.segment, "abc"));
}

TEST(route, head_goes_where_get_goes)
{
    EXPECT_EQ(find("HEAD", "/v1/jobs/abc").route, 1);
    EXPECT_EQ(find("HEAD", "/v1/jobs").error, ERR_METHOD);
}

TEST(route, near_misses_are_not_found)
{
    static const char *const paths[] = {"",         "//",           "/v1",
                                        "/v1/",     "/v1/jobs/",    "/v1/jobs//log",
                                        "/V1/jobs", "/v1/jobs/a/b", "/v1/jobs/a/log/",
                                        "x"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        EXPECT_EQ(find("GET", paths[i]).error, ERR_NOT_FOUND);
}

TEST(route, allowed_methods_are_told)
{
    char room[64];
    route_allowed(&table, slice_of_text("/v1/jobs/7"), room, sizeof room);
    EXPECT_STR(room, "GET, HEAD, DELETE");
    EXPECT_EQ(find("PUT", "/v1/jobs/7").error, ERR_METHOD);
}
