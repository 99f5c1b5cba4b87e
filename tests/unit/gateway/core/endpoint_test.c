// Endpoints over HTTP: what may be said, and what is told.

#include "gateway/core/endpoint.h"

#include "tests/support/test.h"

enum { KEYS = 128 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[32 * 1024];
static struct arena arena;
static struct submit_fault fault;
static struct endpoint_put put;

static struct doc_room begin(void)
{
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    fault.detail[0] = '\0';
    return (struct doc_room){keys, KEYS, &arena};
}

static err parse(const char *text)
{
    struct doc_room room = begin();
    return endpoint_read((struct doc_value){DOC_JSON, slice_of_text(text)}, &room, &put, &fault);
}

TEST(endpoint, every_field_has_its_place)
{
    // As read: mapping only.
    EXPECT_EQ(parse("{\"url\":\"https://a.test/h\",\"events\":[\"dead\",\"batch.finished\"],"
                    "\"types\":[\"mail.send\",\"a\"],\"tags\":[\"eu\",\"b:c\"],"
                    "\"headers\":{\"X-Team\":\"ops\",\"Authorization\":\"Bearer \\u0061\"},"
                    "\"secret\":\"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX\"}"),
              OK);
    EXPECT(slice_is_text(put.given.url, "https://a.test/h"));
    EXPECT_EQ(put.given.events, 1u << JOB_DEAD | WEBHOOK_BATCH_FINISHED);
    EXPECT(slice_is_text(put.given.types, "mail.send,a"));
    EXPECT(slice_is_text(put.given.tags, "eu,b:c"));
    EXPECT(slice_is_text(put.given.headers, "X-Team: ops\nAuthorization: Bearer a"));
    EXPECT(!put.secret.is_new && put.secret.len == 24);
}

TEST(endpoint, what_is_not_given)
{
    EXPECT_EQ(parse("{\"url\":\"https://a.test/h\"}"), OK);
    EXPECT_EQ(put.given.events, HOOK_ENDS);
    EXPECT(put.given.types.len == 0 && put.given.tags.len == 0 && put.given.headers.len == 0);
    EXPECT(put.secret.is_new);
    EXPECT_EQ(parse("{\"url\":\"https://a.test/h\",\"events\":[]}"), OK);
    EXPECT_EQ(put.given.events, 0);
    // One that only signs.
    EXPECT_EQ(parse("{}"), OK);
    EXPECT(put.given.url.len == 0 && put.given.events == 0);
}

TEST(endpoint, what_is_not_allowed_is_named)
{
    static const char *const cases[][2] = {
        {"{\"url\":\"a.test\"}", "url must be"},
        {"{\"events\":[\"dead\"]}", "url is missing"},
        {"{\"types\":[\"a\"]}", "url is missing"},
        {"{\"url\":\"https://a.test/\",\"events\":\"dead\"}", "events must be of"},
        {"{\"url\":\"https://a.test/\",\"events\":[\"batch.finish\"]}", "events must be of"},
        {"{\"url\":\"https://a.test/\",\"types\":[]}", "types must be an array of 1 to 64 texts"},
        {"{\"url\":\"https://a.test/\",\"types\":[\"a,b\"]}", "types has a text that is none"},
        {"{\"url\":\"https://a.test/\",\"tags\":[\"\"]}", "tags has a text that is none"},
        {"{\"url\":\"https://a.test/\",\"headers\":[]}", "headers must be an object"},
        {"{\"url\":\"https://a.test/\",\"headers\":{\"a\":1}}",
         "headers must be an object of texts"},
        {"{\"url\":\"https://a.test/\",\"headers\":{\"a\":\"b\\nc: d\"}}", "headers has a value"},
        {"{\"url\":\"https://a.test/\",\"headers\":{\"Host\":\"b\"}}", "headers has a header"},
        {"{\"url\":\"https://a.test/\",\"headers\":{\"a b\":\"b\"}}", "headers has a header"},
        {"{\"url\":\"https://a.test/\",\"secret\":\"x\"}", "secret must be"},
        {"{\"urls\":\"https://a.test/\"}", "urls is no field of an endpoint; did you mean url?"},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT(parse(cases[i][0]) != OK);
        EXPECT(strncmp(fault.detail, cases[i][1], strlen(cases[i][1])) == 0);
    }
}

TEST(endpoint, a_list_has_a_length)
{
    char text[4096] = "{\"url\":\"https://a.test/\",\"types\":[";
    for (int i = 0; i < 10; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s\"%0128d\"", i > 0 ? "," : "", i);
    }
    (void)snprintf(text + strlen(text), 8, "]}");
    EXPECT_EQ(parse(text), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "types is longer than 1,024 bytes");
}

