// What was flushed is there after a restart; what was dropped is not.

// links: weft_disk

#include "worker/journal/journal.h"

#include "tests/support/full_disk.h"
#include "tests/support/test.h"
#include "worker/journal/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CAP = 8 };

static struct outbox outbox;
static struct outbox_entry items[CAP];

static struct journal *open_in(const char *dir)
{
    struct journal *journal = NULL;
    char why[JOURNAL_WHY_LEN];
    EXPECT_EQ(journal_open(dir, "worker", &journal, why), OK);
    memset(items, 0, sizeof items);
    outbox_init(&outbox, items, CAP);
    return journal;
}

static void *copy(struct outcome_report *report)
{
    uint8_t *memory = malloc(outcome_size(report) + 1);
    EXPECT(memory != NULL);
    outcome_move_to(report, memory);
    return memory;
}

static uint32_t add(uint8_t number, const char *result)
{
    struct outcome_report report = {.outcome = OUTCOME_SUCCEEDED,
                                    .generation = 1,
                                    .token = number,
                                    .result = outcome_result(slice_of_text(result))};
    report.job_id.bytes[0] = number;
    void *memory = copy(&report);
    return outbox_add(&outbox, &report, memory);
}

static void close_all(struct journal *journal)
{
    journal_close(journal);
    for (uint32_t i = 0; i < outbox.touched; i++)
        free(outbox.items[i].memory);
}

static uint32_t count_of(struct journal *journal)
{
    uint32_t count = 99;
    EXPECT_EQ(journal_count(journal, &count), OK);
    return count;
}

static void settle(uint32_t entry)
{
    outbox_forget(&outbox, entry);
}

TEST(journal, outcomes_survive_a_restart)
{
    const char *dir = test_temp_dir();
    struct journal *journal = open_in(dir);
    (void)add(1, "[1]");
    (void)add(2, "two");
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    EXPECT_EQ(outbox_count_of(&outbox, OUTBOX_DURABLE), 2);
    close_all(journal);

    journal = open_in(dir);
    struct journal_loaded loaded;
    EXPECT_EQ(count_of(journal), 2);
    EXPECT_EQ(journal_load(journal, &outbox, &loaded), OK);
    EXPECT_EQ(loaded.count, 2);
    EXPECT_EQ(loaded.damaged_count, 0);
    EXPECT(items[0].resent && items[0].state == OUTBOX_DURABLE);
    EXPECT(slice_is_text(items[0].report.result.bytes, "[1]"));
    EXPECT(slice_is_text(items[1].report.result.bytes, "two"));
    close_all(journal);
}

TEST(journal, settled_outcomes_are_dropped_with_the_next_flush)
{
    const char *dir = test_temp_dir();
    struct journal *journal = open_in(dir);
    uint32_t first = add(1, "1");
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    settle(first);
    (void)add(2, "2");
    EXPECT_EQ(count_of(journal), 1);
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    EXPECT_EQ(count_of(journal), 1);
    EXPECT_EQ(outbox.count, 1);
    close_all(journal);
}

TEST(journal, a_new_grant_moves_the_record)
{
    const char *dir = test_temp_dir();
    struct journal *journal = open_in(dir);
    uint32_t entry = add(1, "1");
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    outbox_rekey(&outbox, entry, 77);
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    EXPECT_EQ(count_of(journal), 1);
    close_all(journal);
    journal = open_in(dir);
    struct journal_loaded loaded;
    EXPECT_EQ(journal_load(journal, &outbox, &loaded), OK);
    EXPECT_EQ(items[0].report.token, 77);
    close_all(journal);
}

TEST(journal, what_needs_no_record_gets_none)
{
    struct journal *journal = open_in(test_temp_dir());
    struct outcome_report report = {.outcome = OUTCOME_INTERRUPTED, .token = 5};
    uint32_t entry = outbox_add_volatile(&outbox, &report, NULL);
    (void)add(1, "1");
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    EXPECT_EQ(count_of(journal), 1);
    settle(entry);
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    EXPECT_EQ(count_of(journal), 1);
    EXPECT_EQ(outbox.count, 1);
    close_all(journal);
}

