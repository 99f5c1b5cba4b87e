// Batches: members by state, one row per change, gone with the last member.

#include "broker/core/batches.h"

#include "lib/base/prng.h"
#include "tests/support/test.h"

#include <stdlib.h>

enum { CAP = 8 };

static struct id id_of(uint32_t number)
{
    return id_v7(1000, 0, number);
}

static void *make(struct batches *batches, uint32_t cap)
{
    void *memory = calloc(1, batches_size(cap));
    EXPECT(memory != NULL);
    batches_init(batches, memory, cap, test_seed());
    return memory;
}

static uint32_t add(struct batches *batches, uint32_t number)
{
    struct id id = id_of(number);
    return batches_add(batches, &id, (struct slice){0}, 0, 500 + number);
}

static uint32_t add_sealed(struct batches *batches, uint32_t number)
{
    uint32_t no = add(batches, number);
    (void)batches_seal(batches, no, 550);
    return no;
}

static void count(struct batches *batches, uint32_t no, enum job_state from, enum job_state to)
{
    (void)batches_count(batches, no, from, to, 600);
}

TEST(batches, members_are_counted_by_state)
{
    struct batches batches;
    void *memory = make(&batches, CAP);
    uint32_t no = add(&batches, 1);
    count(&batches, no, JOB_NONE, JOB_QUEUED);
    count(&batches, no, JOB_NONE, JOB_QUEUED);
    count(&batches, no, JOB_QUEUED, JOB_RUNNING);
    struct batch_row row;
    bool is_over;
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over);
    EXPECT_EQ(row.no, no);
    EXPECT_EQ(row.version, 1); // one change, however many moves
    EXPECT_EQ(row.created_at, 501);
    EXPECT_EQ(row.counts[JOB_QUEUED], 1);
    EXPECT_EQ(row.counts[JOB_RUNNING], 1);
    EXPECT(!batches_collect(&batches, &row, &is_over));
    count(&batches, no, JOB_RUNNING, JOB_SUCCEEDED);
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT_EQ(row.version, 2);
    free(memory);
}

TEST(batches, a_batch_goes_with_its_last_member)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    struct id id = id_of(1);
    uint32_t no = add(&batches, 1);
    EXPECT(!batches_has_room(&batches));
    EXPECT(batches_seal(&batches, no, 550)); // nobody has joined yet
    count(&batches, no, JOB_NONE, JOB_DEAD);
    count(&batches, no, JOB_NONE, JOB_SUCCEEDED);
    count(&batches, no, JOB_DEAD, JOB_REMOVED);
    struct batch_row row;
    bool is_over;
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over);
    count(&batches, no, JOB_SUCCEEDED, JOB_REMOVED);
    EXPECT(batches_find(&batches, (struct slice){0}, &id) ==
           no); // until the batch of commands ends
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(is_over);
    EXPECT_EQ(row.counts[JOB_REMOVED], 2);
    EXPECT_EQ(batches_find(&batches, (struct slice){0}, &id), BATCHES_NONE);
    EXPECT(batches_has_room(&batches));
    EXPECT_EQ(add(&batches, 2), no);
    free(memory);
}

TEST(batches, a_member_that_joins_in_time_keeps_its_batch)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    uint32_t no = add_sealed(&batches, 1);
    count(&batches, no, JOB_NONE, JOB_SUCCEEDED);
    count(&batches, no, JOB_SUCCEEDED, JOB_REMOVED);
    count(&batches, no, JOB_NONE, JOB_QUEUED);
    struct batch_row row;
    bool is_over;
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over);
    free(memory);
}

struct model {
    uint32_t no[32];
    uint32_t alive[32]; // members that are queued; 0: unknown
};

static void collect(struct batches *batches, struct model *model)
{
    struct batch_row row;
    bool is_over;
    while (batches_collect(batches, &row, &is_over)) {
        uint32_t number = row.id.bytes[15];
        EXPECT_EQ(row.no, model->no[number]);
        EXPECT_EQ(row.counts[JOB_QUEUED], model->alive[number]);
        EXPECT_EQ(is_over, model->alive[number] == 0);
    }
}

