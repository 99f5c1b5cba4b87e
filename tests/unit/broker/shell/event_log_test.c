// The last events: where each stands, what can be continued from, who may see it.

#include "broker/shell/event_log.h"
#include "tests/support/test.h"

enum { LINEAGE = 77, EPOCH = 3 };

static struct event_log *log_of(uint32_t count_max, uint32_t lane_count_max)
{
    struct event_log *log =
        event_log_new(&(struct event_log_options){.lineage = LINEAGE,
                                                  .epoch = EPOCH,
                                                  .count_max = count_max,
                                                  .lane_count_max = lane_count_max});
    EXPECT(log != NULL);
    return log;
}

static void name(struct event_log *log, uint16_t lane, const char *tenant, const char *queue)
{
    event_log_name_lane(log, &(struct lane_row){.no = lane,
                                                .tenant = slice_of_text(tenant),
                                                .queue = slice_of_text(queue),
                                                .type = slice_of_text("send")});
}

static void add(struct event_log *log, uint64_t position, uint16_t lane, uint8_t job)
{
    struct job_row row = {.no = job, .version = job, .state = JOB_QUEUED, .lane = lane};
    row.id.bytes[15] = job;
    event_log_add(log, position, &row, 1000 + job);
}

static err find(const struct event_log *log, uint64_t position, uint32_t index, uint64_t *out)
{
    struct msg_place place = {LINEAGE, EPOCH, position, index};
    return event_log_find(log, &place, out);
}

TEST(event_log, each_event_has_its_batch_and_its_place_in_it)
{
    struct event_log *log = log_of(8, 2);
    name(log, 0, "", "mail");
    add(log, 5, 0, 1);
    add(log, 5, 0, 2);
    add(log, 9, 0, 3);
    struct msg_job_event event = event_log_tell(log, 1);
    EXPECT_EQ(event.position, 5);
    EXPECT_EQ(event.index, 2);
    EXPECT_EQ(event.generation, 2);
    EXPECT_EQ(event.version, 2);
    EXPECT_EQ(event.at, 1002);
    EXPECT_EQ(event.state, JOB_QUEUED);
    EXPECT(slice_is_text(event.tenant, "default") && slice_is_text(event.queue, "mail") &&
           slice_is_text(event.type, "send"));
    EXPECT_EQ(event_log_tell(log, 2).index, 1);
    struct msg_place end = event_log_place(log, event_log_end(log));
    EXPECT_EQ(end.lineage, LINEAGE);
    EXPECT_EQ(end.epoch, EPOCH);
    EXPECT_EQ(end.position, 9);
    EXPECT_EQ(end.index, 1);
    event_log_free(log);
}

TEST(event_log, a_place_is_found_again_and_nothing_else_is)
{
    struct event_log *log = log_of(8, 2);
    uint64_t number = 99;
    name(log, 0, "", "mail");
    EXPECT_EQ(find(log, 0, 0, &number), OK); // before the first event
    EXPECT_EQ(number, 0);
    EXPECT_EQ(find(log, 0, 1, &number), ERR_GONE); // ahead of the stream
    add(log, 5, 0, 1);
    add(log, 5, 0, 2);
    add(log, 9, 0, 3);
    EXPECT_EQ(find(log, 0, 0, &number), OK);
    EXPECT_EQ(number, 0);
    EXPECT_EQ(find(log, 5, 1, &number), OK);
    EXPECT_EQ(number, 1);
    EXPECT_EQ(find(log, 7, 4, &number), OK); // no event has these numbers
    EXPECT_EQ(number, 2);
    EXPECT_EQ(find(log, 9, 1, &number), OK);
    EXPECT_EQ(number, 3);
    EXPECT_EQ(find(log, 9, 2, &number), ERR_GONE);
    EXPECT_EQ(find(log, 10, 0, &number), ERR_GONE);
    EXPECT_EQ(event_log_find(log, &(struct msg_place){LINEAGE, EPOCH - 1, 5, 1}, &number),
              ERR_GONE);
    EXPECT_EQ(event_log_find(log, &(struct msg_place){LINEAGE, EPOCH + 1, 5, 1}, &number),
              ERR_GONE);
    EXPECT_EQ(event_log_find(log, &(struct msg_place){LINEAGE + 1, EPOCH, 5, 1}, &number),
              ERR_GONE);
    event_log_free(log);
}

TEST(event_log, it_holds_so_many_and_what_was_dropped_is_a_gap)
{
    enum { COUNT = 4 };
    struct event_log *log = log_of(COUNT, 1);
    uint64_t number = 99;
    name(log, 0, "", "mail");
    for (uint8_t job = 1; job <= COUNT; job++)
        add(log, job, 0, job);
    EXPECT_EQ(find(log, 0, 0, &number), OK); // exactly full: nothing is lost yet
    add(log, COUNT + 1, 0, COUNT + 1);
    EXPECT_EQ(event_log_end(log) - event_log_first(log), COUNT);
    EXPECT_EQ(find(log, 0, 0, &number), ERR_GONE);
    EXPECT_EQ(find(log, 1, 0, &number), ERR_GONE);
    EXPECT_EQ(find(log, 1, 1, &number), OK); // behind the dropped one
    EXPECT_EQ(number, 1);
    struct msg_place oldest = event_log_place(log, event_log_first(log));
    EXPECT_EQ(event_log_find(log, &oldest, &number), OK);
    EXPECT_EQ(number, event_log_first(log));
    event_log_free(log);
}

