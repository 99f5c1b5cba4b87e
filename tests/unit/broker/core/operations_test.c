// The table of acts on many: adding, turns, what may be dropped, what is refused at a load.

#include "broker/core/operations.h"

#include "broker/core/limits.h"
#include "tests/support/test.h"

static _Alignas(16) uint8_t memory[3 * sizeof(struct operation)];

static struct id id_of(uint8_t number)
{
    return (struct id){.bytes = {[15] = number}};
}

static struct operation_row row_of(uint8_t number, uint64_t cursor, when_ms ended_at)
{
    return (struct operation_row){.id = id_of(number),
                                  .kind = ACT_CANCEL,
                                  .filter = {.states = 1u << JOB_QUEUED,
                                             .queue = slice_of_text("mail"),
                                             .type = slice_of_text("send")},
                                  .actor = slice_of_text("me"),
                                  .created_at = 1,
                                  .ended_at = ended_at,
                                  .upto = 100,
                                  .cursor = cursor,
                                  .version = 1};
}

static bool next(struct operations *operations, uint64_t settled, struct id *out_id)
{
    const struct operations_moment moment = {.settled = settled};
    return operations_next(operations, &moment, out_id);
}

static struct operations three(void)
{
    struct operations operations;
    memset(memory, 0, sizeof memory);
    EXPECT_EQ(operations_size(3), sizeof memory);
    operations_init(&operations, memory, 3);
    return operations;
}

static uint32_t add(struct operations *operations, uint8_t number, uint64_t cursor,
                    when_ms ended_at)
{
    struct operation_row row = row_of(number, cursor, ended_at);
    return operations_add(operations, &row);
}

TEST(operations, texts_are_copied)
{
    struct operations operations = three();
    char queue[] = "mail";
    struct operation_row row = row_of(1, 100, 0);
    row.filter.queue = slice_of(queue, 4);
    const struct operation_row *kept =
        operations_peek(&operations, operations_add(&operations, &row));
    queue[0] = 'x';
    EXPECT(slice_is_text(kept->filter.queue, "mail") && slice_is_text(kept->actor, "me"));
    struct id other = id_of(2);
    EXPECT_EQ(operations_find(&operations, &other), OPERATIONS_NONE);
    EXPECT_DIES(operations_add(&operations, &row));
}

TEST(operations, a_full_table_gives_the_place_of_the_one_that_was_over_first)
{
    struct operations operations = three();
    add(&operations, 1, 100, 0);
    add(&operations, 2, 0, 50);
    add(&operations, 3, 0, 40);
    EXPECT(!operations_has_room(&operations));
    EXPECT_EQ(operations_oldest(&operations, 39), OPERATIONS_NONE);
    uint32_t oldest = operations_oldest(&operations, 60);
    EXPECT_EQ(operations_peek(&operations, oldest)->id.bytes[15], 3);
    operations_drop(&operations, oldest);
    EXPECT(operations_has_room(&operations));
    EXPECT_DIES(operations_drop(&operations, 0)); // it goes on
    EXPECT_DIES(operations_peek(&operations, oldest));
}

TEST(operations, each_has_its_turn_once_its_last_step_is_settled)
{
    struct operations operations = three();
    struct id id;
    EXPECT(!next(&operations, 9, &id));
    add(&operations, 1, 100, 0);
    add(&operations, 2, 0, 50);
    uint32_t third = add(&operations, 3, 100, 0);
    EXPECT(next(&operations, 9, &id) && id.bytes[15] == 1);
    EXPECT(next(&operations, 9, &id) && id.bytes[15] == 3);
    EXPECT(next(&operations, 9, &id) && id.bytes[15] == 1);
    (void)operations_advance(&operations, third, 60, 10);
    EXPECT(next(&operations, 9, &id) && id.bytes[15] == 1);
    EXPECT(next(&operations, 10, &id) && id.bytes[15] == 3);
    operations_advance(&operations, third, 0, 11)->ended_at = 70;
    EXPECT(next(&operations, 11, &id) && id.bytes[15] == 1);
    EXPECT(next(&operations, 11, &id) && id.bytes[15] == 1);
    EXPECT_EQ(operations.running, 1);
    EXPECT_EQ(operations_peek(&operations, third)->version, 3);
    EXPECT_DIES(operations_advance(&operations, third, 0, 12));
}