TEST(batches, agree_with_plain_counters)
{
    struct prng prng = prng_of(test_seed());
    struct batches batches;
    void *memory = make(&batches, CAP);
    struct model model = {0};
    for (unsigned round = 0; round < 20000; round++) {
        uint32_t number = (uint32_t)prng_below(&prng, 32);
        struct id id = id_of(number);
        uint32_t no = batches_find(&batches, (struct slice){0}, &id);
        EXPECT_EQ(no != BATCHES_NONE, model.alive[number] > 0);
        if (no == BATCHES_NONE && !batches_has_room(&batches))
            continue;
        if (no != BATCHES_NONE && prng_chance(&prng, 70)) {
            count(&batches, no, JOB_QUEUED, JOB_REMOVED);
            model.alive[number]--;
        } else {
            model.no[number] = no == BATCHES_NONE ? add_sealed(&batches, number) : no;
            count(&batches, model.no[number], JOB_NONE, JOB_QUEUED);
            model.alive[number]++;
        }
        collect(&batches, &model);
    }
    free(memory);
}

TEST(batches, an_id_is_of_a_batch_for_each_tenant)
{
    struct batches batches;
    void *memory = make(&batches, 4);
    struct slice acme = slice_of_text("acme");
    struct slice other = slice_of_text("other");
    struct id id = id_of(5);
    uint32_t mine = batches_add(&batches, &id, acme, 0, 1);
    EXPECT_EQ(batches_find(&batches, other, &id), BATCHES_NONE);
    uint32_t nobodys = batches_add(&batches, &id, (struct slice){0}, 0, 1);
    EXPECT_EQ(batches_find(&batches, acme, &id), mine);
    EXPECT_EQ(batches_find(&batches, slice_of_text("default"), &id), nobodys);
    struct batch_row row = {.id = id, .no = 3, .tenant = other};
    EXPECT_EQ(batches_load(&batches, &row), OK);
    EXPECT_EQ(batches_find(&batches, other, &id), 3);
    EXPECT(mine != nobodys && mine != 3 && nobodys != 3);
    free(memory);
}

TEST(batches, loading_puts_rows_under_their_numbers)
{
    struct batches batches;
    void *memory = make(&batches, 4);
    struct batch_row row = {
        .id = id_of(5), .no = 2, .version = 9, .created_at = 77, .finished_at = 88};
    row.counts[JOB_DEAD] = 3;
    EXPECT_EQ(batches_load(&batches, &row), OK);
    EXPECT_EQ(batches_find(&batches, (struct slice){0}, &row.id), 2);
    EXPECT_EQ(batches_load(&batches, &row), ERR_DAMAGED); // the number again
    row.no = 3;
    EXPECT_EQ(batches_load(&batches, &row), ERR_DAMAGED); // the id again
    row.tenant = slice_of_text("default");
    EXPECT_EQ(batches_load(&batches, &row), ERR_DAMAGED); // by its full name
    row.tenant = (struct slice){0};
    row.id = id_of(6);
    row.no = 4;
    EXPECT_EQ(batches_load(&batches, &row), ERR_FULL);
    EXPECT_EQ(batches.count, 1);
    EXPECT(batches_is_known(&batches, 2));
    EXPECT(!batches_is_known(&batches, 1) && !batches_is_known(&batches, 3));
    EXPECT(add(&batches, 1) != add(&batches, 2)); // the gaps 0 and 1
    EXPECT_EQ(batches.used, 3);
    count(&batches, 2, JOB_DEAD, JOB_REMOVED);
    struct batch_row out;
    bool is_over;
    EXPECT(batches_collect(&batches, &out, &is_over));
    EXPECT_EQ(out.version, 10);
    EXPECT_EQ(out.counts[JOB_DEAD], 2);
    EXPECT_EQ(out.created_at, 77);
    EXPECT_EQ(out.finished_at, 88);
    EXPECT_EQ(out.failed_removed, 1);
    free(memory);
}

// --- open and sealed ---

