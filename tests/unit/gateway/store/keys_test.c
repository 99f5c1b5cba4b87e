// The record of answered keys.

#include "gateway/store/keys.h"

#include "tests/support/full_disk.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>

static struct keys *open_keys(const char *dir, uint32_t count_max)
{
    struct keys *keys = NULL;
    const char *why = NULL;
    const struct keys_options options = {
        .dir = dir, .key_count_max = count_max, .map_bytes_max = 64u << 20};
    EXPECT_EQ(keys_open(&options, &keys, &why), OK);
    return keys;
}

static struct keys_note note_of(uint8_t number)
{
    return (struct keys_note){
        .id = {.bytes = {number, 1, 2, 3}},
        .kind = KEYS_JOB,
        .fingerprint = 1000u + number,
        .lineage = 77u + number,
        .state = 2,
        .count = number,
        .created_at = 5000,
        .dedup_until = 9000,
    };
}

TEST(keys, notes_are_there_after_a_restart)
{
    const char *dir = test_temp_dir();
    struct keys *keys = open_keys(dir, 100);
    for (uint8_t i = 0; i < 10; i++) {
        struct keys_note note = note_of(i);
        keys_put(keys, &note);
    }
    keys_close(keys);
    keys = open_keys(dir, 100);
    for (uint8_t i = 0; i < 10; i++) {
        struct keys_note wanted = note_of(i);
        struct keys_note found;
        EXPECT_EQ(keys_find(keys, &wanted.id, 8999, &found), OK);
        EXPECT(id_equal(&found.id, &wanted.id));
        EXPECT_EQ(found.fingerprint, wanted.fingerprint);
        EXPECT_EQ(found.lineage, wanted.lineage);
        EXPECT_EQ(found.count, i);
        EXPECT_EQ(found.dedup_until, 9000);
    }
    struct keys_figures figures;
    keys_figures(keys, &figures);
    EXPECT_EQ(figures.count, 10);
    keys_close(keys);
}

TEST(keys, disk_space_is_allocated_ahead)
{
    enum { AHEAD_BYTES = 16 * 1024 * 1024 }; // of gateway/store/keys.c
    allocated_end = 0;
    struct keys *keys = open_keys(test_temp_dir(), 100);
    struct keys_note note = note_of(7);
    keys_put(keys, &note);
    keys_close(keys);
    EXPECT(allocated_end >= AHEAD_BYTES && allocated_end < 2 * AHEAD_BYTES);
}

TEST(keys, a_full_disk_takes_no_notes_and_ends_nothing)
{
    const char *dir = test_temp_dir();
    is_disk_full = true;
    struct keys *keys = open_keys(dir, 100);
    struct keys_note note = note_of(7);
    struct keys_figures figures = {0};
    keys_put(keys, &note);
    while (figures.dropped == 0 && figures.written == 0)
        keys_figures(keys, &figures);
    EXPECT_EQ(figures.dropped, 1);
    is_disk_full = false;
    keys_put(keys, &note);
    while (figures.written == 0)
        keys_figures(keys, &figures);
    keys_figures(keys, &figures); // they are read one by one
    EXPECT_EQ(figures.count, 1);
    keys_close(keys);
}

TEST(keys, a_note_ends_with_its_window)
{
    const char *dir = test_temp_dir();
    struct keys *keys = open_keys(dir, 100);
    struct keys_note note = note_of(7);
    struct keys_note found;
    keys_put(keys, &note);
    keys_close(keys);
    keys = open_keys(dir, 100);
    EXPECT_EQ(keys_find(keys, &note.id, 9000, &found), ERR_NOT_FOUND);
    struct id other = {.bytes = {99}};
    EXPECT_EQ(keys_find(keys, &other, 0, &found), ERR_NOT_FOUND);
    keys_close(keys);
}

// What --answered-keys-max says.
TEST(keys, the_oldest_go_first)
{
    const char *dir = test_temp_dir();
    struct keys_note found;
    for (uint8_t i = 0; i < 6; i++) {
        struct keys *keys = open_keys(dir, 3);
        struct keys_note note = note_of(i);
        keys_put(keys, &note);
        // Written again, 0 becomes the newest.
        note = note_of(0);
        keys_put(keys, &note);
        keys_close(keys);
    }
    struct keys *keys = open_keys(dir, 3);
    static const uint8_t kept[] = {0, 4, 5};
    static const uint8_t gone[] = {1, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        struct keys_note note = note_of(kept[i]);
        EXPECT_EQ(keys_find(keys, &note.id, 1, &found), OK);
        note = note_of(gone[i]);
        EXPECT_EQ(keys_find(keys, &note.id, 1, &found), ERR_NOT_FOUND);
    }
    struct keys_figures figures;
    keys_figures(keys, &figures);
    EXPECT_EQ(figures.count, 3);
    keys_close(keys);
}

TEST(keys, a_directory_has_one_owner)
{
    const char *dir = test_temp_dir();
    struct keys *first = open_keys(dir, 3);
    struct keys *second = NULL;
    const char *why = NULL;
    const struct keys_options options = {
        .dir = dir, .key_count_max = 3, .map_bytes_max = 64u << 20};
    EXPECT_EQ(keys_open(&options, &second, &why), ERR_LOCKED);
    EXPECT(why != NULL);
    keys_close(first);
}
