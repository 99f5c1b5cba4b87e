// A full file system is met between transactions, while there is still room to finish.

#include "lib/disk/disk.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>

static int refusal; // errno of every allocation, 0: granted
static unsigned asked_count;
static off_t end = (off_t)1 << 40; // of what the file system can still give

// Stands before the C library's.
int fallocate(int fd, int mode, off_t from, off_t len)
{
    (void)fd;
    (void)mode;
    EXPECT(from >= 0 && len > 0);
    asked_count++;
    errno = refusal != 0 ? refusal : ENOSPC;
    return refusal == 0 && from + len <= end ? 0 : -1;
}

enum { AHEAD = 1 << 20 };

static struct disk *open_dir(const char *dir)
{
    static const char *const tables[] = {"bodies"};
    struct disk_options options = {.dir = dir,
                                   .tables = tables,
                                   .table_count = 1,
                                   .ahead_bytes = AHEAD,
                                   .allow_unsafe_place = true};
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &disk, &why), OK);
    return disk;
}

static struct disk *open_disk(void)
{
    return open_dir(test_temp_dir());
}

static err write_page(struct disk *disk, uint64_t no)
{
    static const uint8_t bytes[8000];
    struct disk_txn *txn = NULL;
    struct disk_key key = disk_key_of(no);
    err e = disk_begin(disk, &txn);
    if (e != OK)
        return e;
    EXPECT_EQ(disk_append(txn, 0, disk_key_slice(&key), slice_of(bytes, sizeof bytes)), OK);
    return disk_commit(txn);
}

static struct disk_usage usage_of(const struct disk *disk)
{
    struct disk_usage usage = {0};
    disk_usage(disk, &usage);
    return usage;
}

TEST(disk_space, full_file_system_is_told_early_and_refused_before_the_end)
{
    refusal = 0;
    asked_count = 0;
    struct disk *disk = open_disk();
    EXPECT_EQ(write_page(disk, 1), OK);
    EXPECT(!usage_of(disk).is_short);
    refusal = ENOSPC;
    uint64_t no = 2;
    while (!usage_of(disk).is_short && no < 1000)
        EXPECT_EQ(write_page(disk, no++), OK);
    EXPECT(usage_of(disk).is_short);
    EXPECT(usage_of(disk).ahead_left_bytes > AHEAD / 2); // plenty left for finishes
    uint64_t first_short = no;
    err e = OK;
    while (e == OK && no < 1000)
        e = write_page(disk, no++);
    EXPECT_EQ(e, ERR_DISK);
    EXPECT(no - first_short > 50);
    EXPECT(strstr(disk_fault(disk), "no space") != NULL);
    refusal = 0;
    EXPECT_EQ(write_page(disk, no), OK);
    EXPECT(!usage_of(disk).is_short);
    disk_close(disk);
}

// What was allocated ahead stays the file's when the process dies.
TEST(disk_space, start_on_a_full_file_system_finds_the_room_left_for_finishing)
{
    refusal = 0;
    const char *dir = test_temp_dir();
    struct disk *disk = open_dir(dir);
    EXPECT_EQ(write_page(disk, 1), OK);
    end = (off_t)usage_of(disk).file_bytes + AHEAD;
    disk_close(disk);
    disk = open_dir(dir);
    EXPECT_EQ(write_page(disk, 2), OK);
    EXPECT(usage_of(disk).is_short);
    EXPECT(usage_of(disk).ahead_left_bytes > AHEAD / 2);
    disk_close(disk);
    end = (off_t)1 << 40;
}

// What is kept ahead was found in pieces, so nothing is missing; but nobody would ask again.
TEST(disk_space, one_that_was_nearly_full_is_well_when_it_is_emptied)
{
    refusal = 0;
    struct disk *disk = open_disk();
    end =
        (off_t)usage_of(disk).file_bytes + AHEAD + AHEAD / 8; // not for the step that is asked for
    EXPECT_EQ(write_page(disk, 1), OK);
    EXPECT(usage_of(disk).is_short);
    EXPECT(usage_of(disk).ahead_left_bytes > AHEAD / 2);
    end = (off_t)1 << 40;
    EXPECT_EQ(write_page(disk, 2), OK);
    EXPECT(!usage_of(disk).is_short);
    disk_close(disk);
}

TEST(disk_space, file_system_that_cannot_allocate_is_used_as_it_is)
{
    refusal = EOPNOTSUPP;
    struct disk *disk = open_disk();
    for (uint64_t no = 1; no < 500; no++)
        EXPECT_EQ(write_page(disk, no), OK);
    EXPECT(!usage_of(disk).is_short);
    disk_close(disk);
}

TEST(disk_space, allocation_is_asked_for_in_large_steps)
{
    refusal = 0;
    struct disk *disk = open_disk();
    asked_count = 0;
    for (uint64_t no = 1; no <= 500; no++)
        EXPECT_EQ(write_page(disk, no), OK);
    EXPECT(asked_count > 3 && asked_count < 40); // 4 MB in steps of a quarter MB at least
    disk_close(disk);
}
