// Every call into the database library and to the disk fails once while a gateway uses its spool. What was refused has
// changed nothing and succeeds when it is asked for again; a commit that fails ends the process, which says so; whatever was
// acknowledged is there at the next start, and nothing is there in part.

// links: weft_disk

#include "gateway/store/spool.h"

#include "tests/support/disk_faults.h"
#include "tests/support/spool_wish.h"

enum { JOBS = 6 };

// What has become of each job, by its place in the alphabet.
enum place { NOWHERE, WAITING, REFUSED };
static const struct step {
    enum spool_act act;
    const char *jobs;
    enum place becomes;
} steps[] = {
    {SPOOL_TAKE, "abc", WAITING},  {SPOOL_TAKE, "d", WAITING},   {SPOOL_SETTLE, "a", NOWHERE},
    {SPOOL_SETTLE, "bd", REFUSED}, {SPOOL_DELETE, "b", NOWHERE}, {SPOOL_TAKE, "ef", WAITING},
};
enum { STEPS = sizeof steps / sizeof steps[0], REOPENED_AT = 4 };

static struct spool_record record_of(char job)
{
    return (struct spool_record){.id = {.bytes = {(uint8_t)job, 1, 2, 3}},
                                 .fingerprint = (uint64_t)job,
                                 .spooled_at = 1000,
                                 .tenant = slice_of_text("acme"),
                                 .envelope = slice_of_text("envelope"),
                                 .block = slice_of_text("block")};
}

// The number that a job was given: jobs are taken in the order of the alphabet.
static uint64_t number_of(char job)
{
    return (uint64_t)(job - 'a') + 1;
}

static struct spool_wish wish_of(const struct step *step)
{
    struct spool_wish wish = {.order = {.act = step->act}};
    for (const char *job = step->jobs; *job != '\0'; job++) {
        struct spool_item *item = &wish.items[wish.order.count++];
        item->record = record_of(*job);
        item->batch_id = (struct id){.bytes = {9, 9}};
        item->batch_fingerprint = 99;
        if (step->act != SPOOL_SETTLE)
            continue;
        item->record.number = number_of(*job);
        item->record.place = step->becomes == REFUSED ? SPOOL_REFUSED : SPOOL_WAITING;
        item->record.error = step->becomes == REFUSED ? ERR_KEY_REUSED : OK;
        item->record.detail = slice_of_text(step->becomes == REFUSED ? "another body" : "");
    }
    return wish;
}

static struct spool *open_spool(struct faults_child *child, const char *dir)
{
    struct spool *spool = NULL;
    const char *why = NULL;
    const struct spool_options options = {.dir = dir, .bytes_max = 1 << 20};
    if (spool_open(&options, &spool, &why) == OK)
        return spool;
    (void)snprintf(child->why, sizeof child->why, "%s", why != NULL ? why : "");
    return NULL;
}

static bool see(void *ctx, const struct spool_record *record)
{
    enum place *places = ctx;
    uint32_t job = record->id.bytes[0] - (uint32_t)'a';
    CHECK(job < JOBS && record->number == job + 1u);
    CHECK(places[job] == NOWHERE);
    CHECK(slice_is_text(record->block, "block") && slice_is_text(record->envelope, "envelope"));
    places[job] = record->place == SPOOL_WAITING ? WAITING : REFUSED;
    return true;
}

static void places_after(uint32_t count, enum place *out_places)
{
    for (uint32_t i = 0; i < count; i++) {
        for (const char *job = steps[i].jobs; *job != '\0'; job++)
            out_places[*job - 'a'] = steps[i].becomes;
    }
}

// What is read is the truth, or nothing.
static void read_waiting(struct spool *spool, uint32_t settled)
{
    enum place seen[JOBS] = {NOWHERE};
    enum place wanted[JOBS] = {NOWHERE};
    err e = spool_walk(spool, SPOOL_WAITING, 0, see, seen);
    CHECK(e == OK || e == ERR_DISK);
    places_after(settled, wanted);
    for (uint32_t job = 0; e == OK && job < JOBS; job++)
        CHECK((seen[job] == WAITING) == (wanted[job] == WAITING));
}

static void work(struct faults_child *child, const char *dir)
{
    struct spool *spool = open_spool(child, dir);
    if (spool == NULL)
        _Exit(EXIT_FAILURE);
    for (; child->settled < STEPS; child->settled++) {
        if (child->settled == REOPENED_AT) {
            spool_close(spool);
            spool = open_spool(child, dir);
            if (spool == NULL)
                _Exit(EXIT_FAILURE);
        }
        struct spool_wish wish = wish_of(&steps[child->settled]);
        child->begun = child->settled + 1;
        err e = spool_wish_carry_out(spool, &wish);
        if (e != OK) {
            // It has passed, and the same is asked for again.
            child->was_refused = true;
            wish = wish_of(&steps[child->settled]);
            e = spool_wish_carry_out(spool, &wish);
        }
        CHECK(e == OK);
        read_waiting(spool, child->settled + 1);
    }
    spool_close(spool);
}

static bool stands_after(const enum place *found, uint32_t count)
{
    enum place places[JOBS] = {NOWHERE};
    places_after(count, places);
    return memcmp(found, places, sizeof places) == 0;
}

// In full, whatever happened; a step that was neither acknowledged nor refused may stand too.
static void expect_whole(struct faults_child *child, const char *dir)
{
    enum place found[JOBS] = {NOWHERE};
    struct spool_account books;
    struct spool *spool = open_spool(child, dir);
    EXPECT(spool != NULL);
    EXPECT_EQ(spool_walk(spool, SPOOL_WAITING, 0, see, found), OK);
    EXPECT_EQ(spool_walk(spool, SPOOL_REFUSED, 0, see, found), OK);
    EXPECT(stands_after(found, child->settled) || stands_after(found, child->begun));
    spool_books(spool, &books);
    EXPECT_EQ(spool_account_gap(&books), 0);
    EXPECT_EQ(books.damaged, 0);
    spool_close(spool);
}

TEST(spool_fault, each_call_fails_once_and_nothing_acknowledged_is_lost)
{
    struct faults_sweep sweep = {.event = "gateway.spool_not_written",
                                 .step_count = STEPS,
                                 .scenario = work,
                                 .judge = expect_whole};
    faults_sweep(&sweep);
    EXPECT(sweep.place_count >= 150 && sweep.ended * FAULTS_STEP > 20 &&
           sweep.refused * FAULTS_STEP > 20);
}
