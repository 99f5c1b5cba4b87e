// The LMDB seam: what was committed is there, what was not is not, and nothing unsafe opens.

#include "lib/disk/disk.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

enum { JOBS, IDS, TABLE_COUNT };
static const char *const tables[TABLE_COUNT] = {"jobs", "ids"};

static struct disk_options options_for(const char *dir)
{
    static char why[DISK_WHY_LEN];
    return (struct disk_options){.dir = dir,
                                 .why = why,
                                 .tables = tables,
                                 .table_count = TABLE_COUNT,
                                 .map_start_bytes = 1 << 20,
                                 .map_bytes_max = 64 << 20,
                                 .allow_unsafe_place = true,
                                 .name = "test",
                                 .format = 3};
}

static struct disk *open_in(const char *dir)
{
    struct disk_options options = options_for(dir);
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &disk, &why), OK);
    EXPECT(why == NULL);
    return disk;
}

static err put_number(struct disk_txn *txn, uint64_t number, const char *text)
{
    struct disk_key key = disk_key_of(number);
    return disk_put(txn, JOBS, disk_key_slice(&key), slice_of_text(text));
}

static void put_one(struct disk *disk, uint64_t number, const char *text)
{
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    EXPECT_EQ(put_number(txn, number, text), OK);
    EXPECT_EQ(disk_commit(txn), OK);
}

static err get_number(struct disk_reader *reader, uint64_t number, struct slice *out_value)
{
    struct disk_key key = disk_key_of(number);
    return disk_get(reader, JOBS, disk_key_slice(&key), out_value);
}

TEST(disk, a_place_that_cannot_be_made_says_what_to_do)
{
    struct disk_options options = options_for("/dev/null/store");
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &disk, &why), ERR_DISK);
    EXPECT_STR(why, "/dev/null/store: the directory cannot be made; choose another with --data "
                    "(Not a directory)");
}

TEST(disk, committed_values_are_there_after_reopening)
{
    const char *dir = test_temp_dir();
    struct disk *disk = open_in(dir);
    put_one(disk, 7, "seven");
    disk_close(disk);

    disk = open_in(dir);
    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    struct slice value = {0};
    EXPECT_EQ(get_number(reader, 7, &value), OK);
    EXPECT(slice_is_text(value, "seven"));
    EXPECT_EQ(get_number(reader, 8, &value), ERR_NOT_FOUND);
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, aborted_values_are_not_there)
{
    struct disk *disk = open_in(test_temp_dir());
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    EXPECT_EQ(put_number(txn, 1, "one"), OK);
    disk_abort(txn);
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    struct disk_key key = disk_key_of(1);
    struct slice value = {0};
    EXPECT_EQ(disk_txn_get(txn, JOBS, disk_key_slice(&key), &value), ERR_NOT_FOUND);
    disk_abort(txn);
    disk_close(disk);
}

TEST(disk, append_refuses_a_key_that_is_not_above)
{
    struct disk *disk = open_in(test_temp_dir());
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    struct disk_key low = disk_key_of(255);
    struct disk_key high = disk_key_of(256);
    EXPECT_EQ(disk_append(txn, JOBS, disk_key_slice(&low), slice_of_text("a")), OK);
    EXPECT_EQ(disk_append(txn, JOBS, disk_key_slice(&high), slice_of_text("b")), OK);
    EXPECT_EQ(disk_append(txn, JOBS, disk_key_slice(&high), slice_of_text("c")), ERR_CONFLICT);
    EXPECT_EQ(disk_append(txn, JOBS, disk_key_slice(&low), slice_of_text("c")), ERR_CONFLICT);
    uint8_t *room = NULL;
    EXPECT_EQ(disk_append_reserve(txn, JOBS, disk_key_slice(&low), 1, &room), ERR_CONFLICT);
    EXPECT_EQ(disk_commit(txn), OK);
    disk_close(disk);
}

