// Webhooks of jobs and intents of deliveries: what is read, what is refused and why.

#include "tests/support/test.h"

#include "proto/hook.h"

#define BYTES(text) slice_of((text), sizeof(text) - 1)

static bool is_url(const char *text)
{
    return hook_is_url(slice_of_text(text));
}

TEST(hook, urls)
{
    static const char *const good[] = {"https://a", "https://a.test:8443/x?y=1", "http://[::1]:80/",
                                       "https://a?b@c"};
    static const char *const bad[] = {"",
                                      "https://",
                                      "https:///x",
                                      "https://?x",
                                      "HTTPS://a/",
                                      "ftp://a/",
                                      "https://u@a/",
                                      "https://a/#f",
                                      "https://a/ b",
                                      "https://a/\nb",
                                      "https://a/\x7f",
                                      "https://a\\b/",
                                      "https://a/\xc3\xa9"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        EXPECT(is_url(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT(!is_url(bad[i]));
    uint8_t longest[MSG_URL_LEN_MAX + 1];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "https://", 8);
    EXPECT(hook_is_url(slice_of(longest, sizeof longest - 1)));
    EXPECT(!hook_is_url(slice_of(longest, sizeof longest)));
}

static bool are_headers(const char *text)
{
    return hook_are_headers(slice_of_text(text));
}

TEST(hook, headers)
{
    EXPECT(are_headers(""));
    EXPECT(are_headers("X-Team: ops"));
    EXPECT(are_headers("X-Team: ops\nAuthorization: Bearer abc"));
    static const char *const bad[] = {"X-Team",
                                      "X-Team:ops",
                                      "X-Team: ",
                                      ": x",
                                      "X Team: x",
                                      "X-Team: x\n",
                                      "\nX: y",
                                      "X: y\r",
                                      "X: y\r\nHost: z",
                                      "X: \x01",
                                      "Host: x",
                                      "content-length: 3",
                                      "WebHook-Id: x",
                                      "Proxy-Authorization: x",
                                      "Transfer-Encoding: chunked"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        EXPECT(!are_headers(bad[i]));
}

TEST(hook, reserved_queues)
{
    EXPECT(msg_hook_is_reserved(slice_of_text(HOOK_QUEUE)));
    EXPECT(msg_hook_is_reserved(slice_of_text("weft.")));
    EXPECT(!msg_hook_is_reserved(slice_of_text("weft")));
    EXPECT(!msg_hook_is_reserved(slice_of_text("my.weft.webhooks")));
    EXPECT(!msg_hook_is_reserved((struct slice){0}));
}

static void expect_bad(struct slice packed, err expected, const char *begins)
{
    const char *detail = "";
    EXPECT_EQ(hook_check(packed, &detail), expected);
    EXPECT(strncmp(detail, begins, strlen(begins)) == 0);
}

TEST(hook, is_read_with_what_stands_for_nothing)
{
    struct hook hook;
    const char *detail = NULL;
    EXPECT_EQ(hook_read(BYTES("\x0a\x0fhttps://a.test/"), &hook, &detail), OK);
    EXPECT(slice_is_text(hook.url, "https://a.test/") && slice_is_text(hook.endpoint, "default"));
    EXPECT_EQ(hook.events, HOOK_ENDS);
    EXPECT_EQ(hook_read(BYTES("\x12\3ops\x18\x40"), &hook, &detail), OK);
    EXPECT(hook.url.len == 0 && slice_is_text(hook.endpoint, "ops"));
    EXPECT_EQ(hook.events, 1u << JOB_DEAD);
    EXPECT_EQ(hook_read(BYTES("\x12\3ops\x18\x08"), &hook, &detail), OK);
    EXPECT_EQ(hook.events, WEBHOOK_PROGRESS);
    EXPECT_EQ(hook_check((struct slice){0}, &detail), OK);
}

TEST(hook, anything_else_is_refused)
{
    expect_bad(BYTES("\x18\x40"), ERR_BAD_FIELD, "webhook: give");
    expect_bad(BYTES("\x0a\1x"), ERR_BAD_FIELD, "webhook.url");
    expect_bad(BYTES("\x12\1X"), ERR_BAD_FIELD, "webhook.endpoint");
    expect_bad(BYTES("\x12\3ops\x18\x04"), ERR_MALFORMED, "webhook"); // of a queued job
    expect_bad(BYTES("\x12\3ops\x12\3ops"), ERR_MALFORMED, "webhook");
    expect_bad(BYTES("\x12\3ops\x2a\1x"), ERR_MALFORMED, "webhook");
    expect_bad(BYTES("\x12\0"), ERR_MALFORMED, "webhook");
    expect_bad(BYTES("\x12\4ops"), ERR_MALFORMED, "webhook");
}

TEST(hook, what_is_written_is_read)
{
    uint8_t room[MSG_INTENT_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    const struct hook given = {slice_of_text("https://a/"), slice_of_text("ops"), 1u << JOB_EXPIRED,
                               slice_of_text("s")};
    hook_write(&given, &out);
    struct hook hook;
    const char *detail = NULL;
    EXPECT_EQ(hook_read(slice_of(room, out.len), &hook, &detail), OK);
    EXPECT(slice_equal(hook.url, given.url) && slice_equal(hook.endpoint, given.endpoint));
    EXPECT_EQ(hook.events, given.events);
    out.len = 0;
    const struct intent told = {.parent = {{7}},
                                .generation = 9,
                                .event = slice_of_text("job.dead"),
                                .endpoint = slice_of_text("ops"),
                                .url = slice_of_text("https://a/"),
                                .headers = slice_of_text("X: y"),
                                .secret = slice_of_text("s"),
                                .secret_before = slice_of_text("b"),
                                .at = 1234567,
                                .fault = slice_of_text("none"),
                                .tenant = slice_of_text("acme"),
                                .is_own = true};
    hook_write_intent(&told, &out);
    struct intent intent;
    EXPECT_EQ(hook_read_intent(slice_of(room, out.len), &intent), OK);
    EXPECT(id_equal(&intent.parent, &told.parent) && slice_equal(intent.event, told.event));
    EXPECT(slice_equal(intent.endpoint, told.endpoint) && slice_equal(intent.url, told.url));
    EXPECT(slice_equal(intent.headers, told.headers) && slice_equal(intent.fault, told.fault));
    EXPECT(slice_equal(intent.secret, told.secret));
    EXPECT(slice_equal(intent.secret_before, told.secret_before));
    EXPECT(intent.generation == 9 && intent.at == 1234567 && intent.is_own);
    EXPECT(slice_equal(intent.tenant, told.tenant));
    EXPECT_EQ(hook_read_intent(BYTES("\x0a\1x"), &intent), ERR_MALFORMED);      // no id
    EXPECT_EQ(hook_read_intent(BYTES("\x10\1\x10\1"), &intent), ERR_MALFORMED); // twice
    EXPECT_EQ(hook_read_intent(BYTES("\x12\1x"), &intent), ERR_MALFORMED);      // no number
    EXPECT_EQ(hook_read_intent(BYTES("\x6a\1x"), &intent), ERR_MALFORMED);      // unknown
}

static err read_of(struct intent intent)
{
    static uint8_t room[2 * MSG_URL_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    hook_write_intent(&intent, &out);
    EXPECT(!out.full);
    return hook_read_intent(slice_of(room, out.len), &intent);
}

TEST(hook, an_intent_has_no_text_longer_than_the_sender_has_room_for)
{
    static uint8_t text[MSG_URL_LEN_MAX + 1];
    memset(text, 'a', sizeof text);
    struct slice name = slice_of(text, MSG_NAME_LEN_MAX);
    struct slice reason = slice_of(text, MSG_REASON_LEN_MAX);
    struct slice url = slice_of(text, MSG_URL_LEN_MAX);
    EXPECT_EQ(
        read_of((struct intent){.tenant = name, .endpoint = name, .url = url, .fault = reason}),
        OK);
    name.len++, url.len++, reason.len++;
    EXPECT_EQ(read_of((struct intent){.tenant = name}), ERR_MALFORMED);
    EXPECT_EQ(read_of((struct intent){.endpoint = name}), ERR_MALFORMED);
    EXPECT_EQ(read_of((struct intent){.url = url}), ERR_MALFORMED);
    EXPECT_EQ(read_of((struct intent){.fault = reason}), ERR_MALFORMED);
}

TEST(hook, events_have_names)
{
    EXPECT_STR(hook_event_name(1u << JOB_SUCCEEDED), "job.succeeded");
    EXPECT_STR(hook_event_name(1u << JOB_DEAD), "job.dead");
    EXPECT_STR(hook_event_name(1u << JOB_CANCELLED), "job.cancelled");
    EXPECT_STR(hook_event_name(1u << JOB_EXPIRED), "job.expired");
    EXPECT_STR(hook_event_name(WEBHOOK_PROGRESS), "job.progress");
    EXPECT_STR(hook_event_name(WEBHOOK_BATCH_FINISHED), "batch.finished");
    EXPECT_STR(hook_event_name(0), "webhook.test");
}
