// The spool on its disk.

#include "gateway/store/spool.h"

#include "tests/support/full_disk.h"
#include "tests/support/spool_wish.h"
#include "tests/support/test.h"

static struct spool *open_spool(const char *dir, uint64_t bytes_max)
{
    struct spool *spool = NULL;
    const char *why = NULL;
    const struct spool_options options = {.dir = dir, .bytes_max = bytes_max};
    EXPECT_EQ(spool_open(&options, &spool, &why), OK);
    return spool;
}

static err carry_out(struct spool *spool, struct spool_wish *wish, enum spool_act act)
{
    wish->order.act = act;
    return spool_wish_carry_out(spool, wish);
}

static void add(struct spool_wish *wish, uint8_t name, uint64_t fingerprint)
{
    wish->items[wish->order.count++] = (struct spool_item){
        .record = {.id = {.bytes = {name, 1, 2, 3}},
                   .fingerprint = fingerprint,
                   .spooled_at = 1000 + name,
                   .tenant = slice_of_text("acme"),
                   .envelope = slice_of_text("envelope"),
                   .block = slice_of_text("block")},
    };
}

// What is there, in its order: the first byte of each id.
struct seen {
    struct spool_item items[SPOOL_WISH_ITEMS_MAX];
    uint32_t count;
};

static bool see(void *ctx, const struct spool_record *record)
{
    struct seen *seen = ctx;
    struct spool_item *item = &seen->items[seen->count++];
    item->record = *record;
    // What is borrowed ends with the visit; here it is the same for all.
    item->record.tenant = slice_of_text("acme");
    item->record.envelope = slice_of_text("envelope");
    item->record.block = slice_of_text("block");
    item->record.detail = (struct slice){0};
    return seen->count < SPOOL_WISH_ITEMS_MAX;
}

static struct seen walk(struct spool *spool, enum spool_place place)
{
    struct seen seen = {0};
    EXPECT_EQ(spool_walk(spool, place, 0, see, &seen), OK);
    return seen;
}

static void expect_sound(struct spool *spool)
{
    struct spool_account books;
    spool_books(spool, &books);
    EXPECT_EQ(spool_account_gap(&books), 0);
    EXPECT_EQ(books.waiting, spool_waiting(spool));
}

TEST(spool, jobs_are_there_after_a_restart_in_their_order)
{
    const char *dir = test_temp_dir();
    struct spool *spool = open_spool(dir, 1 << 20);
    struct spool_wish wish = {0};
    for (uint8_t i = 0; i < 10; i++)
        add(&wish, (uint8_t)(20 - i), i);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    spool_close(spool);
    spool = open_spool(dir, 1 << 20);
    EXPECT_EQ(spool_waiting(spool), 10);
    struct seen seen = walk(spool, SPOOL_WAITING);
    EXPECT_EQ(seen.count, 10);
    for (uint8_t i = 0; i < 10; i++) {
        EXPECT_EQ(seen.items[i].record.id.bytes[0], 20 - i);
        EXPECT_EQ(seen.items[i].record.fingerprint, i);
    }
    expect_sound(spool);
    spool_close(spool);
}

TEST(spool, the_same_job_is_there_once)
{
    struct spool *spool = open_spool(test_temp_dir(), 1 << 20);
    struct spool_wish first = {0};
    struct spool_wish again = {0};
    add(&first, 7, 70);
    add(&first, 7, 70); // within one order, too
    EXPECT_EQ(carry_out(spool, &first, SPOOL_TAKE), OK);
    EXPECT(!first.items[0].is_known);
    EXPECT(first.items[1].is_known);
    add(&again, 7, 70);
    add(&again, 7, 71);
    add(&again, 7, 70);
    again.items[0].record.spooled_at = 99999;
    again.items[2].record.tenant = slice_of_text("other");
    EXPECT_EQ(carry_out(spool, &again, SPOOL_TAKE), OK);
    EXPECT_EQ(again.items[0].error, OK);
    EXPECT(again.items[0].is_known);
    EXPECT_EQ(again.items[0].record.spooled_at, 1007);
    EXPECT_EQ(again.items[1].error, ERR_KEY_REUSED);
    EXPECT_EQ(again.items[2].error, ERR_KEY_REUSED);
    EXPECT_EQ(spool_waiting(spool), 1);
    expect_sound(spool);
    spool_close(spool);
}

