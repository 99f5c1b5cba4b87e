// The main() of every unit test: collects the tests, picks those asked for, runs them with cmocka.

#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_COUNT_MAX 512
#define TEMP_DIR_COUNT_MAX 256

static struct CMUnitTest all[TEST_COUNT_MAX];
static size_t all_count;
static uint64_t seed;
static char *temp_dirs[TEMP_DIR_COUNT_MAX];
static size_t temp_dir_count;
static pid_t owner; // children made by fork() must not remove the directories of the test
static pid_t child;

static void give_up(const char *why)
{
    fprintf(stderr, "test: %s\n", why);
    exit(2);
}

void test_add(const char *name, CMUnitTestFunction run)
{
    if (all_count == TEST_COUNT_MAX)
        give_up("more tests in one file than TEST_COUNT_MAX");
    all[all_count++] = (struct CMUnitTest){.name = name, .test_func = run};
}

uint64_t test_seed(void)
{
    return seed;
}

void *test_zeroed(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        give_up("no memory");
    return memory;
}

FILE *test_open_page(const char *name)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/%s", WEFT_DOCS, name);
    FILE *page = fopen(path, "r");
    if (page == NULL)
        give_up("a page of docs/ cannot be opened");
    return page;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_temp_dirs(void)
{
    if (getpid() != owner)
        return;
    for (size_t i = 0; i < temp_dir_count; i++) {
        (void)nftw(temp_dirs[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS); // a leftover harms nobody
        free(temp_dirs[i]);
    }
}

const char *test_temp_dir(void)
{
    if (temp_dir_count == TEMP_DIR_COUNT_MAX)
        give_up("more directories than TEMP_DIR_COUNT_MAX");
    if (temp_dir_count == 0 && atexit(remove_temp_dirs) != 0)
        give_up("atexit failed");

    const char *root = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/weft-test-XXXXXX", root != NULL ? root : "/tmp") < 0)
        give_up("no memory");
    if (mkdtemp(path) == NULL)
        give_up("mkdtemp failed");
    temp_dirs[temp_dir_count++] = path;
    return path;
}

void test_expect_eq(intmax_t actual, intmax_t expected, const char *claim, const char *file,
                    int line)
{
    if (actual == expected)
        return;
    print_error("%s\n%jd != %jd\n", claim, actual, expected);
    _fail(file, line);
}

void test_expect_str(const char *actual, const char *expected, const char *file, int line)
{
    if (actual != NULL && expected != NULL)
        _assert_string_equal(actual, expected, file, line);
    else if (actual != expected)
        _fail(file, line);
}

bool test_fork(void)
{
    (void)fflush(NULL);
    child = fork();
    if (child < 0)
        give_up("fork failed");
    if (child > 0)
        return false;

    // The death is expected: no core file, no noise, and no cmocka handler in between.
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0});
    int quiet = open("/dev/null", O_WRONLY);
    if (quiet >= 0)
        (void)dup2(quiet, STDERR_FILENO);
    static const int deadly[] = {SIGABRT, SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP};
    for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
        (void)sigaction(deadly[i], &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    return true;
}

void test_child_survived(void)
{
    _exit(0);
}

bool test_child_died(void)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            give_up("waitpid failed");
    }
    return WIFSIGNALED(status);
}

// Keeps the tests whose name contains `word`, in their order.
static void keep_only(const char *word)
{
    size_t kept = 0;
    for (size_t i = 0; i < all_count; i++) {
        if (strstr(all[i].name, word) != NULL)
            all[kept++] = all[i];
    }
    all_count = kept;
    if (kept == 0)
        give_up("no test has such a name");
}

static uint64_t fresh_seed(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return ((uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u) ^
           ((uint64_t)getpid() << 40);
}

int main(int argc, char **argv)
{
    owner = getpid();
    seed = fresh_seed();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            seed = strtoull(argv[++i], NULL, 0);
        else
            keep_only(argv[i]);
    }
    printf("--seed %ju\n", (uintmax_t)seed);
    return _cmocka_run_group_tests(argv[0], all, all_count, NULL, NULL) == 0 ? 0 : 1;
}
