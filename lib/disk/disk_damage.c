// A file that is not what it should be: what the library says of it, and what it does not see, a
// file that was cut short, whose missing pages would end the process when they are read.

#include "lib/disk/disk_private.h"

#include "lib/sys/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FREE_LIST_WAIT_S = 10 };

// After the first of these every further step of the same snapshot is MDB_BAD_TXN.
bool disk_is_damage(int code)
{
    return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID ||
           code == MDB_CURSOR_FULL || code == MDB_INCOMPATIBLE || code == MDB_BAD_TXN;
}

void disk_give_up(MDB_env *env, const char *text)
{
    const char *dir = "";
    (void)mdb_env_get_path(env, &dir); // fails only without an environment
    log_error("disk.damaged", "dir=%s what=%s fix=%s", log_quote_text(dir).text,
              log_quote_text(text).text,
              log_quote_text("check the disk; restore the directory from a backup").text);
    abort();
}

// --- a file that is shorter than its last page ---

// The records of table 0 are lists of free pages, each beginning with its length.
static uint64_t count_from(MDB_val list, uint64_t page)
{
    uint64_t count = 0;
    for (size_t at = sizeof(size_t); at + sizeof(size_t) <= list.mv_size; at += sizeof(size_t)) {
        size_t number = 0;
        memcpy(&number, (const char *)list.mv_data + at, sizeof number);
        count += number >= page;
    }
    return count;
}

// In an environment of the child's own, because LMDB's must not cross a fork.
static uint64_t count_free_from(const char *dir, uint64_t page)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    if (mdb_env_create(&env) != 0 || mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK, 0) != 0 ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 || mdb_cursor_open(txn, 0, &cursor) != 0)
        return 0;
    uint64_t count = 0;
    MDB_val key = {0};
    MDB_val list = {0};
    while (mdb_cursor_get(cursor, &key, &list, MDB_NEXT) == 0)
        count += count_from(list, page);
    return count;
}

// Dies of what it meets: what the host of libweft does about signals is not for this child.
static void die_of_signals(void)
{
    static const int fatal[] = {SIGBUS, SIGSEGV, SIGALRM};
    const struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t none;
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        (void)sigaction(fatal[i], &plain, NULL); // fails only when misused
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void look(const char *dir, uint64_t page, uint64_t count, int word)
{
    die_of_signals();
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere >= 0)
        (void)dup2(nowhere, STDERR_FILENO); // its last words are not for people
    (void)alarm(FREE_LIST_WAIT_S);
    if (count_free_from(dir, page) == count)
        (void)!write(word, "y", 1); // else, and when it fails, the answer is no
    _exit(EXIT_SUCCESS);
}

// Pages at the end that were taken and given back by the same transaction are not written, so a
// sound file may lack them. Whether all that is missing is free the list of free pages tells; it
// may itself be what is missing, so that a child looks, which may die of it. It answers through a
// pipe: a host of libweft may ignore SIGCHLD, or wait for all children, and then its status is lost.
static bool is_rest_free(const char *dir, uint64_t page, uint64_t count)
{
    int ends[2];
    char word = 0;
    ssize_t len = 0;
    if (pipe(ends) != 0)
        return false;
    pid_t child = fork();
    if (child == 0)
        look(dir, page, count, ends[1]);
    (void)close(ends[1]); // nothing was written
    while (child > 0 && (len = read(ends[0], &word, 1)) < 0 && errno == EINTR)
        continue;
    (void)close(ends[0]);
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return len == 1;
}

err disk_check_length(MDB_env *env, uint64_t *out_have, uint64_t *out_needed)
{
    MDB_envinfo info = {0};
    MDB_stat stat = {0};
    struct stat file = {0};
    const char *dir = NULL;
    mdb_filehandle_t fd = -1;
    (void)mdb_env_info(env, &info); // these fail only without an environment
    (void)mdb_env_stat(env, &stat);
    (void)mdb_env_get_path(env, &dir);
    (void)mdb_env_get_fd(env, &fd);
    if (fstat(fd, &file) != 0)
        return ERR_DISK;
    *out_have = (uint64_t)file.st_size;
    *out_needed = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
    if (*out_have >= *out_needed)
        return OK;
    uint64_t whole = *out_have / stat.ms_psize;
    return is_rest_free(dir, whole, info.me_last_pgno + 1 - whole) ? OK : ERR_DAMAGED;
}