TEST(journal, outcomes_are_kept_in_what_was_allocated_ahead)
{
    enum { AHEAD_BYTES = 8 * 1024 * 1024 }; // of worker/journal/journal.c
    static char result[64 * 1024];
    allocated_end = 0;
    struct journal *journal = open_in(test_temp_dir());
    (void)add(1, "done");
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    EXPECT(allocated_end >= AHEAD_BYTES && allocated_end < 2 * AHEAD_BYTES);
    is_disk_full = true;
    memset(result, 'x', sizeof result - 1);
    for (uint8_t i = 2; i < CAP; i++) {
        (void)add(i, result);
        EXPECT_EQ(journal_flush(journal, &outbox), OK);
    }
    EXPECT_EQ(count_of(journal), CAP - 1);
    is_disk_full = false;
    close_all(journal);
}

TEST(journal, large_results_make_the_map_grow)
{
    struct journal *journal = open_in(test_temp_dir());
    char *large = calloc(1, 1 << 20);
    EXPECT(large != NULL);
    memset(large, 'x', (1 << 20) - 1);
    for (uint8_t i = 0; i < 40; i++) {
        uint32_t entry = add(i, large);
        EXPECT_EQ(journal_flush(journal, &outbox), OK);
        // Kept on disk, but not in this outbox: it has fewer places.
        items[entry].journaled_token = 0;
        settle(entry);
        EXPECT_EQ(journal_flush(journal, &outbox), OK);
    }
    EXPECT_EQ(count_of(journal), 40);
    free(large);
    close_all(journal);
}

TEST(journal, an_outbox_without_room_leaves_the_rest_on_disk)
{
    const char *dir = test_temp_dir();
    struct journal *journal = open_in(dir);
    for (uint8_t i = 0; i < CAP; i++)
        (void)add(i, "1");
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    close_all(journal);
    journal = open_in(dir);
    outbox.cap = 3;
    struct journal_loaded loaded;
    EXPECT_EQ(journal_load(journal, &outbox, &loaded), OK);
    EXPECT_EQ(loaded.count, 3);
    EXPECT_EQ(count_of(journal), CAP);
    close_all(journal);
}

// Flushes again and again until it is killed, and says how far it came.
static void keep_flushing(const char *dir, int out)
{
    struct journal *journal = open_in(dir);
    for (uint8_t i = 1;; i = i == 255 ? 1 : (uint8_t)(i + 1)) {
        uint32_t entry = add(i, "1");
        EXPECT_EQ(journal_flush(journal, &outbox), OK);
        if (write(out, &i, 1) != 1)
            _exit(1);
        settle(entry);
    }
}

TEST(journal, a_kill_at_any_moment_loses_nothing_that_was_flushed)
{
    for (int round = 0; round < 10; round++) {
        const char *dir = test_temp_dir();
        int ends[2];
        EXPECT_EQ(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            (void)close(ends[0]);
            keep_flushing(dir, ends[1]);
        }
        (void)close(ends[1]);
        uint8_t last = 0;
        uint8_t seen = 0;
        for (int i = 0; i < 3 + round; i++)
            EXPECT_EQ(read(ends[0], &seen, 1), 1);
        EXPECT_EQ(kill(pid, SIGKILL), 0);
        (void)waitpid(pid, NULL, 0);
        last = seen;
        while (read(ends[0], &seen, 1) == 1)
            last = seen;
        (void)close(ends[0]);
        struct journal *journal = open_in(dir);
        struct journal_loaded loaded;
        EXPECT_EQ(journal_load(journal, &outbox, &loaded), OK);
        bool found = false;
        for (uint32_t i = 0; i < outbox.touched; i++)
            found |= items[i].report.token == last || items[i].report.token > last;
        EXPECT(found);
        EXPECT_EQ(loaded.damaged_count, 0);
        close_all(journal);
    }
}

TEST(journal, a_directory_has_one_owner)
{
    const char *dir = test_temp_dir();
    struct journal *journal = open_in(dir);
    pid_t pid = fork();
    if (pid == 0) {
        struct journal *other = NULL;
        char why[JOURNAL_WHY_LEN];
        _exit(journal_open(dir, "worker", &other, why) == ERR_LOCKED ? 0 : 1);
    }
    int status = 1;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
    close_all(journal);
}
