// The field `webhook`, events and secrets.

#include "gateway/core/webhook.h"

#include "gateway/core/submit.h"
#include "tests/support/test.h"

enum { KEYS = 64 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[8 * 1024];
static struct arena arena;
static struct submit_fault fault;
static struct slice packed;
static struct webhook_secret secret;

static err read_with(const char *text, struct webhook_secret *out_secret)
{
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    fault.detail[0] = '\0';
    return webhook_read((struct doc_value){DOC_JSON, slice_of_text(text)}, &room,
                        &(struct webhook_place){.packed = &packed, .secret = out_secret}, &fault);
}

static err parse(const char *text)
{
    return read_with(text, &secret);
}

// 24 bytes, and one less.
#define LEAST "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"
#define TOO_FEW "AAECAwQFBgcICQoLDA0ODxAREhMUFRY="

static bool has_packed(const char *url, const char *endpoint, uint32_t events)
{
    struct hook hook;
    const char *detail = NULL;
    return hook_read(packed, &hook, &detail) == OK && slice_is_text(hook.url, url) &&
           slice_is_text(hook.endpoint, endpoint) && hook.events == events && hook.secret.len == 0;
}

TEST(webhook, what_is_given_is_packed)
{
    EXPECT_EQ(parse("{\"url\":\"https://a.test/hook?x=1\"}"), OK);
    EXPECT(has_packed("https://a.test/hook?x=1", "default", HOOK_ENDS));
    EXPECT(!secret.is_new && secret.len == 0);
    EXPECT_EQ(parse("{\"endpoint\":\"ops\",\"events\":[\"dead\",\"dead\",\"succeeded\"]}"), OK);
    EXPECT(has_packed("", "ops", 1u << JOB_DEAD | 1u << JOB_SUCCEEDED));
}

TEST(webhook, a_secret_is_given_or_wanted)
{
    EXPECT_EQ(parse("{\"url\":\"https://a.test/\",\"secret\":\"new\"}"), OK);
    EXPECT(secret.is_new);
    EXPECT_EQ(secret.len, 0);
    EXPECT_EQ(parse("{\"url\":\"https://a.test/\",\"secret\":\"whsec_" LEAST "\"}"), OK);
    EXPECT(!secret.is_new);
    EXPECT_EQ(secret.len, 24);
    EXPECT_EQ(secret.bytes[23], 23);
    EXPECT(has_packed("https://a.test/", "default", HOOK_ENDS));
    // Where nobody can seal one.
    EXPECT_EQ(read_with("{\"url\":\"https://a.test/\",\"secret\":\"new\"}", NULL), ERR_BAD_FIELD);
    EXPECT_EQ(read_with("{\"url\":\"https://a.test/\"}", NULL), OK);
}

TEST(webhook, what_is_not_allowed_is_named)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"[]", "webhook must be an object like {\"url\": \"https://…\"}"},
        {"{}", "webhook needs a url, an endpoint, or both"},
        {"{\"events\":[\"dead\"]}", "webhook needs a url, an endpoint, or both"},
        {"{\"url\":\"ftp://a.test/\"}",
         "webhook.url must be https://host/…, at most 2,048 visible ASCII characters, no user, no "
         "fragment"},
        {"{\"url\":7}",
         "webhook.url must be https://host/…, at most 2,048 visible ASCII characters, no user, no "
         "fragment"},
        {"{\"endpont\":\"ops\"}",
         "webhook.endpont is no field of a webhook; did you mean endpoint?"},
        {"{\"url\":\"https://a.test/\",\"events\":[\"suceeded\"]}",
         "webhook.events must be of \"succeeded\", \"dead\", \"cancelled\", \"expired\", "
         "\"progress\", at least one; did you mean succeeded?"},
        {"{\"url\":\"https://a.test/\",\"events\":[]}",
         "webhook.events must be of \"succeeded\", \"dead\", \"cancelled\", \"expired\", "
         "\"progress\", at least one"},
        {"{\"url\":\"https://a.test/\",\"events\":[\"batch.finished\"]}",
         "webhook.events must be of \"succeeded\", \"dead\", \"cancelled\", \"expired\", "
         "\"progress\", at least one"},
        {"{\"endpoint\":\"\"}",
         "webhook.endpoint must be the id of an endpoint: 1 to 128 of a-z 0-9 . _ -"},
        {"{\"endpoint\":\"ops\",\"secret\":\"new\"}",
         "webhook has a secret, but no url for it: an endpoint has its own"},
        {"{\"url\":\"https://a.test/\",\"endpoint\":\"ops\",\"secret\":\"new\"}",
         "webhook is signed by its secret or by its endpoint's: give one of the two"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT_EQ(parse(cases[i].text), ERR_BAD_FIELD);
        EXPECT_STR(fault.detail, cases[i].words);
    }
}

