// The settings of a queue, and what is told of one.

#include "gateway/core/queue.h"

#include "tests/support/test.h"

enum { KEYS = 64 };

static struct names_key keys[KEYS];
static _Alignas(16) uint8_t memory[4096];
static struct submit_fault fault;
static struct msg_queue_settings settings;

static err parse(const char *text)
{
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    fault.detail[0] = '\0';
    return queue_read((struct doc_value){DOC_JSON, slice_of_text(text)}, &room, &settings, &fault);
}

TEST(queue, every_setting_has_its_place)
{
    EXPECT_EQ(parse("{\"weight\":3,\"open_max\":100,\"timeout\":\"2s\",\"keep\":\"1h\","
                    "\"retry\":{\"max_attempts\":4,\"max_crashes\":5,\"first\":\"6ms\","
                    "\"longest\":\"7ms\",\"factor\":1.5,\"within\":\"9s\"}}"),
              OK);
    EXPECT_EQ(settings.weight, 3);
    EXPECT_EQ(settings.open_max, 100);
    EXPECT_EQ(settings.defaults.timeout_ms, 2000);
    EXPECT_EQ(settings.defaults.keep_s, 3600);
    EXPECT_EQ(settings.defaults.max_attempts, 4);
    EXPECT_EQ(settings.defaults.max_crashes, 5);
    EXPECT_EQ(settings.defaults.retry_first_ms, 6);
    EXPECT_EQ(settings.defaults.retry_longest_ms, 7);
    EXPECT_EQ(settings.defaults.retry_factor_milli, 1500);
    EXPECT_EQ(settings.defaults.retry_within_s, 9);
    EXPECT_EQ(parse("{\"running_max\":10,\"key_running_max\":11,\"rate\":{\"count\":12,"
                    "\"per\":\"13ms\"},\"key_rate\":{\"per\":\"1m\",\"count\":14}}"),
              OK);
    EXPECT_EQ(settings.running_max, 10);
    EXPECT_EQ(settings.key_running_max, 11);
    EXPECT_EQ(settings.rate.count, 12);
    EXPECT_EQ(settings.rate.per_ms, 13);
    EXPECT_EQ(settings.key_rate.count, 14);
    EXPECT_EQ(settings.key_rate.per_ms, 60000);
    EXPECT_EQ(parse("{}"), OK);
    EXPECT_EQ(settings.weight, 0);
    EXPECT_EQ(settings.defaults.timeout_ms, 0);
}

static void refused(const char *text, const char *detail)
{
    EXPECT_EQ(parse(text), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, detail);
}

TEST(queue, what_is_wrong_has_a_name)
{
    refused("{\"weight\":0}", "weight must be a whole number from 1 to 1,000");
    refused("{\"weight\":1001}", "weight must be a whole number from 1 to 1,000");
    refused("{\"open_max\":-1}", "open_max must be a whole number from 1 to 4,294,967,295");
    static const char *const rates[] = {
        "7",
        "{}",
        "{\"count\":1}",
        "{\"count\":0,\"per\":\"1s\"}",
        "{\"count\":1000001,\"per\":\"1s\"}",
        "{\"count\":1,\"per\":\"25h\"}",
        "{\"count\":1,\"per\":\"0s\"}",
        "{\"count\":1,\"pre\":\"1s\"}",
    };
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        char text[64];
        (void)snprintf(text, sizeof text, "{\"key_rate\":%s}", rates[i]);
        refused(text, "key_rate must be like {\"count\": 100, \"per\": \"1m\"}: 1 to 1,000,000 in "
                      "1 ms to 24 h");
    }
    refused("{\"wieght\":1}", "wieght is no setting of a queue; did you mean weight?");
    refused("{\"retry\":{\"first\":1}}",
            "retry.first must be a duration like \"250ms\", \"30s\", \"5m\", \"24h\" or \"7d\"");
    EXPECT_EQ(parse("[]"), ERR_BAD_FIELD);
    EXPECT_EQ(parse("{"), ERR_MALFORMED);
}

static struct msg_queue_set change;

static err parse_change(const char *text)
{
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    fault.detail[0] = '\0';
    change = (struct msg_queue_set){.queue = slice_of_text("mail")};
    return queue_read_change((struct doc_value){DOC_JSON, slice_of_text(text)}, &room, &change,
                             &fault);
}

