// Sends one body to each URL on the command line, all at once, and prints a line for each:
//
//     URL END STATUS RETRY_AFTER_MS MS DETAIL      (tabs between them)
//
// and at the end the most memory that was resident. Flags: --http, --port N, --allow RANGE, --ca FILE,
// --deadline MS, --body BYTES, --turns N (all URLs again, one turn after the other).
//
// links: weft_post

#include "lib/post/post.h"
#include "lib/sys/clock.h"
#include "notify/notifier.h"

#include <poll.h>
#include <sys/resource.h>

enum { URLS_MAX = 256, RANGES_MAX = 8 };

struct tool {
    struct target_rules rules;
    struct address_range ranges[RANGES_MAX];
    struct post_options options;
    const char *urls[URLS_MAX];
    uint32_t url_count;
    size_t body_len;
    long turns;
};

static const char *const ends[EXCHANGE_ENDS] = {"answered",   "bad_url", "forbidden", "no_host",
                                                "no_connect", "tls",     "timeout",   "broken"};

static void read_flag(struct tool *tool, const char *flag, const char *value)
{
    if (strcmp(flag, "--port") == 0)
        tool->rules.ports[tool->rules.port_count++] = (uint16_t)strtol(value, NULL, 10);
    else if (strcmp(flag, "--ca") == 0)
        tool->options.ca_file = value;
    else if (strcmp(flag, "--deadline") == 0)
        tool->options.deadline_ms = (uint32_t)strtol(value, NULL, 10);
    else if (strcmp(flag, "--body") == 0)
        tool->body_len = (size_t)strtol(value, NULL, 10);
    else if (strcmp(flag, "--turns") == 0)
        tool->turns = strtol(value, NULL, 10);
    else if (strcmp(flag, "--allow") == 0 &&
             address_range_read(slice_of_text(value), &tool->ranges[tool->rules.range_count]) == OK)
        tool->rules.range_count++;
    else
        exit(64);
}

static void read_words(struct tool *tool, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--http") == 0)
            tool->rules.allows_http = true;
        else if (strncmp(argv[i], "--", 2) == 0 && i + 1 < argc)
            read_flag(tool, argv[i], argv[i + 1]), i++;
        else if (tool->url_count < URLS_MAX)
            tool->urls[tool->url_count++] = argv[i];
    }
}

static void run_turn(struct tool *tool, struct post_pool *pool, struct slice body)
{
    const struct post_header headers[] = {{slice_of_text("webhook-id"), slice_of_text("msg_1")},
                                          {slice_of_text("x-none"), slice_of(NULL, 0)}};
    for (uint32_t i = 0; i < tool->url_count; i++) {
        const struct post_request request = {.user = i,
                                             .url = slice_of_text(tool->urls[i]),
                                             .content_type = "application/json",
                                             .headers = headers,
                                             .header_count = 2,
                                             .body = body};
        err started = post_start(pool, &request);
        CHECK(started == OK);
    }
    while (post_count(pool) > 0) {
        struct pollfd item = {.fd = post_fd(pool), .events = POLLIN};
        struct post_result result;
        (void)poll(&item, 1, (int)post_wait_ms(pool));
        post_turn(pool);
        while (post_take(pool, &result)) {
            (void)printf("%s\t%s\t%u\t%lld\t%u\t%s\n", tool->urls[result.user], ends[result.end],
                         result.status, (long long)result.retry_after_ms, result.ms, result.detail);
            (void)fflush(stdout);
        }
    }
}

int main(int argc, char **argv)
{
    static struct tool tool = {.options = {.agent = "hook_post",
                                           .count_max = URLS_MAX,
                                           .deadline_ms = 15000,
                                           .connect_ms = 10000,
                                           .body_bytes_max = NOTIFIER_ANSWER_BYTES_MAX},
                               .body_len = 100,
                               .turns = 1};
    struct post_pool *pool = NULL;
    struct rusage usage;
    read_words(&tool, argc, argv);
    tool.rules.ranges = tool.ranges;
    tool.options.rules = &tool.rules;
    char *body = malloc(tool.body_len + 1);
    if (body == NULL || post_open(&tool.options, &pool) != OK)
        return 1;
    memset(body, 'b', tool.body_len);
    for (long turn = 0; turn < tool.turns; turn++)
        run_turn(&tool, pool, slice_of(body, tool.body_len));
    post_close(pool);
    free(body);
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf("maxrss_kib\t%ld\n", usage.ru_maxrss);
    return 0;
}
