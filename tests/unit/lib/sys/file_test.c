#include "lib/sys/file.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[4096];

static const char *below(const char *dir, const char *name)
{
    EXPECT(snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path);
    return path;
}

static void expect_content(const char *file, const char *expected)
{
    char text[64];
    size_t len = 0;
    EXPECT_EQ(file_read(file, text, sizeof text, &len), OK);
    EXPECT_EQ(len, strlen(expected));
    EXPECT_MEM(text, expected, len);
}

TEST(file, makes_directories_with_their_parents)
{
    struct stat info;
    const char *dir = test_temp_dir();
    EXPECT_EQ(file_make_dirs(below(dir, "a/b//c/")), OK);
    EXPECT_EQ(stat(below(dir, "a/b/c"), &info), 0);
    EXPECT(S_ISDIR(info.st_mode));
    EXPECT_EQ(info.st_mode & 0777, 0700);
    EXPECT_EQ(file_make_dirs(below(dir, "a/b/c")), OK);
    EXPECT_EQ(file_make_dirs(dir), OK);
    EXPECT_EQ(file_make_dirs("/"), OK);
}

TEST(file, makes_no_directory_through_a_file)
{
    const char *dir = test_temp_dir();
    EXPECT_EQ(file_write(below(dir, "plain"), slice_of_text("x")), OK);
    EXPECT(file_make_dirs(below(dir, "plain")) != OK);
    EXPECT(file_make_dirs(below(dir, "plain/deeper")) != OK);
    EXPECT_EQ(file_make_dirs(""), ERR_SYSTEM);
    char large[5000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    EXPECT_EQ(file_make_dirs(large), ERR_SYSTEM);
    EXPECT_EQ(errno, ENAMETOOLONG);
}

TEST(file, replaces_a_file_in_one_step)
{
    const char *dir = test_temp_dir();
    EXPECT_EQ(file_write(below(dir, "f"), slice_of_text("first and long")), OK);
    int old = open(path, O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(file_write(path, slice_of_text("second")), OK);
    expect_content(path, "second");
    char text[32] = "";
    EXPECT_EQ(read(old, text, sizeof text), 14); // who has the old one open keeps it whole
    EXPECT_STR(text, "first and long");
    EXPECT_EQ(close(old), 0);
    EXPECT_EQ(file_write(path, slice_of(NULL, 0)), OK);
    expect_content(path, "");
    EXPECT_EQ(access(below(dir, "f.new"), F_OK), -1);
    EXPECT_EQ(file_write(below(dir, "no/such/f"), slice_of_text("x")), ERR_SYSTEM);
    EXPECT_EQ(errno, ENOENT);
}

// A limit on the size of files stands in for a full disk.
TEST(file, keeps_the_old_bytes_when_the_new_ones_do_not_fit)
{
    static uint8_t large[65536];
    const char *dir = test_temp_dir();
    EXPECT_EQ(file_write(below(dir, "f"), slice_of_text("old")), OK);
    pid_t child = fork();
    if (child == 0) {
        bool set =
            setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 4096, .rlim_max = 4096}) == 0 &&
            sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL) == 0;
        err result = file_write(path, slice_of(large, sizeof large));
        _exit(set && result != OK && errno == EFBIG ? 0 : 1);
    }
    int status = 1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    expect_content(path, "old");
}

TEST(file, calls_an_io_error_one_of_the_disk)
{
    char text[4];
    size_t len = 0;
    EXPECT_EQ(file_read("/proc/self/mem", text, sizeof text, &len), ERR_DISK);
    EXPECT_EQ(errno, EIO);
}

TEST(file, reads_what_is_small_enough)
{
    const char *dir = test_temp_dir();
    char text[8];
    size_t len = 77;
    EXPECT_EQ(file_write(below(dir, "f"), slice_of_text("12345678")), OK);
    EXPECT_EQ(file_read(path, text, 8, &len), OK);
    EXPECT_EQ(len, 8);
    len = 77;
    EXPECT_EQ(file_read(path, text, 7, &len), ERR_TOO_LARGE);
    EXPECT_EQ(file_read(below(dir, "none"), text, 8, &len), ERR_NOT_FOUND);
    EXPECT_EQ(file_read(dir, text, 8, &len), ERR_SYSTEM);
    EXPECT_EQ(len, 77);
}

// Another process tries the lock: its exit status is the error.
static err lock_elsewhere(const char *dir)
{
    pid_t child = fork();
    if (child == 0) {
        int lock;
        _exit((int)file_lock(dir, &lock));
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status));
    return (err)WEXITSTATUS(status);
}

TEST(file, locks_a_directory_for_one_process)
{
    const char *dir = test_temp_dir();
    int lock = -1;
    char owner[32];
    EXPECT(!file_is_held(dir));
    EXPECT_EQ(lock_elsewhere(dir), OK); // and dies with it, which frees it
    EXPECT(!file_is_held(dir));
    EXPECT_EQ(file_lock(dir, &lock), OK);
    EXPECT(file_is_held(dir));
    EXPECT(fcntl(lock, F_GETFD) & FD_CLOEXEC);
    EXPECT_EQ(lock_elsewhere(dir), ERR_LOCKED);
    (void)snprintf(owner, sizeof owner, "%d\n", (int)getpid());
    expect_content(below(dir, "lock"), owner);
    file_unlock(lock);
    EXPECT_EQ(lock_elsewhere(dir), OK);
    EXPECT_EQ(file_lock(below(dir, "none"), &lock), ERR_SYSTEM);
}

TEST(file, knows_what_it_lies_on)
{
    enum file_kind kind = FILE_REMOTE;
    uint64_t bytes = 0;
    EXPECT_EQ(file_kind_of(test_temp_dir(), &kind), OK);
    EXPECT(kind == FILE_LOCAL || kind == FILE_FLEETING);
    if (access("/dev/shm", F_OK) == 0) {
        EXPECT_EQ(file_kind_of("/dev/shm", &kind), OK);
        EXPECT_EQ(kind, FILE_FLEETING);
    }
    EXPECT_EQ(file_kind_of("/nowhere/at/all", &kind), ERR_NOT_FOUND);
    EXPECT_EQ(file_free_bytes(test_temp_dir(), &bytes), OK);
    EXPECT(bytes > 0);
    EXPECT_EQ(file_free_bytes("/nowhere/at/all", &bytes), ERR_NOT_FOUND);
}