TEST(queue, a_change_names_what_it_means)
{
    static const struct {
        const char *text;
        uint32_t named;
    } cases[] = {
        {"{\"weight\":3}", 1u << QUEUE_WEIGHT},
        {"{\"open_max\":null}", 1u << QUEUE_OPEN_MAX},
        {"{\"running_max\":1,\"key_running_max\":null}",
         1u << QUEUE_RUNNING_MAX | 1u << QUEUE_KEY_RUNNING_MAX},
        {"{\"rate\":{\"count\":1,\"per\":\"1s\"},\"key_rate\":null}", QUEUE_RATE | QUEUE_KEY_RATE},
        {"{\"timeout\":\"2s\",\"keep\":null}", 1u << QUEUE_TIMEOUT | 1u << QUEUE_KEEP},
        {"{\"retry\":{\"first\":\"2s\",\"within\":null}}",
         1u << QUEUE_RETRY_FIRST | 1u << QUEUE_RETRY_WITHIN},
        {"{\"retry\":{\"max_attempts\":2,\"max_crashes\":3,\"longest\":\"1m\",\"factor\":2}}",
         1u << QUEUE_MAX_ATTEMPTS | 1u << QUEUE_MAX_CRASHES | 1u << QUEUE_RETRY_LONGEST |
             1u << QUEUE_RETRY_FACTOR},
        {"{\"weight\":null,\"open_max\":null,\"running_max\":null,\"key_running_max\":null,"
         "\"rate\":null,\"key_rate\":null,\"timeout\":null,\"retry\":null,\"keep\":null}",
         QUEUE_SETTINGS_ALL},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT_EQ(parse_change(cases[i].text), OK);
        EXPECT_EQ(change.named, cases[i].named);
        EXPECT(slice_is_text(change.queue, "mail"));
    }
    EXPECT_EQ(change.settings.weight, 0);
    EXPECT_EQ(parse_change("{\"retry\":{\"first\":\"2s\",\"factor\":1.5}}"), OK);
    EXPECT_EQ(change.settings.defaults.retry_first_ms, 2000);
    EXPECT_EQ(change.settings.defaults.retry_factor_milli, 1500);
}

static void no_change(const char *text, const char *detail)
{
    EXPECT_EQ(parse_change(text), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, detail);
    EXPECT_EQ(change.named, 0);
    EXPECT_EQ(change.settings.weight, 0);
}

// To the broker no name means all names.
TEST(queue, a_change_of_nothing_is_none)
{
    static const char nothing[] =
        "name what is to be set, like {\"weight\": 3}; null takes it away";
    no_change("{}", nothing);
    no_change("{\"retry\":{}}", nothing);
    no_change("{\"weight\":3,\"weigth\":null}",
              "weigth is no setting of a queue; did you mean weight?");
    no_change("{\"weight\":3,\"retry\":7}", "retry must be an object, or null");
    no_change("{\"retry\":{\"frist\":null}}",
              "retry.frist is no field of a job; did you mean first?");
    no_change(
        "{\"rate\":{\"count\":1}}",
        "rate must be like {\"count\": 100, \"per\": \"1m\"}: 1 to 1,000,000 in 1 ms to 24 h");
    EXPECT_EQ(parse_change("{\"weight\":3"), ERR_MALFORMED);
}

static struct msg_type_set type_change;

static err parse_type_change(const char *text)
{
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    fault.detail[0] = '\0';
    type_change = (struct msg_type_set){.type = slice_of_text("send")};
    return queue_read_type_change((struct doc_value){DOC_JSON, slice_of_text(text)}, &room,
                                  &type_change, &fault);
}

TEST(queue, a_change_of_a_type_names_what_it_means)
{
    static const struct {
        const char *text;
        uint32_t named;
    } cases[] = {
        {"{\"timeout\":\"2s\"}", 1u << QUEUE_TIMEOUT},
        {"{\"keep\":null,\"schema\":null}", 1u << QUEUE_KEEP | 1u << TYPE_SCHEMA},
        {"{\"retry\":{\"first\":\"2s\",\"within\":null}}",
         1u << QUEUE_RETRY_FIRST | 1u << QUEUE_RETRY_WITHIN},
        {"{\"timeout\":null,\"retry\":null,\"keep\":null,\"schema\":null}", TYPE_SETTINGS_ALL},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        EXPECT_EQ(parse_type_change(cases[i].text), OK);
        EXPECT_EQ(type_change.named, cases[i].named);
        EXPECT(slice_is_text(type_change.type, "send") && type_change.schema.bytes.len == 0);
    }
    EXPECT_EQ(parse_type_change("{\"schema\":{\"minimum\":null},\"keep\":\"1h\"}"), OK);
    EXPECT(slice_is_text(type_change.schema.bytes, "{\"minimum\":null}"));
    EXPECT_EQ(type_change.schema.content, CONTENT_JSON);
    EXPECT_EQ(type_change.defaults.keep_s, 3600);
}

