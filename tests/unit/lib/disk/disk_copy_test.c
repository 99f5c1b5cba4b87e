// Copies of a disk that somebody works on, their mark, and readers that died.

#include "lib/disk/disk_copy.h"

#include "lib/disk/disk.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HERE, THERE, TABLE_COUNT };
enum { FORMAT = 3 };
static const char *const tables[TABLE_COUNT] = {"here", "there"};
static char why[DISK_WHY_LEN];

static err try_open(const char *dir, bool allow_unready, struct disk **out_disk)
{
    const struct disk_options options = {.dir = dir,
                                         .why = why,
                                         .tables = tables,
                                         .table_count = TABLE_COUNT,
                                         .map_start_bytes = 1 << 20,
                                         .map_bytes_max = 256 << 20,
                                         .allow_unsafe_place = true,
                                         .allow_unready = allow_unready,
                                         .name = "test",
                                         .format = FORMAT};
    const char *problem = NULL;
    return disk_open(&options, out_disk, &problem);
}

static struct disk *open_in(const char *dir)
{
    struct disk *disk = NULL;
    EXPECT_EQ(try_open(dir, false, &disk), OK);
    return disk;
}

static err copy(const char *from, const char *to)
{
    const struct disk_copy_options options = {
        .from = from, .to = to, .name = "test", .format = FORMAT, .why = why};
    uint64_t bytes = 0;
    why[0] = '\0';
    err e = disk_copy(&options, &bytes);
    EXPECT_EQ(bytes > 0, e == OK);
    return e;
}

// The same number in both tables, in one transaction.
static void put_pair(struct disk *disk, uint64_t number)
{
    static const uint8_t value[1000];
    struct disk_key key = disk_key_of(number);
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    for (uint32_t table = 0; table < TABLE_COUNT; table++)
        EXPECT_EQ(disk_append(txn, table, disk_key_slice(&key), slice_of(value, sizeof value)), OK);
    EXPECT_EQ(disk_commit(txn), OK);
}

static uint64_t count_of(struct disk *disk, uint32_t table)
{
    struct disk_reader *reader = NULL;
    struct slice key = {0};
    struct slice value = {0};
    uint64_t count = 0;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    err e = disk_seek(reader, table, (struct slice){0}, &key, &value);
    while (e == OK) {
        EXPECT_EQ(disk_key_number(key), ++count);
        e = disk_next(reader, &key, &value);
    }
    EXPECT_EQ(e, ERR_NOT_FOUND);
    disk_reader_close(reader);
    return count;
}

static bool has_ended(pid_t child, int *out_status)
{
    return waitpid(child, out_status, WNOHANG) == child;
}

TEST(disk_copy, of_a_disk_that_is_written_to_is_of_one_moment)
{
    enum { BEFORE = 100 };
    const char *from = test_temp_dir();
    const char *to = test_temp_dir();
    struct disk *disk = open_in(from);
    uint64_t number = 0;
    while (number < BEFORE)
        put_pair(disk, ++number);
    pid_t child = fork(); // another process, which opens an environment of its own
    if (child == 0)
        _exit(copy(from, to) == OK ? EXIT_SUCCESS : EXIT_FAILURE);
    int status = 0;
    while (!has_ended(child, &status))
        put_pair(disk, ++number);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    disk_close(disk);

    struct disk *made = NULL;
    EXPECT_EQ(try_open(to, true, &made), OK);
    EXPECT(count_of(made, HERE) >= BEFORE && count_of(made, HERE) <= number);
    EXPECT_EQ(count_of(made, HERE), count_of(made, THERE));
    disk_close(made);
}

TEST(disk_copy, nothing_opens_a_backup_but_who_adopts_it)
{
    const char *from = test_temp_dir();
    const char *to = test_temp_dir();
    struct disk *disk = open_in(from);
    struct disk_txn *txn = NULL;
    put_pair(disk, 1);
    disk_close(disk);
    EXPECT_EQ(copy(from, to), OK);

    EXPECT_EQ(try_open(to, false, &disk), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "weft restore") != NULL);
    EXPECT_EQ(try_open(to, true, &disk), OK);
    EXPECT(disk_is_backup(disk));
    put_pair(disk, 2);
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    EXPECT_EQ(disk_renew(txn), OK); // a new format makes no data directory of it
    EXPECT_EQ(disk_commit(txn), OK);
    disk_close(disk);
    EXPECT_EQ(try_open(to, false, &disk), ERR_UNSUPPORTED);

    EXPECT_EQ(try_open(to, true, &disk), OK);
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    EXPECT_EQ(disk_adopt(txn), OK);
    EXPECT_EQ(disk_commit(txn), OK);
    disk_close(disk);
    disk = open_in(to);
    EXPECT(!disk_is_backup(disk));
    EXPECT_EQ(count_of(disk, THERE), 2);
    disk_close(disk);
}