// Members of a batch with a key, and of which body it was made.
static void add_members(struct spool_wish *wish, uint8_t batch, uint64_t body, uint8_t count)
{
    for (uint8_t i = 0; i < count; i++) {
        add(wish, (uint8_t)(batch + i), body + i);
        wish->items[wish->order.count - 1].batch_id = (struct id){.bytes = {batch, 9}};
        wish->items[wish->order.count - 1].batch_fingerprint = body;
    }
}

static err take_batch(struct spool *spool, uint8_t batch, uint64_t body, uint8_t count)
{
    struct spool_wish wish = {0};
    add_members(&wish, batch, body, count);
    return carry_out(spool, &wish, SPOOL_TAKE);
}

// The oldest is taken by a broker, or refused.
static void settle_first(struct spool *spool, uint8_t batch, uint64_t body, enum spool_place place)
{
    struct seen seen = walk(spool, SPOOL_WAITING);
    struct spool_wish wish = {.items = {seen.items[0]}, .order = {.count = 1}};
    wish.items[0].batch_id = (struct id){.bytes = {batch, 9}};
    wish.items[0].batch_fingerprint = body;
    wish.items[0].record.place = place;
    wish.items[0].record.error = place == SPOOL_REFUSED ? ERR_SCHEMA : OK;
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_SETTLE), OK);
}

TEST(spool, a_batch_that_waits_is_of_one_body)
{
    const char *dir = test_temp_dir();
    struct spool *spool = open_spool(dir, 1 << 20);
    const struct id batch = {.bytes = {10, 9}};
    EXPECT(!spool_is_other_body(spool, &batch, 71));
    EXPECT_EQ(take_batch(spool, 10, 70, 3), OK);
    EXPECT_EQ(take_batch(spool, 10, 70, 3), OK);             // the same again
    EXPECT_EQ(take_batch(spool, 10, 71, 3), ERR_KEY_REUSED); // whatever its records are
    EXPECT_EQ(take_batch(spool, 20, 71, 3), OK);
    EXPECT_EQ(spool_waiting(spool), 6);
    for (int pass = 0; pass < 2; pass++) {
        EXPECT(spool_is_other_body(spool, &batch, 71));
        EXPECT(!spool_is_other_body(spool, &batch, 70));
        EXPECT_EQ(take_batch(spool, 10, 71, 1), ERR_KEY_REUSED);
        spool_close(spool);
        spool = open_spool(dir, 1 << 20);
    }
    expect_sound(spool);
    spool_close(spool);
}

// What came of its members does not matter: a broker knows of it now.
TEST(spool, a_batch_is_forgotten_with_the_last_member_that_waits)
{
    struct spool *spool = open_spool(test_temp_dir(), 1 << 20);
    EXPECT_EQ(take_batch(spool, 10, 70, 2), OK);
    EXPECT_EQ(take_batch(spool, 20, 90, 1), OK);
    settle_first(spool, 10, 70, SPOOL_REFUSED);
    EXPECT_EQ(take_batch(spool, 10, 71, 1), ERR_KEY_REUSED);
    settle_first(spool, 10, 70, SPOOL_WAITING);
    EXPECT_EQ(take_batch(spool, 20, 91, 1), ERR_KEY_REUSED);
    struct spool_wish other = {0};
    add_members(&other, 30, 71, 1);
    other.items[0].batch_id = (struct id){.bytes = {10, 9}};
    EXPECT_EQ(carry_out(spool, &other, SPOOL_TAKE), OK);
    EXPECT_EQ(spool_waiting(spool), 2);
    expect_sound(spool);
    spool_close(spool);
}