// To the broker no name means all names.
TEST(queue, a_change_of_nothing_of_a_type_is_none)
{
    static const char *const wrong[][2] = {
        {"{}", "name what is to be set, like {\"timeout\": \"5s\"}; null takes it away"},
        {"{\"retry\":{}}",
         "name what is to be set, like {\"timeout\": \"5s\"}; null takes it away"},
        {"{\"keep\":\"1h\",\"wieght\":null}",
         "wieght is no setting of a type; known: timeout, retry, keep, schema"},
        {"{\"keep\":\"1h\",\"retry\":7}", "retry must be an object, or null"},
    };
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        EXPECT_EQ(parse_type_change(wrong[i][0]), ERR_BAD_FIELD);
        EXPECT_STR(fault.detail, wrong[i][1]);
        EXPECT(type_change.named == 0 && type_change.defaults.keep_s == 0);
    }
}

TEST(queue, defaults_of_a_type_are_read_and_told)
{
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    struct msg_type type = {.type = slice_of_text("send")};
    struct doc_value body = {DOC_JSON,
                             slice_of_text("{\"timeout\":\"2s\",\"retry\":{\"max_attempts\":4},"
                                           "\"keep\":\"1h\",\"schema\":{\"a\":1}}")};
    struct msg_type_set set = {0};
    EXPECT_EQ(queue_read_type(body, &room, &set, &fault), OK);
    type.defaults = set.defaults;
    type.schema = set.schema;
    EXPECT_EQ(type.schema.content, CONTENT_JSON);
    static uint8_t bytes[512];
    char text[sizeof bytes];
    struct out out = {.data = bytes, .cap = sizeof bytes, .format = OUT_JSON};
    queue_answer_types(&out,
                       &(struct msg_type_status_is){.types = &type, .count = 1, .is_more = true});
    EXPECT(slice_to_text(out_slice(&out), text, sizeof text));
    EXPECT_STR(text, "{\"types\":[{\"type\":\"send\",\"timeout\":\"2s\","
                     "\"retry\":{\"max_attempts\":4},\"keep\":\"1h\",\"schema\":{\"a\":1},"
                     "\"type_url\":\"/v1/types/send\"}],\"cursor\":\"send\"}");
    body.raw = slice_of_text("{\"weight\":3}");
    EXPECT_EQ(queue_read_type(body, &room, &set, &fault), ERR_BAD_FIELD);
    EXPECT_STR(fault.detail, "weight is no setting of a type; known: timeout, retry, keep, schema");
}

TEST(queue, is_told_with_its_jobs)
{
    static uint8_t room[2048];
    char text[sizeof room];
    const struct msg_queue queue = {.queue = slice_of_text("mail"),
                                    .settings = {.open_max = 9,
                                                 .running_max = 8,
                                                 .rate = {.count = 7, .per_ms = 6000},
                                                 .defaults = {.keep_s = 60}},
                                    .counts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    queue_answer_list(&out,
                      &(struct msg_queue_status_is){.queues = &queue, .count = 1, .is_more = true});
    EXPECT(slice_to_text(out_slice(&out), text, sizeof text));
    EXPECT_STR(text, "{\"queues\":[{\"queue\":\"mail\",\"weight\":1,\"open_max\":9,"
                     "\"running_max\":8,\"rate\":{\"count\":7,\"per\":\"6s\"},"
                     "\"keep\":\"1m\",\"open\":10,\"counts\":{\"scheduled\":1,\"queued\":2,"
                     "\"running\":3,\"retrying\":4,\"succeeded\":5,\"dead\":6,\"cancelled\":7,"
                     "\"expired\":8,\"removed\":9},\"queue_url\":\"/v1/queues/mail\"}],"
                     "\"cursor\":\"mail\"}");
}