TEST(disk_copy, a_directory_in_the_making_is_its_makers)
{
    char path[PATH_MAX];
    const char *dir = test_temp_dir();
    struct disk *disk = open_in(dir);
    disk_close(disk);
    (void)snprintf(path, sizeof path, "%s/" DISK_UNFINISHED, dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    EXPECT(fd >= 0 && close(fd) == 0);
    EXPECT_EQ(try_open(dir, false, &disk), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "not finished") != NULL);
    EXPECT_EQ(try_open(dir, true, &disk), OK);
    EXPECT(!disk_is_backup(disk));
    disk_close(disk);
}

TEST(disk_copy, what_is_not_its_own_is_not_copied)
{
    uint64_t bytes = 0;
    const char *from = test_temp_dir();
    struct disk *disk = open_in(from);
    put_pair(disk, 1);
    disk_close(disk);
    struct disk_copy_options options = {
        .from = from, .to = test_temp_dir(), .name = "other", .format = FORMAT, .why = why};
    EXPECT_EQ(disk_copy(&options, &bytes), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "another program") != NULL);
    options.name = "test";
    options.format = FORMAT - 1;
    EXPECT_EQ(disk_copy(&options, &bytes), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "later version") != NULL);
    options.format = FORMAT;
    options.to = "/nowhere/at/all";
    EXPECT_EQ(disk_copy(&options, &bytes), ERR_DISK);
    options.to = test_temp_dir();
    options.from = "/nowhere/at/all";
    EXPECT_EQ(disk_copy(&options, &bytes), ERR_DISK);
    options.from = from;
    EXPECT_EQ(disk_copy(&options, &bytes), OK);
    EXPECT_EQ(copy(from, options.to), ERR_DISK); // there is a data file
    EXPECT_EQ(copy(options.to, test_temp_dir()), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "backup") != NULL);
    EXPECT_EQ(bytes % 4096, 0);
}

TEST(disk_copy, of_a_file_that_was_cut_short_is_refused)
{
    char path[PATH_MAX];
    const char *from = test_temp_dir();
    struct disk *disk = open_in(from);
    for (uint64_t number = 1; number <= 200; number++)
        put_pair(disk, number);
    disk_close(disk);
    (void)snprintf(path, sizeof path, "%s/data.mdb", from);
    EXPECT_EQ(truncate(path, 40 * 4096), 0);
    EXPECT_EQ(copy(from, test_temp_dir()), ERR_DAMAGED);
    EXPECT(strstr(why, "cut short") != NULL);
}

// What a killed backup held is used again without a restart.
TEST(disk_copy, a_reader_of_a_process_that_died_keeps_no_pages)
{
    enum { BEFORE_DEATH = 10, CLEARED = 1030, END = 1130 };
    const char *dir = test_temp_dir();
    int news[2];
    char byte = 0;
    EXPECT_EQ(pipe(news), 0);
    struct disk *disk = open_in(dir);
    put_pair(disk, 1);
    disk_close(disk);
    pid_t child = fork();
    if (child == 0) {
        struct disk_reader *reader = NULL;
        bool reads = try_open(dir, false, &disk) == OK && disk_reader_open(disk, &reader) == OK &&
                     disk_read_begin(reader) == OK;
        // Its lock on the directory is not the one of the library: another process may come in.
        (void)snprintf(why, sizeof why, "%s/lock", dir);
        bool is_shared = unlink(why) == 0;
        if (write(news[1], "", reads && is_shared) == 1)
            (void)pause();
        _exit(EXIT_FAILURE);
    }
    EXPECT_EQ(read(news[0], &byte, 1), 1);
    disk = open_in(dir);
    struct disk_usage first = {0};
    struct disk_usage second = {0};
    struct disk_key key = disk_key_of(1);
    for (int i = 0; i < END; i++) {
        struct disk_txn *txn = NULL;
        if (i == BEFORE_DEATH)
            EXPECT(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
        EXPECT_EQ(disk_begin(disk, &txn), OK);
        EXPECT_EQ(disk_put(txn, HERE, disk_key_slice(&key), slice_of(&i, sizeof i)), OK);
        EXPECT_EQ(disk_commit(txn), OK);
        if (i == CLEARED)
            disk_usage(disk, &first);
    }
    disk_usage(disk, &second);
    EXPECT_EQ(second.file_bytes, first.file_bytes);
    disk_close(disk);
    EXPECT(close(news[0]) == 0 && close(news[1]) == 0);
}
