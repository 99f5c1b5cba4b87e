// The table of schedules: names, places, rows.

#include "tests/support/test.h"

#include "broker/core/schedules.h"

#include <stdlib.h>

enum { CAP = 3 };

static void *make(struct schedules *schedules)
{
    void *memory = calloc(1, schedules_size(CAP));
    EXPECT(memory != NULL);
    schedules_init(schedules, memory, CAP, test_seed());
    return memory;
}

TEST(schedules, what_was_added_is_found_until_it_is_dropped)
{
    struct schedules schedules;
    void *memory = make(&schedules);
    struct slice name = slice_of_text("nightly");
    EXPECT_EQ(schedules_find(&schedules, name), SCHEDULES_NONE);
    uint32_t place = schedules_add(&schedules, name);
    EXPECT_EQ(schedules_find(&schedules, name), place);
    EXPECT_EQ(schedules_find(&schedules, slice_of_text("night")), SCHEDULES_NONE);
    schedules_at(&schedules, place)->fingerprint = 7;
    EXPECT_EQ(schedules_peek(&schedules, place)->fingerprint, 7);
    EXPECT(slice_is_text(schedules_peek(&schedules, place)->name, "nightly"));
    EXPECT_DIES(schedules_add(&schedules, name));
    schedules_drop(&schedules, place);
    EXPECT_EQ(schedules_find(&schedules, name), SCHEDULES_NONE);
    EXPECT_DIES((void)schedules_peek(&schedules, place));
    EXPECT_EQ(schedules_peek(&schedules, schedules_add(&schedules, name))->fingerprint, 0);
    free(memory);
}

TEST(schedules, full_table_has_no_room_and_places_are_used_again)
{
    struct schedules schedules;
    void *memory = make(&schedules);
    char name[8] = "s0";
    uint32_t places[CAP];
    for (unsigned i = 0; i < CAP; i++) {
        EXPECT(schedules_has_room(&schedules));
        name[1] = (char)('0' + i);
        places[i] = schedules_add(&schedules, slice_of_text(name));
    }
    EXPECT(!schedules_has_room(&schedules));
    EXPECT_DIES(schedules_add(&schedules, slice_of_text("s9")));
    schedules_drop(&schedules, places[1]);
    EXPECT(schedules_has_room(&schedules));
    EXPECT_EQ(schedules_add(&schedules, slice_of_text("s9")), places[1]);
    EXPECT_EQ(schedules_find(&schedules, slice_of_text("s0")), places[0]);
    EXPECT_EQ(schedules_find(&schedules, slice_of_text("s2")), places[2]);
    free(memory);
}

TEST(schedules, loading_refuses_what_cannot_be)
{
    struct schedules schedules;
    void *memory = make(&schedules);
    struct schedule_row row = {.name = slice_of_text("a"), .fingerprint = 5, .is_paused = true};
    EXPECT_EQ(schedules_load(&schedules, &row), OK);
    EXPECT_EQ(schedules_load(&schedules, &row), ERR_DAMAGED);
    const struct schedule_row *loaded =
        schedules_peek(&schedules, schedules_find(&schedules, row.name));
    EXPECT_EQ(loaded->fingerprint, 5);
    EXPECT(loaded->is_paused && loaded->name.data != row.name.data);
    EXPECT_EQ(schedules_load(&schedules, &(struct schedule_row){0}), ERR_DAMAGED);
    row.name = slice_of_text("b");
    EXPECT_EQ(schedules_load(&schedules, &row), OK);
    row.name = slice_of_text("c");
    EXPECT_EQ(schedules_load(&schedules, &row), OK);
    row.name = slice_of_text("d");
    EXPECT_EQ(schedules_load(&schedules, &row), ERR_FULL);
    free(memory);
}

TEST(schedules, a_name_has_the_tenant_before_it_but_for_the_default_one)
{
    uint8_t room[SCHEDULES_NAME_LEN_MAX];
    struct slice id = slice_of_text("nightly");
    struct slice name = schedules_name(slice_of_text("acme"), id, room);
    EXPECT(slice_is_text(name, "acme/nightly"));
    EXPECT(slice_is_text(schedules_tenant(name), "acme"));
    EXPECT(slice_is_text(schedules_id(name), "nightly"));
    name = schedules_name(slice_of_text("default"), id, room);
    EXPECT(slice_is_text(name, "nightly") && slice_is_text(schedules_id(name), "nightly"));
    EXPECT_EQ(schedules_tenant(name).len, 0);
    // Before the first of a tenant's.
    name = schedules_name(slice_of_text("acme"), (struct slice){0}, room);
    EXPECT(slice_is_text(name, "acme/") && schedules_id(name).len == 0);
    EXPECT_EQ(schedules_name((struct slice){0}, (struct slice){0}, room).len, 0);
    EXPECT_EQ(schedules_id((struct slice){0}).len, 0);
}

TEST(schedules, the_longest_names_fit)
{
    static uint8_t longest[MSG_NAME_LEN_MAX];
    memset(longest, 'a', sizeof longest);
    struct slice part = slice_of(longest, sizeof longest);
    uint8_t room[SCHEDULES_NAME_LEN_MAX];
    struct slice name = schedules_name(part, part, room);
    EXPECT_EQ(name.len, SCHEDULES_NAME_LEN_MAX);
    EXPECT(slice_equal(schedules_tenant(name), part) && slice_equal(schedules_id(name), part));
}
