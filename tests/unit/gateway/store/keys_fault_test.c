// Every call into the database library and to the disk fails once while a gateway notes the keys that it has answered. The notes
// are a convenience, so they may be missing, with a line that says so; but never wrong, and what an earlier life has
// written stays.

// links: weft_disk

#include "gateway/store/keys.h"

#include "tests/support/disk_faults.h"

enum { NOTES = 5, BEFORE = 3 }; // the last ones in a second life

static struct keys_note note_of(uint32_t number, uint32_t life)
{
    return (struct keys_note){.id = {.bytes = {(uint8_t)number, 1, 2, 3}},
                              .kind = KEYS_JOB,
                              .fingerprint = 1000u + number,
                              .lineage = 77,
                              .count = life,
                              .dedup_until = 9000};
}

static struct keys *open_keys(struct faults_child *child, const char *dir)
{
    struct keys *keys = NULL;
    const char *why = NULL;
    const struct keys_options options = {
        .dir = dir, .key_count_max = 100, .map_bytes_max = 64u << 20};
    if (keys_open(&options, &keys, &why) == OK)
        return keys;
    (void)snprintf(child->why, sizeof child->why, "%s", why != NULL ? why : "");
    return NULL;
}

// Lives are told by the count of a note: a note of the first is also put in the second.
static void work(struct faults_child *child, const char *dir)
{
    for (uint32_t life = 1; life <= 2; life++) {
        struct keys *keys = open_keys(child, dir);
        if (keys == NULL)
            _Exit(EXIT_FAILURE);
        for (uint32_t number = life == 1 ? 0 : BEFORE - 1; number < (life == 1 ? BEFORE : NOTES);
             number++) {
            struct keys_note note = note_of(number, life);
            keys_put(keys, &note);
        }
        child->begun = life;
        keys_close(keys);
        child->settled = life;
    }
}

// How many of the notes of this life are there; any must be as it was put.
static uint32_t count_notes(struct keys *keys, uint32_t life)
{
    uint32_t count = 0;
    for (uint32_t number = 0; number < NOTES; number++) {
        struct keys_note wanted = note_of(number, life);
        struct keys_note found;
        err e = keys_find(keys, &wanted.id, 8999, &found);
        EXPECT(e == OK || e == ERR_NOT_FOUND);
        if (e != OK || found.count != life)
            continue;
        EXPECT(id_equal(&found.id, &wanted.id));
        EXPECT_EQ(found.fingerprint, wanted.fingerprint);
        EXPECT_EQ(found.lineage, wanted.lineage);
        EXPECT_EQ(found.dedup_until, wanted.dedup_until);
        count++;
    }
    return count;
}

static void expect_whole(struct faults_child *child, const char *dir)
{
    bool was_dropped = strstr(child->said, "gateway.keys_dropped") != NULL;
    struct keys *keys = open_keys(child, dir);
    EXPECT(keys != NULL);
    uint32_t first = count_notes(keys, 1);
    uint32_t second = count_notes(keys, 2);
    EXPECT(second == 0 || second == NOTES - BEFORE + 1); // one transaction
    EXPECT(first == 0 || first == BEFORE - (second > 0));
    if (child->settled >= 1 && !was_dropped)
        EXPECT(first > 0);
    if (child->settled == 2 && !was_dropped)
        EXPECT(second > 0);
    keys_close(keys);
}

TEST(keys_fault, each_call_fails_once_and_no_note_is_wrong)
{
    struct faults_sweep sweep = {.event = "gateway.keys_not_written",
                                 .step_count = 2,
                                 .scenario = work,
                                 .judge = expect_whole};
    faults_sweep(&sweep);
    EXPECT(sweep.place_count >= 80 && sweep.ended * FAULTS_STEP > 20);
}