TEST(webhook, of_a_batch_it_has_no_events)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"batch_webhook\":{}}", "batch_webhook needs a url, an endpoint, or both"},
        {"{\"batch_webhook\":{\"url\":7}}",
         "batch_webhook.url must be https://host/…, at most 2,048 visible ASCII characters, no "
         "user, no fragment"},
        {"{\"batch_webhook\":{\"url\":\"https://a.test/\",\"events\":[\"dead\"]}}",
         "batch_webhook.events is not said of a batch, which is told once: when it has finished"},
    };
    arena = (struct arena){.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    const struct webhook_place place = {&packed, &secret, true};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct doc_value record = {DOC_JSON, slice_of_text(cases[i].text)};
        EXPECT_EQ(submit_read_batch(record, &room, &place, &fault), ERR_BAD_FIELD);
        EXPECT_STR(fault.detail, cases[i].words);
    }
    // Of a record that is not good otherwise, too.
    struct doc_value record = {
        DOC_JSON,
        slice_of_text("{\"typ\":7,\"batch_webhook\":{\"url\":\"https://a.test/\",\"secret\":"
                      "\"new\"}}")};
    EXPECT_EQ(submit_read_batch(record, &room, &place, &fault), OK);
    EXPECT(secret.is_new && has_packed("https://a.test/", "default", HOOK_ENDS));
    record.raw = slice_of_text("{\"type\":\"a\"}");
    EXPECT_EQ(submit_read_batch(record, &room, &place, &fault), OK);
    EXPECT(!secret.is_new && packed.len == 0);
    record.raw = slice_of_text("{");
    EXPECT_EQ(submit_read_batch(record, &room, &place, &fault), OK);
    EXPECT_EQ(packed.len, 0);
}

TEST(webhook, secrets_are_written_one_way)
{
    static const char *const wrong[] = {"",
                                        "New",
                                        "whsec_",
                                        "whsec",
                                        LEAST,
                                        "whsec_" TOO_FEW,
                                        "whsec_" LEAST "=",
                                        "whsec_" LEAST " ",
                                        "whsec_" LEAST LEAST LEAST};
    struct webhook_secret read = {.len = 7};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        EXPECT(webhook_secret_of(slice_of_text(wrong[i]), &read) != NULL);
    EXPECT_EQ(read.len, 7);
    char text[WEBHOOK_SECRET_TEXT_LEN_MAX + 1];
    for (uint32_t len = WEBHOOK_SECRET_LEN_MIN; len <= WEBHOOK_SECRET_LEN_MAX; len++) {
        struct webhook_secret given = {.len = len};
        memset(given.bytes, (int)len, len);
        struct slice told = slice_of(text, webhook_secret_text(&given, text));
        EXPECT(webhook_secret_of(told, &read) == NULL);
        EXPECT(read.len == len && memcmp(read.bytes, given.bytes, len) == 0);
    }
}

TEST(webhook, each_event_has_its_word)
{
    EXPECT_STR(webhook_event_word(1u << JOB_EXPIRED), "expired");
    EXPECT_STR(webhook_event_word(WEBHOOK_BATCH_FINISHED), "batch.finished");
    EXPECT_STR(webhook_event_word(WEBHOOK_PROGRESS), "progress");
    EXPECT(webhook_event_word(1u << JOB_QUEUED) == NULL);
    const struct slice items[] = {slice_of_text("batch.finished"), slice_of_text("dead"),
                                  slice_of_text("progress")};
    uint32_t events = 0;
    const char *near = "";
    EXPECT(webhook_events_of(&(struct webhook_words){WEBHOOK_OF_ENDPOINT, items, 3}, &events,
                             &near) == NULL);
    EXPECT_EQ(events, WEBHOOK_BATCH_FINISHED | 1u << JOB_DEAD | WEBHOOK_PROGRESS);
    EXPECT(webhook_events_of(&(struct webhook_words){WEBHOOK_OF_JOB, &items[1], 2}, &events,
                             &near) == NULL);
    EXPECT_EQ(events, 1u << JOB_DEAD | WEBHOOK_PROGRESS);
}

TEST(webhook, the_arena_may_be_too_small)
{
    arena = (struct arena){.data = memory, .cap = 1024};
    struct doc_room room = {keys, KEYS, &arena};
    EXPECT_EQ(
        webhook_read((struct doc_value){DOC_JSON, slice_of_text("{\"url\":\"https://a.test/\"}")},
                     &room, &(struct webhook_place){.packed = &packed, .secret = &secret}, &fault),
        ERR_TOO_LARGE);
}