// Two orders in one transaction: the second one sees the first.
TEST(spool, of_two_bodies_at_once_one_is_taken)
{
    struct spool *spool = open_spool(test_temp_dir(), 1 << 20);
    enum { WISHES = 16 };
    static struct spool_wish wishes[WISHES];
    uint32_t taken_count = 0;
    for (uint32_t i = 0; i < WISHES; i++) {
        wishes[i] = (struct spool_wish){.order.act = SPOOL_TAKE};
        add_members(&wishes[i], 10, 70 + i, 2);
    }
    for (uint32_t i = 0; i < WISHES; i++)
        spool_wish_begin(spool, &wishes[i]);
    spool_stop(spool);
    for (uint32_t i = 0; i < WISHES; i++) {
        taken_count += wishes[i].error == OK;
        EXPECT(wishes[i].error == OK || wishes[i].error == ERR_KEY_REUSED);
    }
    EXPECT_EQ(taken_count, 1);
    EXPECT_EQ(spool_waiting(spool), 2);
    spool_close(spool);
}

// A member that could not be read any more leaves its batch's entry; it goes when nothing waits.
TEST(spool, an_entry_without_members_goes_at_a_start)
{
    const char *dir = test_temp_dir();
    struct spool *spool = open_spool(dir, 1 << 20);
    EXPECT_EQ(take_batch(spool, 10, 70, 1), OK);
    settle_first(spool, 0, 0, SPOOL_REFUSED); // it is not known of which batch it was
    EXPECT_EQ(take_batch(spool, 10, 71, 1), ERR_KEY_REUSED);
    spool_close(spool);
    spool = open_spool(dir, 1 << 20);
    EXPECT_EQ(take_batch(spool, 10, 71, 1), OK);
    spool_close(spool);
}

// What --spool-max says; and what is there is told also when it is full.
TEST(spool, an_order_is_taken_whole_or_not_at_all)
{
    struct spool_wish wish = {0};
    struct spool_wish more = {0};
    struct spool_wish again = {0};
    add(&wish, 1, 1);
    size_t len = spool_record_len(&wish.items[0].record);
    struct spool *spool = open_spool(test_temp_dir(), 3 * len);
    add(&wish, 2, 2);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    add(&more, 3, 3);
    add(&more, 4, 4);
    EXPECT_EQ(carry_out(spool, &more, SPOOL_TAKE), ERR_SPOOL_FULL);
    EXPECT_EQ(spool_waiting(spool), 2);
    more.order.count = 1;
    EXPECT_EQ(carry_out(spool, &more, SPOOL_TAKE), OK);
    add(&again, 1, 1);
    EXPECT_EQ(carry_out(spool, &again, SPOOL_TAKE), OK);
    EXPECT(again.items[0].is_known);
    expect_sound(spool);
    spool_close(spool);
}

TEST(spool, what_is_forwarded_is_gone_and_its_id_free)
{
    const char *dir = test_temp_dir();
    struct spool *spool = open_spool(dir, 1 << 20);
    struct spool_wish wish = {0};
    add(&wish, 1, 1);
    add(&wish, 2, 2);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    struct seen seen = walk(spool, SPOOL_WAITING);
    struct spool_wish done = {.items = {seen.items[0]}, .order = {.count = 1}};
    uint64_t departures = spool_departures(spool);
    EXPECT_EQ(carry_out(spool, &done, SPOOL_SETTLE), OK);
    EXPECT_EQ(spool_departures(spool), departures + 1);
    EXPECT_EQ(spool_look(spool, &done.items[0].record.id, see, &seen), ERR_NOT_FOUND);
    spool_close(spool);
    spool = open_spool(dir, 1 << 20);
    seen = walk(spool, SPOOL_WAITING);
    EXPECT_EQ(seen.count, 1);
    EXPECT_EQ(seen.items[0].record.id.bytes[0], 2);
    // A number is never used twice.
    wish.order.count = 1;
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    EXPECT(!wish.items[0].is_known);
    EXPECT_EQ(wish.items[0].record.number, 3);
    expect_sound(spool);
    spool_close(spool);
}