// After a start they stand in other places, and nothing may depend on that.
TEST(operations, turns_go_by_ids_not_by_places)
{
    struct operations operations = three();
    struct id id;
    add(&operations, 3, 0, 50);
    add(&operations, 2, 100, 0);
    add(&operations, 1, 100, 0);
    EXPECT(next(&operations, 0, &id) && id.bytes[15] == 1);
    EXPECT(next(&operations, 0, &id) && id.bytes[15] == 2);
    EXPECT(next(&operations, 0, &id) && id.bytes[15] == 1);
    operations_advance(&operations, 1, 0, 1)->ended_at = 50;
    EXPECT_EQ(operations_oldest(&operations, 50), 1); // the second of two that ended then
}

TEST(operations, a_cursor_never_goes_back)
{
    struct operations operations = three();
    uint32_t place = add(&operations, 1, 50, 0);
    EXPECT_DIES(operations_advance(&operations, place, 51, 1));
}

TEST(operations, a_row_that_contradicts_itself_is_not_loaded)
{
    struct operations operations = three();
    struct operation_row row = row_of(1, 101, 0);
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED); // beyond its end
    row = row_of(1, 0, 0);
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED); // over, but when?
    row = row_of(1, 5, 0);
    row.cancelled_by = slice_of_text("boss");
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED); // cancelled, and goes on?
    row = row_of(0, 5, 0);
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED);
    row = row_of(1, 5, 0);
    row.done = 1;
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED); // more than it met
    row.matched = 1;
    row.rate = MSG_RATE_COUNT_MAX + 1;
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED); // nobody may ask for it
    row.rate = MSG_RATE_COUNT_MAX;
    EXPECT_EQ(operations_load(&operations, &row), OK);
    EXPECT_EQ(operations_load(&operations, &row), ERR_DAMAGED); // twice
    add(&operations, 2, 5, 0);
    add(&operations, 3, 5, 0);
    row = row_of(4, 5, 0);
    EXPECT_EQ(operations_load(&operations, &row), ERR_FULL);
}

TEST(operations, a_share_is_a_tenth_of_a_second_and_at_least_a_job)
{
    EXPECT_EQ(operations_share(0), LIMITS_STEP_RECORDS_MAX);
    EXPECT_EQ(operations_share(1), 1);
    EXPECT_EQ(operations_share(19), 1);
    EXPECT_EQ(operations_share(20), 2);
    EXPECT_EQ(operations_share(2560), LIMITS_STEP_RECORDS_MAX);
    EXPECT_EQ(operations_share(MSG_RATE_COUNT_MAX), LIMITS_STEP_RECORDS_MAX);
}

TEST(operations, one_with_a_rate_has_its_turn_when_its_share_is_there)
{
    struct operations operations = three();
    struct operation_row row = row_of(1, 100, 0);
    row.rate = 50; // five at once
    uint32_t place = operations_add(&operations, &row);
    struct operations_moment moment = {.mono = 1000};
    struct id id;
    operations_start(&operations, 1000);
    EXPECT_EQ(operations_wait_ms(&operations, &moment), 100);
    EXPECT(!operations_next(&operations, &moment, &id));
    EXPECT_EQ(operations_allowance(&operations, place, 1099), 4);
    moment.mono = 1100;
    EXPECT_EQ(operations_wait_ms(&operations, &moment), 0);
    EXPECT(operations_next(&operations, &moment, &id) && id.bytes[15] == 1);
    operations_pay(&operations, place, 5, 1100);
    EXPECT_EQ(operations_allowance(&operations, place, 1100), 0);
    EXPECT_EQ(operations_wait_ms(&operations, &moment), 100);
    add(&operations, 2, 100, 0); // without
    EXPECT_EQ(operations_wait_ms(&operations, &moment), 0);
    EXPECT_EQ(operations_allowance(&operations, 1, 1100), UINT32_MAX);
    EXPECT(operations_next(&operations, &moment, &id) && id.bytes[15] == 2);
    operations_empty(&operations, place, 1150);
    EXPECT_EQ(operations_allowance(&operations, place, 1170), 1);
}