TEST(endpoint, a_rotation_and_a_reason)
{
    struct endpoint_rotation rotation;
    struct slice reason;
    struct doc_room room = begin();
#define READ(text) (struct doc_value){DOC_JSON, slice_of_text(text)}
    EXPECT_EQ(endpoint_read_rotation(READ("{}"), &room, &rotation, &fault), OK);
    EXPECT(rotation.secret.is_new && rotation.overlap_s == ENDPOINT_OVERLAP_S);
    EXPECT_EQ(endpoint_read_rotation(READ("{\"overlap\":\"0s\"}"), &room, &rotation, &fault), OK);
    EXPECT_EQ(rotation.overlap_s, 0);
    EXPECT_EQ(endpoint_read_rotation(READ("{\"overlap\":\"31d\"}"), &room, &rotation, &fault),
              ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "overlap must be a duration of whole seconds, at most \"30d\"");
    EXPECT_EQ(endpoint_read_rotation(READ("{\"overlaps\":\"1d\"}"), &room, &rotation, &fault),
              ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "overlaps is nothing that a rotation takes; did you mean overlap?");
    EXPECT_EQ(endpoint_read_reason(READ("{\"reason\":\"moved\"}"), &room, &reason, &fault), OK);
    EXPECT(slice_is_text(reason, "moved"));
    EXPECT_EQ(endpoint_read_reason(READ("{\"why\":\"moved\"}"), &room, &reason, &fault),
              ERR_BAD_FIELD);
#undef READ
}

static struct slice told(const struct endpoint_told *what)
{
    static uint8_t room[ENDPOINT_ANSWER_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    endpoint_answer(&out, what);
    return out_slice(&out);
}

TEST(endpoint, its_secret_is_told_only_when_it_was_made_and_is_the_one)
{
    struct msg_webhook_line line = {
        .given = {.webhook_id = slice_of_text("ops"),
                  .url = slice_of_text("https://a.test/"),
                  .events = 1u << JOB_DEAD | WEBHOOK_BATCH_FINISHED,
                  .types = slice_of_text("a,b"),
                  .headers = slice_of_text("X-A: 1\nAuthorization: Bearer: x")},
        .generation = 3,
        .created_at = 1764576000000};
    struct webhook_secret secret = {.is_new = true, .len = 24};
    EXPECT(slice_is_text(
        told(&(struct endpoint_told){&line, ENDPOINT_SECRET_TAKEN, &secret}),
        "{\"webhook_id\":\"ops\",\"url\":\"https://a.test/"
        "\",\"events\":[\"dead\",\"batch.finished\"],"
        "\"types\":[\"a\",\"b\"],\"header_names\":[\"X-A\",\"Authorization\"],"
        "\"secret\":\"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"disabled\":false,\"generation\":3,"
        "\"created_at\":\"2025-12-01T08:00:00.000Z\",\"webhook_url\":\"/v1/webhooks/ops\"}"));
    line = (struct msg_webhook_line){.given = {.webhook_id = slice_of_text("ops")},
                                     .disabled = true,
                                     .reason = slice_of_text("410 Gone")};
    static const char bare[] = "\"disabled\":true,\"reason\":\"410 Gone\",\"generation\":0,"
                               "\"webhook_url\":\"/v1/webhooks/ops\"}";
    struct slice text = told(&(struct endpoint_told){&line, ENDPOINT_SECRET_KEPT, &secret});
    EXPECT(text.len > sizeof bare &&
           memcmp(text.data + text.len - (sizeof bare - 1), bare, sizeof bare - 1) == 0);
    EXPECT(slice_is_text(slice_of(text.data, 55),
                         "{\"webhook_id\":\"ops\",\"events\":[],\"secret_kept\":true,\"dis"));
    secret.is_new = false; // given by who reads this
    text = told(&(struct endpoint_told){&line, ENDPOINT_SECRET_TAKEN, &secret});
    EXPECT(slice_is_text(slice_of(text.data, 43),
                         "{\"webhook_id\":\"ops\",\"events\":[],\"disabled\":"));
}

TEST(endpoint, the_longest_fits)
{
    static uint8_t full[MSG_HOOK_HEADERS_LEN_MAX];
    static uint8_t room[ENDPOINT_ANSWER_LEN];
    memset(full, 0x01, sizeof full); // each becomes six characters
    struct msg_webhook_line line = {.given = {.webhook_id = slice_of(full, MSG_NAME_LEN_MAX),
                                              .url = slice_of(full, MSG_URL_LEN_MAX),
                                              .events = UINT32_MAX,
                                              .types = slice_of(full, MSG_HOOK_LIST_LEN_MAX),
                                              .tags = slice_of(full, MSG_HOOK_LIST_LEN_MAX)},
                                    .reason = slice_of(full, MSG_REASON_LEN_MAX)};
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    endpoint_answer(&out, &(struct endpoint_told){.line = &line});
    EXPECT(!out.full);
}
