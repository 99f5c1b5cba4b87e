// Waits of a store do not depend on the clock that people set.

#include "lib/disk/disk.h"
#include "tests/support/test.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { AHEAD_S = 3600, PATIENCE_S = 60, PAGE = 4096 };

// Stands before the C library's: to who computes a moment by the wall clock and waits for it by the system's, it is as if
// the clock had been set back by an hour in between.
int clock_gettime(clockid_t which, struct timespec *out_moment)
{
    int result = (int)syscall(SYS_clock_gettime, which, out_moment);
    if (which == CLOCK_REALTIME)
        out_moment->tv_sec += AHEAD_S;
    return result;
}

static err write_page(struct disk *disk, uint64_t no)
{
    static const uint8_t bytes[2 * PAGE];
    struct disk_txn *txn = NULL;
    struct disk_key key = disk_key_of(no);
    err e = disk_begin(disk, &txn);
    if (e != OK)
        return e;
    e = disk_append(txn, 0, disk_key_slice(&key), slice_of(bytes, sizeof bytes));
    if (e == OK)
        return disk_commit(txn);
    disk_abort(txn);
    return e;
}

TEST(disk_clock, growing_waits_no_longer_for_readers_when_the_clock_is_set_back)
{
    static const char *const tables[] = {"bodies"};
    const struct disk_options options = {.dir = test_temp_dir(),
                                         .tables = tables,
                                         .table_count = 1,
                                         .map_start_bytes = 64 * PAGE,
                                         .allow_unsafe_place = true};
    struct disk *disk = NULL;
    struct disk_reader *reader = NULL;
    const char *why = NULL;
    (void)alarm(PATIENCE_S); // the wait would be an hour
    EXPECT_EQ(disk_open(&options, &disk, &why), OK);
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    struct disk_usage usage = {0};
    uint64_t no = 1;
    // Less than a quarter of the map is free, and more than an eighth: growing is tried, and put off.
    for (disk_usage(disk, &usage); usage.file_bytes < 50 * PAGE; disk_usage(disk, &usage))
        EXPECT_EQ(write_page(disk, no++), OK);
    EXPECT_EQ(write_page(disk, no++), OK);
    disk_usage(disk, &usage);
    EXPECT_EQ(usage.map_bytes, 64 * PAGE); // put off, with the reader inside
    disk_read_end(reader);
    EXPECT_EQ(write_page(disk, no), OK);
    disk_usage(disk, &usage);
    EXPECT(usage.map_bytes > 64 * PAGE);
    disk_reader_close(reader);
    disk_close(disk);
    (void)alarm(0);
}