static void refuse_first(struct spool *spool)
{
    struct seen seen = walk(spool, SPOOL_WAITING);
    struct spool_wish wish = {.items = {seen.items[0]}, .order = {.count = 1}};
    wish.items[0].record.place = SPOOL_REFUSED;
    wish.items[0].record.error = ERR_SCHEMA;
    wish.items[0].record.refused_at = 5;
    wish.items[0].record.detail = slice_of_text("why");
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_SETTLE), OK);
}

TEST(spool, a_refusal_is_kept_until_it_is_deleted)
{
    const char *dir = test_temp_dir();
    struct spool *spool = open_spool(dir, 1 << 20);
    struct spool_wish wish = {0};
    add(&wish, 1, 1);
    add(&wish, 2, 2);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    refuse_first(spool);
    spool_close(spool);
    spool = open_spool(dir, 1 << 20);
    struct seen seen = walk(spool, SPOOL_REFUSED);
    EXPECT_EQ(seen.count, 1);
    EXPECT_EQ(seen.items[0].record.error, ERR_SCHEMA);
    struct spool_wish again = {0};
    add(&again, 1, 1);
    EXPECT_EQ(carry_out(spool, &again, SPOOL_TAKE), OK);
    EXPECT_EQ(again.items[0].error, ERR_SCHEMA);
    struct spool_wish gone = {0};
    add(&gone, 1, 0);
    add(&gone, 2, 0);
    add(&gone, 3, 0);
    gone.items[0].record.tenant = slice_of_text("other");
    EXPECT_EQ(carry_out(spool, &gone, SPOOL_DELETE), OK);
    EXPECT_EQ(gone.items[0].error, ERR_NOT_FOUND);
    EXPECT_EQ(gone.items[1].error, ERR_CONFLICT);
    EXPECT_EQ(gone.items[2].error, ERR_NOT_FOUND);
    gone.items[0].record.tenant = slice_of_text("acme");
    EXPECT_EQ(carry_out(spool, &gone, SPOOL_DELETE), OK);
    EXPECT_EQ(gone.items[0].error, OK);
    struct spool_account books;
    spool_books(spool, &books);
    EXPECT_EQ(books.refused, 1);
    EXPECT_EQ(books.kept, 0);
    EXPECT_EQ(books.deleted, 1);
    EXPECT_EQ(books.bytes, spool_record_len(&wish.items[1].record));
    expect_sound(spool);
    spool_close(spool);
}

TEST(spool, a_full_disk_takes_nothing_and_lets_go)
{
    struct spool *spool = open_spool(test_temp_dir(), 1 << 20);
    struct spool_wish wish = {0};
    struct spool_wish more = {0};
    add(&wish, 1, 1);
    add(&more, 2, 2);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    is_disk_full = true;
    // The space that is allocated ahead is used first.
    for (uint8_t i = 0; i < 8; i++)
        (void)carry_out(spool, &more, SPOOL_TAKE);
    uint64_t waiting = spool_waiting(spool);
    struct seen seen = walk(spool, SPOOL_WAITING);
    EXPECT_EQ(seen.count, waiting);
    struct spool_wish done = {.items = {seen.items[0]}, .order = {.count = 1}};
    EXPECT_EQ(carry_out(spool, &done, SPOOL_SETTLE), OK);
    is_disk_full = false;
    EXPECT_EQ(carry_out(spool, &more, SPOOL_TAKE), OK);
    expect_sound(spool);
    spool_close(spool);
}

TEST(spool, a_short_disk_is_told)
{
    is_disk_full = true;
    struct spool *spool = open_spool(test_temp_dir(), 1 << 20);
    struct spool_wish wish = {0};
    add(&wish, 1, 1);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), ERR_DISK);
    is_disk_full = false;
    (void)carry_out(spool, &wish, SPOOL_TAKE); // this one finds out that there is room again
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), OK);
    expect_sound(spool);
    spool_close(spool);
}

TEST(spool, nothing_is_taken_after_the_stop)
{
    struct spool *spool = open_spool(test_temp_dir(), 1 << 20);
    struct spool_wish wish = {0};
    add(&wish, 1, 1);
    spool_stop(spool);
    EXPECT_EQ(carry_out(spool, &wish, SPOOL_TAKE), ERR_SHUTTING_DOWN);
    spool_close(spool);
}