TEST(event_log, a_batch_of_more_jobs_than_it_holds_has_no_index_twice)
{
    struct event_log *log = log_of(1, 1);
    name(log, 0, "", "mail");
    for (uint8_t job = 1; job <= 3; job++)
        add(log, 5, 0, job);
    EXPECT_EQ(event_log_tell(log, 2).index, 3);
    event_log_free(log);
}

TEST(event_log, others_do_not_see_what_a_tenant_has)
{
    struct event_log *log = log_of(8, 4);
    name(log, 0, "", "mail");
    name(log, 1, "acme", "mail");
    add(log, 1, 0, 1);
    add(log, 1, 1, 2);
    struct event_log_filter plain = {0};
    struct event_log_filter by_name = {.tenant = slice_of_text("default")};
    struct event_log_filter acme = {.tenant = slice_of_text("acme")};
    struct event_log_filter all = {.all_tenants = true};
    EXPECT(event_log_fits(log, 0, &plain) && !event_log_fits(log, 1, &plain));
    EXPECT(event_log_fits(log, 0, &by_name) && !event_log_fits(log, 1, &by_name));
    EXPECT(!event_log_fits(log, 0, &acme) && event_log_fits(log, 1, &acme));
    EXPECT(event_log_fits(log, 0, &all) && event_log_fits(log, 1, &all));
    event_log_free(log);
}

TEST(event_log, a_filter_asks_for_all_that_it_names)
{
    struct event_log *log = log_of(8, 4);
    name(log, 0, "", "mail");
    add(log, 1, 0, 7);
    struct event_log_filter filter = {
        .queue = slice_of_text("mail"), .type = slice_of_text("send"), .states = 1u << JOB_QUEUED};
    filter.job_id.bytes[15] = 7;
    EXPECT(event_log_fits(log, 0, &filter));
    filter.states = 1u << JOB_RUNNING;
    EXPECT(!event_log_fits(log, 0, &filter));
    filter.states = 0;
    filter.job_id.bytes[15] = 8;
    EXPECT(!event_log_fits(log, 0, &filter));
    filter.job_id.bytes[15] = 7;
    filter.type = slice_of_text("resize");
    EXPECT(!event_log_fits(log, 0, &filter));
    filter.type = slice_of_text("send");
    filter.queue = slice_of_text("mail2");
    EXPECT(!event_log_fits(log, 0, &filter));
    event_log_free(log);
}

// The number of a lane is used again: by another tenant, with jobs of the first one still told of.
TEST(event_log, an_event_keeps_the_names_that_its_lane_had)
{
    struct event_log *log = log_of(8, 1);
    struct event_log_filter acme = {.tenant = slice_of_text("acme")};
    struct event_log_filter evil = {.tenant = slice_of_text("evil")};
    name(log, 0, "acme", "mail");
    add(log, 1, 0, 1);
    event_log_drop_lane(log, 0);
    EXPECT(event_log_lane(log, 0) == NULL);
    name(log, 0, "evil", "mail");
    EXPECT(slice_is_text(event_log_lane(log, 0)->tenant, "evil"));
    add(log, 2, 0, 2);
    EXPECT(event_log_fits(log, 0, &acme) && !event_log_fits(log, 0, &evil));
    EXPECT(event_log_fits(log, 1, &evil) && !event_log_fits(log, 1, &acme));
    event_log_free(log);
}

TEST(event_log, a_job_of_no_lane_is_told_to_gateways_only)
{
    struct event_log *log = log_of(8, 1);
    add(log, 1, 0, 1);
    struct event_log_filter plain = {0};
    struct event_log_filter all = {.all_tenants = true};
    EXPECT(!event_log_fits(log, 0, &plain) && event_log_fits(log, 0, &all));
    event_log_free(log);
}

// Each event has a lane of its own that is gone: names of so many are kept, then events go.
TEST(event_log, names_of_lanes_that_are_gone_are_bounded)
{
    enum { COUNT = 4000 };
    struct event_log *log = log_of(COUNT, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        name(log, 0, "acme", "mail");
        add(log, i + 1, 0, 1);
    }
    uint64_t kept = event_log_end(log) - event_log_first(log);
    EXPECT_EQ(event_log_end(log), COUNT);
    EXPECT(kept >= 1024 && kept <= 1025);
    EXPECT(slice_is_text(event_log_tell(log, event_log_first(log)).tenant, "acme"));
    event_log_free(log);
}
