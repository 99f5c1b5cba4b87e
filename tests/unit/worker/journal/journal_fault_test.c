// Every call into the database library and to the disk fails once while a worker keeps its journal and the list of its processes.
// An outcome that was flushed is there at the next start, under the lease that it answers, and nothing is there in part.

// links: weft_disk

#include "worker/journal/journal.h"
#include "worker/journal/running.h"

#include "tests/support/disk_faults.h"

enum { CAP = 8, LEASES = 4, PLACES = 2 };

static struct outbox outbox;
static struct outbox_entry items[CAP];

// Outcome `number` answers lease `number`; number 2 a second time, lease 20.
static void add(uint32_t number)
{
    struct outcome_report report = {.outcome = OUTCOME_SUCCEEDED,
                                    .generation = 1,
                                    .token = number,
                                    .result = outcome_result(slice_of_text("[\"done\"]"))};
    report.job_id.bytes[0] = (uint8_t)number;
    uint8_t *memory = malloc(outcome_size(&report) + 1);
    EXPECT(memory != NULL);
    outcome_move_to(&report, memory);
    (void)outbox_add(&outbox, &report, memory);
}

static uint32_t entry_of(uint64_t token)
{
    uint32_t entry = 0;
    while (entry < outbox.touched &&
           (items[entry].state == OUTBOX_FREE || items[entry].report.token != token))
        entry++;
    EXPECT(entry < outbox.touched);
    return entry;
}

static void change(uint32_t step)
{
    switch (step) {
    case 0:
        add(1);
        add(2);
        break;
    case 1:
        outbox_forget(&outbox, entry_of(1));
        add(3);
        break;
    case 2: outbox_rekey(&outbox, entry_of(2), 20); break;
    case 3:
        outbox_forget(&outbox, entry_of(3));
        add(4);
        break;
    }
}

// The leases whose outcome is on disk after so many flushes.
static const uint64_t leases[][LEASES] = {{0}, {1, 2}, {2, 3}, {20, 3}, {20, 4}};
enum { STEPS = sizeof leases / sizeof leases[0] - 1 };

static void clear(void)
{
    for (uint32_t i = 0; i < outbox.touched; i++)
        free(items[i].memory);
    memset(items, 0, sizeof items);
    outbox_init(&outbox, items, CAP);
}

static err open_in(const char *dir, struct journal **out_journal)
{
    char why[JOURNAL_WHY_LEN];
    err e = journal_open(dir, "worker", out_journal, why);
    EXPECT(e == OK || why[0] != '\0');
    return e;
}

// As far as it comes; the number of flushes that were acknowledged.
static uint32_t work(const char *dir, err *out_error)
{
    struct journal *journal = NULL;
    uint32_t settled = 0;
    uint32_t count = 0;
    clear();
    err e = open_in(dir, &journal);
    while (e == OK && settled < STEPS) {
        change(settled);
        e = journal_flush(journal, &outbox);
        settled += e == OK;
        if (e == OK)
            e = journal_count(journal, &count);
        EXPECT(e != OK || count == 2);
    }
    journal_close(journal);
    *out_error = e;
    return settled;
}

static bool stands_after(uint32_t flushes)
{
    uint32_t found = 0;
    uint32_t wanted = 0;
    for (uint32_t i = 0; i < LEASES && leases[flushes][i] != 0; i++) {
        wanted++;
        for (uint32_t entry = 0; entry < outbox.touched; entry++)
            found += items[entry].report.token == leases[flushes][i];
    }
    return found == wanted && outbox.count == wanted;
}

static void expect_whole(const char *dir, uint32_t settled)
{
    struct journal *journal = NULL;
    struct journal_loaded loaded;
    clear();
    EXPECT_EQ(open_in(dir, &journal), OK);
    EXPECT_EQ(journal_load(journal, &outbox, &loaded), OK);
    EXPECT_EQ(loaded.damaged_count, 0);
    // A flush that failed may have reached the disk all the same; in full or not at all.
    EXPECT(stands_after(settled) || (settled < STEPS && stands_after(settled + 1)));
    for (uint32_t i = 0; i < outbox.touched; i++)
        EXPECT(slice_is_text(items[i].report.result.bytes, "[\"done\"]"));
    journal_close(journal);
    clear();
}

TEST(journal_fault, each_call_fails_once_and_no_outcome_is_lost)
{
    err e = OK;
    uint32_t failed = 0;
    faults_arm(FAULTS_DISK, 0);
    EXPECT_EQ(work(test_temp_dir(), &e), STEPS);
    EXPECT_EQ(e, OK);
    uint64_t calls = atomic_load(&faults->calls);
    EXPECT(calls > 60);
    char root[256];
    (void)snprintf(root, sizeof root, "%s", test_temp_dir());
    for (uint64_t k = 1; k <= calls; k++) {
        char dir[300];
        (void)snprintf(dir, sizeof dir, "%s/%ju", root, (uintmax_t)k);
        faults_arm(FAULTS_DISK, k);
        uint32_t settled = work(dir, &e);
        faults_arm(FAULTS_NONE, 0);
        EXPECT(e == ERR_DISK || (e == OK && settled == STEPS));
        failed += e != OK;
        expect_whole(dir, settled);
    }
    EXPECT(failed > 50);
    print_message("%ju places, %u ended the work\n", (uintmax_t)calls, failed);
}

TEST(journal_fault, nothing_works_after_a_failed_flush)
{
    struct journal *journal = NULL;
    const char *dir = test_temp_dir();
    clear();
    EXPECT_EQ(open_in(dir, &journal), OK);
    change(0);
    EXPECT_EQ(journal_flush(journal, &outbox), OK);
    change(1);
    faults_in_commits = true;
    EXPECT_EQ(journal_flush(journal, &outbox), ERR_DISK);
    EXPECT(strstr(journal_fault(journal), "nput/output") != NULL);
    faults_in_commits = false;
    EXPECT_EQ(journal_flush(journal, &outbox), ERR_DISK);
    EXPECT_EQ(outbox_count_of(&outbox, OUTBOX_ENDED), 1); // nobody is told
    journal_close(journal);
    expect_whole(dir, 1);
}

// A process that is noted nowhere would outlive its worker; one that is noted wrongly would be killed for another.
TEST(journal_fault, a_process_is_noted_truly_or_not_at_all)
{
    const struct running_process process = {.pid = 4711, .start_ticks = 99};
    char path[300];
    uint64_t k = 0;
    (void)snprintf(path, sizeof path, "%s/running", test_temp_dir());
    do {
        struct running running;
        struct running_last last;
        (void)unlink(path);
        faults_arm(FAULTS_DISK, ++k);
        bool is_open = running_open(path, 7, PLACES, &running) == OK;
        bool is_noted = is_open && running_set(&running, 1, &process) == OK;
        uint64_t hits = atomic_load(&faults->hits);
        faults_arm(FAULTS_NONE, 0);
        EXPECT_EQ(is_noted, hits == 0);
        EXPECT_EQ(running_read(path, &last), OK);
        EXPECT_EQ(last.session, is_open ? 7 : 0);
        EXPECT_EQ(last.count, is_open ? PLACES : 0);
        EXPECT_EQ(last.processes[1].pid, is_noted ? process.pid : 0);
        if (is_open)
            running_close(&running);
        if (hits == 0)
            break;
    } while (true);
    EXPECT_EQ(k,
              1 + PLACES + 1 + 1 + 1); // the length, the places, the head, the process; then none
}