static void join(struct batches *batches, uint32_t no, uint64_t job_no, when_ms at)
{
    batches_join(batches, no, &(struct batch_member){.job_no = job_no, .joined_at = at});
    (void)batches_count(batches, no, JOB_NONE, JOB_QUEUED, at);
}

TEST(batches, finish_once_when_they_are_sealed_and_nobody_is_unfinished)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    uint32_t no = add(&batches, 1);
    const struct batch_row *row = &batches_at(&batches, no)->row;
    join(&batches, no, 3, 501);
    EXPECT(!batches_count(&batches, no, JOB_QUEUED, JOB_SUCCEEDED, 510)); // open
    EXPECT_EQ(row->finished_at, 0);
    join(&batches, no, 7, 520);
    EXPECT(!batches_seal(&batches, no, 530));
    EXPECT(batches_count(&batches, no, JOB_QUEUED, JOB_DEAD, 540));
    EXPECT_EQ(row->finished_at, 540);
    EXPECT(!batches_count(&batches, no, JOB_DEAD, JOB_QUEUED, 550)); // it lives again
    EXPECT(batches_count(&batches, no, JOB_QUEUED, JOB_SUCCEEDED, 560));
    EXPECT_EQ(row->finished_at, 540);
    EXPECT_EQ(row->first_no, 3);
    EXPECT_EQ(row->last_no, 7);
    EXPECT_DIES((void)batches_seal(&batches, no, 570));
    free(memory);
}

TEST(batches, a_new_member_opens_a_sealed_one)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    uint32_t no = add(&batches, 1);
    join(&batches, no, 1, 501);
    (void)batches_count(&batches, no, JOB_QUEUED, JOB_SUCCEEDED, 510);
    EXPECT(batches_seal(&batches, no, 520));
    EXPECT_EQ(batches_first_open(&batches), BATCHES_NONE);
    join(&batches, no, 2, 530);
    const struct batch_row *row = &batches_at(&batches, no)->row;
    EXPECT_EQ(row->sealed_at, 0);
    EXPECT_EQ(row->finished_at, 520);
    EXPECT(!batches_count(&batches, no, JOB_QUEUED, JOB_EXPIRED, 540));
    EXPECT_EQ(batches_first_open(&batches), no);
    EXPECT(batches_seal(&batches, no, 550));
    EXPECT_EQ(row->finished_at, 520);
    free(memory);
}

TEST(batches, the_open_one_that_nobody_has_joined_for_longest_is_first)
{
    struct batches batches;
    void *memory = make(&batches, 3);
    uint32_t a = add(&batches, 1);
    uint32_t b = add(&batches, 2);
    uint32_t c = add(&batches, 3);
    join(&batches, a, 1, 510);
    join(&batches, c, 2, 520);
    EXPECT_EQ(batches_first_open(&batches), b);
    (void)batches_seal(&batches, b, 530);
    EXPECT_EQ(batches_first_open(&batches), a);
    EXPECT_EQ(batches_at(&batches, a)->joined_at, 510);
    batches_loaded(&batches, 900);
    EXPECT_EQ(batches_at(&batches, a)->joined_at, 900);
    EXPECT_EQ(batches_at(&batches, c)->joined_at, 900);
    (void)batches_seal(&batches, c, 910); // the last of the list
    (void)batches_seal(&batches, a, 910);
    EXPECT_EQ(batches_first_open(&batches), BATCHES_NONE);
    EXPECT_EQ(batches.open_count, 0);
    free(memory);
}

TEST(batches, an_open_one_stays_without_members)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    uint32_t no = add(&batches, 1);
    join(&batches, no, 1, 501);
    count(&batches, no, JOB_QUEUED, JOB_SUCCEEDED);
    count(&batches, no, JOB_SUCCEEDED, JOB_REMOVED);
    struct batch_row row;
    bool is_over;
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over);
    EXPECT_EQ(row.failed_removed, 0);
    EXPECT(batches_seal(&batches, no, 700));
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(is_over);
    EXPECT_EQ(row.finished_at, 700);
    free(memory);
}

