// Files that were cut short or lost pages: it is said, and nothing dies in silence.

#include "lib/disk/disk.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, FILE_LEN_MAX = 1 << 20 };
static const char *const tables[] = {"jobs"};
static uint8_t bytes[FILE_LEN_MAX];

static err open_in(const char *dir, struct disk **out_disk, const char **out_why)
{
    static char why[DISK_WHY_LEN];
    struct disk_options options = {.dir = dir,
                                   .why = why,
                                   .tables = tables,
                                   .table_count = 1,
                                   .map_start_bytes = 4 << 20,
                                   .allow_unsafe_place = true};
    return disk_open(&options, out_disk, out_why);
}

static const char *path_in(const char *dir)
{
    static char path[512];
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    return path;
}

static void put(struct disk_txn *txn, uint64_t number, size_t len)
{
    static const uint8_t zeros[3 * PAGE];
    struct disk_key key = disk_key_of(number);
    EXPECT_EQ(disk_put(txn, 0, disk_key_slice(&key), slice_of(zeros, len)), OK);
}

// Returns the length of the data file, which is kept in `bytes`. The last commit may take a page
// and give it back.
static size_t make_file(const char *dir, bool gives_back)
{
    struct disk *disk = NULL;
    struct disk_txn *txn = NULL;
    const char *why = NULL;
    EXPECT_EQ(open_in(dir, &disk, &why), OK);
    for (uint64_t i = 0; i < 8; i++) {
        EXPECT_EQ(disk_begin(disk, &txn), OK);
        for (uint64_t k = 0; k < 32; k++)
            put(txn, i * 32 + k, 300);
        EXPECT_EQ(disk_commit(txn), OK);
    }
    if (gives_back) {
        struct disk_key key = disk_key_of(1000);
        EXPECT_EQ(disk_begin(disk, &txn), OK);
        for (uint64_t k = 0; k < 32; k++)
            put(txn, 900 + k, 300); // takes what pages are free
        put(txn, 1000, sizeof(uint8_t[3 * PAGE]));
        EXPECT_EQ(disk_drop(txn, 0, disk_key_slice(&key)), OK);
        EXPECT_EQ(disk_commit(txn), OK);
    }
    struct disk_usage usage = {0};
    disk_usage(disk, &usage);
    disk_close(disk);
    int fd = open(path_in(dir), O_RDONLY | O_CLOEXEC);
    ssize_t len = read(fd, bytes, sizeof bytes);
    EXPECT(len > 20 * PAGE && len < FILE_LEN_MAX);
    EXPECT_EQ(close(fd), 0);
    EXPECT_EQ((uint64_t)len < usage.file_bytes, gives_back);
    return (size_t)len;
}

static void write_file(const char *dir, const uint8_t *data, size_t len)
{
    int fd = open(path_in(dir), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    EXPECT_EQ(write(fd, data, len), (ssize_t)len);
    EXPECT_EQ(close(fd), 0);
}

TEST(disk_damage, file_that_was_cut_short_is_refused_with_its_lengths)
{
    const char *dir = test_temp_dir();
    size_t len = make_file(dir, false);
    for (size_t cut = len - 1; cut > 2 * PAGE; cut -= cut > 7 * PAGE ? 5 * PAGE + 1 : 3000) {
        struct disk *disk = NULL;
        const char *why = NULL;
        char told[128];
        write_file(dir, bytes, cut);
        EXPECT_EQ(open_in(dir, &disk, &why), ERR_DAMAGED);
        (void)snprintf(told, sizeof told, "cut short: %zu of %zu bytes; restore", cut, len);
        EXPECT(why != NULL && strstr(why, told) != NULL);
    }
    for (size_t cut = 1; cut <= 2 * PAGE; cut += PAGE / 2 - 1) { // not even the first pages
        struct disk *disk = NULL;
        const char *why = NULL;
        write_file(dir, bytes, cut);
        EXPECT_EQ(open_in(dir, &disk, &why), ERR_DAMAGED);
        EXPECT(why != NULL && strstr(why, "restore") != NULL);
    }
    struct disk *disk = NULL;
    const char *why = NULL;
    write_file(dir, bytes, len);
    EXPECT_EQ(open_in(dir, &disk, &why), OK);
    disk_close(disk);
}

TEST(disk_damage, sound_file_without_its_free_pages_at_the_end_opens)
{
    const char *dir = test_temp_dir();
    size_t len = make_file(dir, true);
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(open_in(dir, &disk, &why), OK);
    disk_close(disk);
    write_file(dir, bytes, len - 1);
    EXPECT_EQ(open_in(dir, &disk, &why), ERR_DAMAGED);
}

// As in a host of libweft that does not want to hear of its children.
TEST(disk_damage, sound_file_opens_where_the_ends_of_children_are_ignored)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction kept;
    const char *dir = test_temp_dir();
    size_t len = make_file(dir, true);
    struct disk *disk = NULL;
    const char *why = NULL;
    EXPECT_EQ(sigaction(SIGCHLD, &ignore, &kept), 0);
    EXPECT_EQ(open_in(dir, &disk, &why), OK);
    disk_close(disk);
    write_file(dir, bytes, len - 1);
    EXPECT_EQ(open_in(dir, &disk, &why), ERR_DAMAGED);
    EXPECT_EQ(sigaction(SIGCHLD, &kept, NULL), 0);
}