TEST(operations, who_is_over_or_not_settled_is_not_waited_for)
{
    struct operations operations = three();
    const struct operations_moment moment = {.settled = 3};
    EXPECT_EQ(operations_wait_ms(&operations, &moment), WHEN_NEVER);
    uint32_t place = add(&operations, 1, 100, 0);
    EXPECT_EQ(operations_wait_ms(&operations, &moment), 0);
    (void)operations_advance(&operations, place, 50, 4);
    EXPECT_EQ(operations_wait_ms(&operations, &moment), WHEN_NEVER);
    operations_advance(&operations, place, 0, 3)->ended_at = 1;
    EXPECT_EQ(operations_wait_ms(&operations, &moment), WHEN_NEVER);
}

TEST(operations, is_told_as_it_is)
{
    struct operation_row row = row_of(7, 0, 9);
    row.matched = 3;
    row.done = 2;
    row.rate = 50;
    struct msg_operation_is is = operations_is(&row);
    EXPECT_EQ(is.rate, 50);
    EXPECT(is.error == OK && is.is_over && is.ended_at == 9 && is.created_at == 1);
    EXPECT(is.matched == 3 && is.done == 2 && is.upto == 100 && is.kind == ACT_CANCEL);
    EXPECT_EQ(is.filter.states, 1u << JOB_QUEUED);
    row = row_of(7, 5, 0);
    EXPECT(!operations_is(&row).is_over);
}

TEST(operations, a_cancelled_one_keeps_its_cursor_and_who_it_was)
{
    struct operations operations = three();
    uint32_t place = add(&operations, 1, 100, 0);
    add(&operations, 2, 60, 0);
    char boss[] = "boss";
    struct operation_row *row = operations_cancel(&operations, place, slice_of(boss, 4), 7);
    row->ended_at = 20;
    boss[0] = 'x';
    EXPECT(operations_is_over(row) && operations_is_cancelled(row) && operations_is_sound(row));
    EXPECT(row->cursor == 100 && row->version == 2 && slice_is_text(row->cancelled_by, "boss"));
    EXPECT_EQ(operations.running, 1);
    struct msg_operation_is is = operations_is(row);
    EXPECT(is.is_over && is.cursor == 100 && slice_is_text(is.cancelled_by, "boss"));
    struct id id;
    EXPECT(next(&operations, 9, &id) && id.bytes[15] == 2);
    EXPECT(next(&operations, 9, &id) && id.bytes[15] == 2);
    EXPECT_EQ(operations_oldest(&operations, 20), place);
    EXPECT_DIES(operations_advance(&operations, place, 50, 8));
    EXPECT_DIES(operations_cancel(&operations, place, (struct slice){0}, 8));
    operations_drop(&operations, place);
}

TEST(operations, only_a_cancelled_one_says_by_whom)
{
    struct operation_row row = row_of(1, 50, 9);
    row.cancelled_by = slice_of_text("boss");
    EXPECT(operations_is_sound(&row));
    row.ended_at = 0;
    EXPECT(!operations_is_sound(&row));
    row.cursor = 0;
    row.ended_at = 9;
    EXPECT(!operations_is_sound(&row));
    row.cancelled_by = (struct slice){0};
    EXPECT(operations_is_sound(&row) && !operations_is_cancelled(&row));
}