static uint32_t add_printed(struct batches *batches, uint32_t number, uint64_t job_no,
                            when_ms until)
{
    struct id id = id_of(number);
    uint32_t no = batches_add(batches, &id, (struct slice){0}, 77, 500);
    batches_join(batches, no,
                 &(struct batch_member){.job_no = job_no, .joined_at = 500, .dedup_until = until});
    count(batches, no, JOB_NONE, JOB_SUCCEEDED);
    (void)batches_seal(batches, no, 500);
    return no;
}

TEST(batches, one_with_a_fingerprint_keeps_its_id_until_that_is_free)
{
    struct batches batches;
    void *memory = make(&batches, 2);
    struct batch_row row;
    bool is_over;
    uint32_t a = add_printed(&batches, 1, 1, 900);
    uint32_t b = add_printed(&batches, 2, 2, 800);
    EXPECT_EQ(batches_first_free(&batches), BATCHES_NONE);
    count(&batches, a, JOB_SUCCEEDED, JOB_REMOVED);
    count(&batches, b, JOB_SUCCEEDED, JOB_REMOVED);
    while (batches_collect(&batches, &row, &is_over))
        EXPECT(!is_over);
    EXPECT_EQ(batches_first_free(&batches), b);
    EXPECT_EQ(row.fingerprint, 77);
    EXPECT_EQ(row.dedup_until, 900);
    batches_free(&batches, b);
    EXPECT_EQ(batches_first_free(&batches), a);
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(is_over && row.no == b);
    // The other one is joined again, and its time is longer.
    batches_join(&batches, a,
                 &(struct batch_member){.job_no = 3, .joined_at = 850, .dedup_until = 1850});
    EXPECT_EQ(batches_first_free(&batches), BATCHES_NONE);
    count(&batches, a, JOB_NONE, JOB_SUCCEEDED);
    (void)batches_seal(&batches, a, 860);
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over && row.dedup_until == 1850);
    count(&batches, a, JOB_SUCCEEDED, JOB_REMOVED);
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over);
    // It was free already, and somebody comes.
    batches_free(&batches, a);
    batches_join(&batches, a, &(struct batch_member){.job_no = 4, .joined_at = 1850});
    count(&batches, a, JOB_NONE, JOB_QUEUED);
    EXPECT(batches_collect(&batches, &row, &is_over));
    EXPECT(!is_over && row.dedup_until == 1850);
    EXPECT_EQ(batches_first_free(&batches), BATCHES_NONE);
    EXPECT_DIES(batches_free(&batches, a));
    free(memory);
}

TEST(batches, one_that_rests_is_loaded_as_such)
{
    struct batches batches;
    void *memory = make(&batches, 2);
    struct batch_row row = {
        .id = id_of(5), .no = 1, .fingerprint = 77, .dedup_until = 900, .sealed_at = 600};
    row.counts[JOB_REMOVED] = 2;
    EXPECT_EQ(batches_load(&batches, &row), OK);
    EXPECT_EQ(batches_first_free(&batches), 1);
    free(memory);
}

TEST(batches, differ_when_both_say_what_they_are_made_of)
{
    EXPECT(batches_differ(1, 2));
    EXPECT(!batches_differ(1, 1) && !batches_differ(0, 1) && !batches_differ(1, 0));
}

TEST(batches, of_an_older_store_begin_with_any_number)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    struct batch_row row = {.id = id_of(5), .version = 9, .created_at = 77};
    EXPECT_EQ(batches_load(&batches, &row), OK);
    EXPECT_EQ(batches_first_open(&batches), 0);
    join(&batches, 0, 70, 501);
    EXPECT_EQ(batches_at(&batches, 0)->row.first_no, 1);
    EXPECT_EQ(batches_at(&batches, 0)->row.last_no, 70);
    free(memory);
}

TEST(batches, misuse_stops_the_process)
{
    struct batches batches;
    void *memory = make(&batches, 1);
    uint32_t no = add(&batches, 1);
    EXPECT_DIES((void)add(&batches, 2));
    EXPECT_DIES(count(&batches, no + 1, JOB_NONE, JOB_QUEUED));
    EXPECT_DIES(count(&batches, no, JOB_QUEUED, JOB_RUNNING));
    free(memory);
}