static err open_and_walk(const char *dir)
{
    struct disk *disk = NULL;
    struct disk_reader *reader = NULL;
    const char *why = NULL;
    err e = open_in(dir, &disk, &why);
    if (e != OK)
        return why != NULL ? e : ERR_SYSTEM;
    struct slice key;
    struct slice value;
    e = disk_reader_open(disk, &reader);
    if (e == OK)
        e = disk_read_begin(reader);
    if (e == OK)
        e = disk_seek(reader, 0, slice_of(NULL, 0), &key, &value);
    while (e == OK)
        e = disk_next(reader, &key, &value);
    return disk_verdict(disk, e);
}

// Opens and reads in a child; what it wrote to standard error, and its status.
static int read_elsewhere(const char *dir, char *out_said, size_t cap)
{
    int said[2];
    EXPECT_EQ(pipe(said), 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        (void)dup2(said[1], STDERR_FILENO);
        err e = open_and_walk(dir);
        _exit(e == ERR_NOT_FOUND ? 0 : e == ERR_DAMAGED ? 1 : 2);
    }
    EXPECT_EQ(close(said[1]), 0);
    size_t len = 0;
    ssize_t got;
    while (len + 1 < cap && (got = read(said[0], out_said + len, cap - 1 - len)) > 0)
        len += (size_t)got;
    out_said[len] = '\0';
    EXPECT_EQ(close(said[0]), 0);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
}

TEST(disk_damage, lost_page_is_told_or_not_met)
{
    const char *dir = test_temp_dir();
    size_t len = make_file(dir, false);
    unsigned told = 0;
    unsigned died = 0;
    for (size_t at = 0; at + PAGE <= len; at += 2 * PAGE) {
        static uint8_t kept[PAGE];
        static char said[1 << 16];
        memcpy(kept, bytes + at, PAGE);
        memset(bytes + at, 0, PAGE);
        write_file(dir, bytes, len);
        memcpy(bytes + at, kept, PAGE);
        int status = read_elsewhere(dir, said, sizeof said);
        if (WIFSIGNALED(status)) {
            EXPECT(strstr(said, "disk.damaged") != NULL);
            died++;
        } else {
            EXPECT(WEXITSTATUS(status) <= 1);
            told += WEXITSTATUS(status) == 1;
        }
    }
    EXPECT(told > 0);
    EXPECT(died > 0);
}

TEST(disk_damage, mixed_up_pages_are_told)
{
    enum { FLAGS_AT = 10, LOWER_AT = 12, LEAF = 2, HEAD_LEN = 16, KEYS_LEN_MIN = 16 };
    const char *dir = test_temp_dir();
    static char said[1 << 10];
    size_t len = make_file(dir, false);
    const uint8_t *first = NULL;
    for (size_t at = 2 * PAGE; at + PAGE <= len; at += PAGE) {
        uint8_t *page = bytes + at;
        size_t lower = (size_t)page[LOWER_AT] | (size_t)page[LOWER_AT + 1] << 8;
        if (page[FLAGS_AT] != LEAF || lower < HEAD_LEN + KEYS_LEN_MIN)
            continue;
        if (first == NULL)
            first = page;
        else
            memcpy(page, first, PAGE); // every leaf of the table has the same keys now
    }
    EXPECT(first != NULL);
    write_file(dir, bytes, len);
    int status = read_elsewhere(dir, said, sizeof said);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}
