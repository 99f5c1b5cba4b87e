// What is told of jobs in the spool.

#include "gateway/core/spool_answer.h"

#include "tests/support/test.h"

static const struct id id = {{0x01, 0x89, 0x0a, 0x5d, 0xac, 0x96, 0x77, 0x4b, 0xbc, 0xce, 0xb3,
                              0x02, 0x09, 0x9a, 0x80, 0x57}};

#define ID_TEXT "01890a5d-ac96-774b-bcce-b302099a8057"
#define URLS                                                                                       \
    "\"status_url\":\"/v1/jobs/" ID_TEXT "\",\"events_url\":\"/v1/jobs/" ID_TEXT                   \
    "/events\",\"cancel_url\":\"/v1/jobs/" ID_TEXT ":cancel\",\"durability\":\"spooled\","         \
    "\"created_at\":\"2026-12-01T08:00:00.000Z\""

enum { SPOOLED_AT_S = 1796112000 };

static void expect(const struct spool_told *told, const char *text)
{
    uint8_t room[2048];
    struct out out = {.data = room, .cap = sizeof room - 1};
    spool_answer_job(&out, told);
    EXPECT(!out.full);
    room[out.len] = '\0';
    EXPECT_STR((const char *)room, text);
}

TEST(spool_answer, a_job_that_waits)
{
    expect(&(struct spool_told){.id = id,
                                .type = slice_of_text("a.b"),
                                .spooled_at = (when_ms)SPOOLED_AT_S * 1000},
           "{\"job_id\":\"" ID_TEXT "\",\"status\":\"spooled\",\"type\":\"a.b\","
           "\"queue\":\"default\"," URLS "}");
}

TEST(spool_answer, a_job_that_was_refused_says_why)
{
    expect(&(struct spool_told){.id = id,
                                .type = slice_of_text("a.b"),
                                .queue = slice_of_text("mail"),
                                .spooled_at = (when_ms)SPOOLED_AT_S * 1000,
                                .error = ERR_UNIQUE,
                                .refused_at = (when_ms)SPOOLED_AT_S * 1000 + 1,
                                .detail = slice_of_text("held")},
           "{\"job_id\":\"" ID_TEXT "\",\"status\":\"refused\",\"type\":\"a.b\","
           "\"queue\":\"mail\"," URLS ",\"refused_at\":\"2026-12-01T08:00:00.001Z\","
           "\"problem\":{\"type\":\"urn:weft:problem:unique\",\"code\":\"WEFT-1030\","
           "\"title\":\"another job holds the unique key\",\"status\":409,\"detail\":\"held\","
           "\"fix\":\"wait for its end or follow that job instead\"}}");
}

// No violations are kept, so none are spoken of.
TEST(spool_answer, a_payload_that_breaks_its_schema_is_to_be_corrected)
{
    expect(&(struct spool_told){.id = id,
                                .spooled_at = (when_ms)SPOOLED_AT_S * 1000,
                                .error = ERR_SCHEMA,
                                .refused_at = (when_ms)SPOOLED_AT_S * 1000 + 1,
                                .detail = slice_of_text("payload/to: expected a string")},
           "{\"job_id\":\"" ID_TEXT "\",\"status\":\"refused\"," URLS
           ",\"refused_at\":\"2026-12-01T08:00:00.001Z\","
           "\"problem\":{\"type\":\"urn:weft:problem:schema\",\"code\":\"WEFT-1034\","
           "\"title\":\"the payload breaks the schema of its type\",\"status\":422,"
           "\"detail\":\"payload/to: expected a string\","
           "\"fix\":\"correct the payload and submit it anew\"}}");
}

TEST(spool_answer, a_job_that_cannot_be_read_is_told_without_its_type)
{
    expect(&(struct spool_told){.id = id,
                                .spooled_at = (when_ms)SPOOLED_AT_S * 1000,
                                .error = ERR_DAMAGED,
                                .refused_at = (when_ms)SPOOLED_AT_S * 1000 + 1},
           "{\"job_id\":\"" ID_TEXT "\",\"status\":\"refused\"," URLS
           ",\"refused_at\":\"2026-12-01T08:00:00.001Z\","
           "\"problem\":{\"type\":\"urn:weft:problem:damaged\",\"code\":\"WEFT-1017\","
           "\"title\":\"a stored record fails its checksum\",\"status\":500,"
           "\"fix\":\"tell whoever runs the broker; its log says more\"}}");
}

TEST(spool_answer, the_books_are_whole)
{
    uint8_t room[512];
    struct out out = {.data = room, .cap = sizeof room - 1};
    spool_answer_books(&out,
                       &(struct spool_account){.accepted = 1,
                                               .forwarded = 2,
                                               .refused = 3,
                                               .damaged = 4,
                                               .deleted = 5,
                                               .waiting = 6,
                                               .kept = 7,
                                               .bytes = 8},
                       9);
    room[out.len] = '\0';
    EXPECT_STR((const char *)room,
               "{\"accepted\":1,\"forwarded\":2,\"waiting\":6,\"refused\":3,\"damaged\":4,"
               "\"kept\":7,\"deleted\":5,\"bytes\":8,\"bytes_max\":9}");
}