TEST(disk, found_value_is_replaced_in_place)
{
    struct disk *disk = open_in(test_temp_dir());
    put_one(disk, 4, "four");
    put_one(disk, 5, "five");
    put_one(disk, 6, "six!");
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    struct disk_key key = disk_key_of(5);
    struct slice old = {0};
    EXPECT_EQ(disk_txn_get(txn, JOBS, disk_key_slice(&key), &old), OK);
    EXPECT(slice_is_text(old, "five"));
    uint8_t *room = NULL;
    EXPECT_EQ(disk_replace(txn, JOBS, disk_key_slice(&key), 4, &room), OK);
    memcpy(room, "FIVE", 4);
    EXPECT_EQ(disk_txn_get(txn, JOBS, disk_key_slice(&key), &old), OK);
    EXPECT(slice_is_text(old, "FIVE"));
    EXPECT_EQ(disk_replace(txn, JOBS, disk_key_slice(&key), 9, &room), OK);
    memcpy(room, "five five", 9);
    EXPECT_EQ(disk_commit(txn), OK);

    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    static const char *const expected[] = {"four", "five five", "six!"};
    for (uint64_t i = 0; i < 3; i++) {
        struct slice value = {0};
        EXPECT_EQ(get_number(reader, 4 + i, &value), OK);
        EXPECT(slice_is_text(value, expected[i]));
    }
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, snapshot_does_not_see_later_commits)
{
    struct disk *disk = open_in(test_temp_dir());
    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    put_one(disk, 1, "one");
    struct slice value = {0};
    EXPECT_EQ(get_number(reader, 1, &value), ERR_NOT_FOUND);
    disk_read_end(reader);
    EXPECT_EQ(disk_read_begin(reader), OK);
    EXPECT_EQ(get_number(reader, 1, &value), OK);
    disk_read_end(reader);
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, walk_follows_the_numbers)
{
    struct disk *disk = open_in(test_temp_dir());
    put_one(disk, 256, "c");
    put_one(disk, 3, "a");
    put_one(disk, 255, "b");
    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    struct disk_key from = disk_key_of(4);
    struct slice key = {0};
    struct slice value = {0};
    EXPECT_EQ(disk_seek(reader, JOBS, slice_of(NULL, 0), &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 3);
    EXPECT_EQ(disk_seek(reader, JOBS, disk_key_slice(&from), &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 255);
    // Asking for something else in between does not disturb the walk's place in another table.
    EXPECT_EQ(disk_get(reader, IDS, slice_of_text("x"), &value), ERR_NOT_FOUND);
    EXPECT_EQ(disk_next(reader, &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 256);
    EXPECT_EQ(disk_next(reader, &key, &value), ERR_NOT_FOUND);
    EXPECT_EQ(disk_seek(reader, IDS, slice_of(NULL, 0), &key, &value), ERR_NOT_FOUND);
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, a_walk_goes_backwards_too)
{
    struct disk *disk = open_in(test_temp_dir());
    put_one(disk, 256, "c");
    put_one(disk, 3, "a");
    put_one(disk, 255, "b");
    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    struct slice key = {0};
    struct slice value = {0};
    EXPECT_EQ(disk_seek_back(reader, JOBS, slice_of(NULL, 0), &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 256);
    struct disk_key upto = disk_key_of(1000); // behind the last
    EXPECT_EQ(disk_seek_back(reader, JOBS, disk_key_slice(&upto), &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 256);
    upto = disk_key_of(255); // just there
    EXPECT_EQ(disk_seek_back(reader, JOBS, disk_key_slice(&upto), &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 255);
    EXPECT(slice_is_text(value, "b"));
    EXPECT_EQ(disk_prev(reader, &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 3);
    EXPECT_EQ(disk_prev(reader, &key, &value), ERR_NOT_FOUND);
    upto = disk_key_of(100); // between
    EXPECT_EQ(disk_seek_back(reader, JOBS, disk_key_slice(&upto), &key, &value), OK);
    EXPECT_EQ(disk_key_number(key), 3);
    upto = disk_key_of(2); // before the first
    EXPECT_EQ(disk_seek_back(reader, JOBS, disk_key_slice(&upto), &key, &value), ERR_NOT_FOUND);
    EXPECT_EQ(disk_seek_back(reader, IDS, slice_of(NULL, 0), &key, &value), ERR_NOT_FOUND);
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, drop_takes_one_and_says_when_there_is_none)
{
    struct disk *disk = open_in(test_temp_dir());
    put_one(disk, 1, "one");
    put_one(disk, 2, "two");
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    struct disk_key key = disk_key_of(1);
    EXPECT_EQ(disk_drop(txn, JOBS, disk_key_slice(&key)), OK);
    EXPECT_EQ(disk_drop(txn, JOBS, disk_key_slice(&key)), ERR_NOT_FOUND);
    struct slice value = {0};
    key = disk_key_of(2);
    EXPECT_EQ(disk_txn_get(txn, JOBS, disk_key_slice(&key), &value), OK);
    EXPECT_EQ(disk_commit(txn), OK);
    disk_close(disk);
}

TEST(disk, map_grows_until_its_largest_size)
{
    struct disk *disk = open_in(test_temp_dir());
    struct disk_reader *reader = NULL; // lives across the growth
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    uint64_t written = 0;
    err e = OK;
    static uint8_t big[100000];
    for (uint64_t i = 0; i < 2000 && e == OK; i++) {
        struct disk_txn *txn = NULL;
        EXPECT_EQ(disk_begin(disk, &txn), OK);
        struct disk_key key = disk_key_of(i);
        e = disk_append(txn, JOBS, disk_key_slice(&key), slice_of(big, sizeof big));
        if (e == OK) {
            EXPECT_EQ(disk_commit(txn), OK);
            written = i;
        } else {
            EXPECT_EQ(e, ERR_FULL);
            disk_abort(txn);
        }
    }
    EXPECT_EQ(e, ERR_FULL);
    struct disk_usage usage = {0};
    disk_usage(disk, &usage);
    EXPECT_EQ(usage.map_bytes, 64 << 20);
    EXPECT(usage.file_bytes > (60u << 20) && usage.file_bytes <= usage.map_bytes);
    EXPECT_EQ(disk_read_begin(reader), OK);
    struct slice value = {0};
    EXPECT_EQ(get_number(reader, written, &value), OK);
    EXPECT_EQ(value.len, sizeof big);
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, transaction_larger_than_the_map_passes_at_the_second_try)
{
    struct disk *disk = open_in(test_temp_dir());
    static uint8_t big[3 << 20];
    struct disk_key key = disk_key_of(1);
    err e = ERR_FULL;
    unsigned tries = 0;
    while (e == ERR_FULL && tries < 10) {
        struct disk_txn *txn = NULL;
        EXPECT_EQ(disk_begin(disk, &txn), OK);
        e = disk_put(txn, JOBS, disk_key_slice(&key), slice_of(big, sizeof big));
        tries++;
        if (e == OK)
            EXPECT_EQ(disk_commit(txn), OK);
        else
            disk_abort(txn);
    }
    EXPECT_EQ(e, OK);
    EXPECT(tries > 1);
    disk_close(disk);
}

struct growth {
    struct disk *disk;
    err e;
};

static void *fill(void *ctx)
{
    struct growth *growth = ctx;
    static uint8_t big[50000];
    for (uint64_t i = 0; i < 600 && growth->e == OK; i++) {
        struct disk_txn *txn = NULL;
        growth->e = disk_begin(growth->disk, &txn);
        if (growth->e != OK)
            break;
        struct disk_key key = disk_key_of(i);
        growth->e = disk_append(txn, JOBS, disk_key_slice(&key), slice_of(big, sizeof big));
        if (growth->e == OK)
            growth->e = disk_commit(txn);
        else
            disk_abort(txn);
    }
    return NULL;
}

TEST(disk, readers_and_growth_take_turns)
{
    struct disk *disk = open_in(test_temp_dir());
    put_one(disk, 1000000, "last");
    struct disk_txn *txn = NULL;
    EXPECT_EQ(disk_begin(disk, &txn), OK);
    struct disk_key key = disk_key_of(1000000);
    EXPECT_EQ(disk_drop(txn, JOBS, disk_key_slice(&key)), OK);
    EXPECT_EQ(disk_commit(txn), OK);
    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    struct growth growth = {.disk = disk};
    pthread_t writer;
    EXPECT_EQ(pthread_create(&writer, NULL, fill, &growth), 0);
    struct slice value = {0};
    while (true) {
        EXPECT_EQ(disk_read_begin(reader), OK);
        bool is_done = get_number(reader, 599, &value) == OK;
        struct slice at = {0};
        if (disk_seek(reader, JOBS, slice_of(NULL, 0), &at, &value) == OK)
            EXPECT_EQ(value.len, 50000);
        disk_read_end(reader);
        if (is_done)
            break;
    }
    EXPECT_EQ(pthread_join(writer, NULL), 0);
    EXPECT_EQ(growth.e, OK);
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, space_is_kept_ahead)
{
    struct disk_options options = options_for(test_temp_dir());
    options.ahead_bytes = 1 << 20;
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &disk, &why), OK);
    put_one(disk, 1, "one");
    struct disk_usage usage = {0};
    disk_usage(disk, &usage);
    EXPECT(usage.ahead_left_bytes >= 1 << 20);
    EXPECT(!usage.is_short);
    disk_close(disk);
}

TEST(disk, second_open_of_a_directory_is_refused)
{
    const char *dir = test_temp_dir();
    struct disk *disk = open_in(dir);
    struct disk_options options = options_for(dir);
    struct disk *second = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &second, &why), ERR_LOCKED);
    EXPECT(second == NULL);
    EXPECT(strstr(why, "another process") != NULL);
    disk_close(disk);
    disk_close(open_in(dir)); // the refused attempt has not taken the lock away
}

TEST(disk, data_of_another_program_or_of_the_future_is_refused)
{
    const char *dir = test_temp_dir();
    disk_close(open_in(dir));
    struct disk_options options = options_for(dir);
    struct disk *disk = NULL;
    const char *why = NULL;
    options.format = 2;
    EXPECT_EQ(disk_open(&options, &disk, &why), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "later version") != NULL);
    options.format = 4;
    options.name = "other";
    EXPECT_EQ(disk_open(&options, &disk, &why), ERR_UNSUPPORTED);
    EXPECT(strstr(why, "another program") != NULL);
    options.name = "test";
    EXPECT_EQ(disk_open(&options, &disk, &why), OK);
    disk_close(disk);
}

TEST(disk, file_that_is_no_data_file_is_refused)
{
    const char *dir = test_temp_dir();
    char path[512];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    FILE *file = fopen(path, "w");
    EXPECT(file != NULL);
    for (int i = 0; i < 10000; i++)
        EXPECT_EQ(fputc('x', file), 'x');
    EXPECT_EQ(fclose(file), 0);
    struct disk_options options = options_for(dir);
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(disk_open(&options, &disk, &why), ERR_DAMAGED);
    EXPECT(why != NULL);
}

TEST(disk, killed_writer_leaves_the_last_commit)
{
    const char *dir = test_temp_dir();
    pid_t child = fork(); // before this process has any disk open
    EXPECT(child >= 0);
    if (child == 0) {
        struct disk_options options = options_for(dir);
        struct disk *disk = NULL;
        const char *why = NULL;
        struct disk_txn *txn = NULL;
        bool is_ready = disk_open(&options, &disk, &why) == OK && disk_begin(disk, &txn) == OK &&
                        put_number(txn, 1, "kept") == OK && disk_commit(txn) == OK &&
                        disk_begin(disk, &txn) == OK && put_number(txn, 1, "lost") == OK;
        (void)kill(getpid(), is_ready ? SIGKILL : SIGTERM);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    struct disk *disk = open_in(dir);
    struct disk_reader *reader = NULL;
    EXPECT_EQ(disk_reader_open(disk, &reader), OK);
    EXPECT_EQ(disk_read_begin(reader), OK);
    struct slice value = {0};
    EXPECT_EQ(get_number(reader, 1, &value), OK);
    EXPECT(slice_is_text(value, "kept"));
    disk_reader_close(reader);
    disk_close(disk);
}

TEST(disk, writing_after_fork_dies)
{
    struct disk *disk = open_in(test_temp_dir());
    struct disk_txn *txn = NULL;
    err e = OK;
    EXPECT_DIES(e = disk_begin(disk, &txn));
    EXPECT_EQ(e, OK);
    disk_close(disk);
}

// Fills a map that cannot grow, `count` keys a transaction; how many were settled.
static uint64_t fill_up(struct disk *disk, uint64_t count, uint64_t *refused_by_commit)
{
    static const uint8_t bytes[900];
    uint64_t settled = 0;
    err e = OK;
    while (e == OK) {
        struct disk_txn *txn = NULL;
        EXPECT_EQ(disk_begin(disk, &txn), OK);
        for (uint64_t i = 0; i < count && e == OK; i++) {
            // One in three replaces an old value, so that pages come free and are listed.
            struct disk_key key = disk_key_of(i % 3 == 2 ? (settled + i) / 3 : settled + i);
            e = disk_put(txn, JOBS, disk_key_slice(&key), slice_of(bytes, sizeof bytes));
        }
        if (e != OK) {
            disk_abort(txn);
            break;
        }
        e = disk_commit(txn);
        *refused_by_commit += e == ERR_FULL;
        settled += e == OK ? count : 0;
    }
    EXPECT_EQ(e, ERR_FULL);
    return settled;
}

TEST(disk, end_of_the_map_inside_a_commit_breaks_nothing)
{
    uint64_t refused_by_commit = 0;
    for (uint64_t count = 4; count <= 40; count += 3) {
        struct disk_options options = options_for(test_temp_dir());
        options.map_bytes_max = options.map_start_bytes;
        struct disk *disk = NULL;
        const char *why = NULL;
        EXPECT_EQ(disk_open(&options, &disk, &why), OK);
        uint64_t settled = fill_up(disk, count, &refused_by_commit);
        EXPECT(settled > 100);
        struct disk_reader *reader = NULL;
        EXPECT_EQ(disk_reader_open(disk, &reader), OK);
        EXPECT_EQ(disk_read_begin(reader), OK);
        struct slice value = {0};
        EXPECT_EQ(get_number(reader, settled / count * count - count, &value), OK);
        EXPECT_EQ(value.len, 900);
        disk_reader_close(reader);
        disk_close(disk);
    }
    EXPECT(refused_by_commit > 0);
}
