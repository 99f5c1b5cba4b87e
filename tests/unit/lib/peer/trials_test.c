#include "lib/peer/trials.h"

#include "tests/support/test.h"

enum { RECORDS = 100 };

static uint8_t states[RECORDS];

static struct trials begin(void)
{
    struct trials trials;
    memset(states, TRIAL_WANTED, sizeof states);
    trials_init(&trials, states, RECORDS);
    return trials;
}

// Takes as many as may be under way; the last one taken.
static uint32_t take_all(struct trials *trials)
{
    uint32_t record = UINT32_MAX;
    while (trials_take(trials, &record))
        continue;
    return record;
}

TEST(trials, eight_are_asked_about_at_once)
{
    struct trials trials = begin();
    EXPECT_EQ(take_all(&trials), 7);
    EXPECT_EQ(trials.flight, TRIALS_AT_ONCE_MAX);
    trials_heard(&trials, 3, TRIAL_SAID);
    EXPECT_EQ(take_all(&trials), 8);
    trials_heard(&trials, 0, TRIAL_MUTE);
    trials_heard(&trials, 8, TRIAL_MUTE);
    EXPECT_EQ(take_all(&trials), 10);
}

TEST(trials, only_what_is_wanted_is_asked_about_and_each_once)
{
    struct trials trials = begin();
    uint32_t count = 0;
    uint32_t record;
    for (uint32_t i = 0; i < RECORDS; i += 3)
        states[i] = TRIAL_UNWANTED;
    while (trials_take(&trials, &record)) {
        EXPECT(record % 3 != 0);
        EXPECT_EQ(states[record], TRIAL_ASKED);
        trials_heard(&trials, record, TRIAL_SAID);
        count++;
    }
    EXPECT_EQ(count, RECORDS - (RECORDS + 2) / 3);
    EXPECT_EQ(states[0], TRIAL_UNWANTED);
}

TEST(trials, who_found_no_room_comes_again_when_another_has_its_word)
{
    struct trials trials = begin();
    (void)take_all(&trials);
    for (uint32_t i = 1; i < 8; i++)
        trials_heard(&trials, i, TRIAL_BUSY); // one slot: the first has it
    EXPECT_EQ(trials.window, 1);
    EXPECT_EQ(states[7], TRIAL_WANTED);
    uint32_t record;
    EXPECT(!trials_take(&trials, &record));
    for (uint32_t i = 7, last = 0; i > 0; i--) {
        trials_heard(&trials, last, TRIAL_MUTE);
        EXPECT(trials_take(&trials, &record));
        EXPECT_EQ(record, i);
        last = record;
    }
}

TEST(trials, four_words_for_each_widen_the_window_by_one)
{
    struct trials trials = begin();
    (void)take_all(&trials);
    for (uint32_t i = 1; i < 8; i++)
        trials_heard(&trials, i, TRIAL_BUSY);
    uint32_t record = 0;
    for (uint32_t i = 0; i < 4; i++) {
        EXPECT_EQ(trials.window, 1);
        trials_heard(&trials, record, TRIAL_SAID);
        EXPECT(trials_take(&trials, &record));
    }
    EXPECT_EQ(trials.window, 2);
    EXPECT(trials_take(&trials, &record));
    trials_heard(&trials, record, TRIAL_SAID);
    EXPECT(trials_take(&trials, &record));
    trials_heard(&trials, record, TRIAL_BUSY); // and back, with the words counted anew
    EXPECT_EQ(trials.window, 1);
    EXPECT_EQ(trials.said_count, 0);
}

TEST(trials, a_strangers_room_is_not_waited_for)
{
    struct trials trials = begin();
    (void)take_all(&trials);
    for (uint32_t i = 0; i < 8; i++)
        trials_heard(&trials, i, TRIAL_BUSY);
    EXPECT_EQ(states[7], TRIAL_ASKED); // it keeps `busy`
    EXPECT_EQ(states[0], TRIAL_WANTED);
    uint32_t record;
    EXPECT(trials_take(&trials, &record));
    EXPECT_EQ(record, 6);
}

TEST(trials, when_nobody_answers_nobody_is_asked)
{
    struct trials trials = begin();
    uint32_t record;
    EXPECT_EQ(take_all(&trials), 7);
    trials_heard(&trials, 2, TRIAL_LOST);
    EXPECT_EQ(states[2], TRIAL_WANTED);
    EXPECT(!trials_take(&trials, &record));
    for (uint32_t i = 0; i < 8; i++)
        if (i != 2)
            trials_heard(&trials, i, TRIAL_SAID);
    EXPECT_EQ(trials.flight, 0);
    EXPECT(!trials_take(&trials, &record));
}
