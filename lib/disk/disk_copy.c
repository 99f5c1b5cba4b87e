// The library copies in a thread, since it tells nobody how far it is; meanwhile the other one looks,
// and has the system write behind it, so that no large flush at the end holds up the flushes of
// those who work on the same disk.

#define _GNU_SOURCE

#include "lib/disk/disk_copy.h"

#include "lib/disk/disk_private.h"
#include "lib/sys/failpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 100, READERS_MAX = 32, RESIZED_TRIES = 8 };

struct copier {
    MDB_env *env;
    int fd;
    int code; // of the library
    bool is_over;
    pthread_mutex_t lock;
    pthread_cond_t over;
};

// A writer that makes the map larger between the opening and the snapshot.
static int copy_pages(const struct copier *copier)
{
    int code = 0;
    for (int i = 0; i < RESIZED_TRIES; i++) {
        code = mdb_env_copyfd2(copier->env, copier->fd, MDB_CP_COMPACT);
        if (code != MDB_MAP_RESIZED || mdb_env_set_mapsize(copier->env, 0) != 0)
            break;
    }
    return code;
}

static void *copy_all(void *ctx)
{
    struct copier *copier = ctx;
    int code = copy_pages(copier);
    (void)pthread_mutex_lock(&copier->lock);
    copier->code = code;
    copier->is_over = true;
    (void)pthread_cond_signal(&copier->over);
    (void)pthread_mutex_unlock(&copier->lock);
    return NULL;
}

static bool wait_for_end(struct copier *copier)
{
    const struct timespec until = disk_wait_until(LOOK_EVERY_MS);
    (void)pthread_mutex_lock(&copier->lock);
    if (!copier->is_over)
        (void)pthread_cond_timedwait(&copier->over, &copier->lock, &until);
    bool is_over = copier->is_over;
    (void)pthread_mutex_unlock(&copier->lock);
    return is_over;
}

static uint64_t length_of(int fd)
{
    struct stat file = {0};
    return fstat(fd, &file) == 0 ? (uint64_t)file.st_size : 0;
}

// Returns the library's code.
static int copy_env(MDB_env *env, int fd, const struct disk_copy_options *options)
{
    struct copier copier = {.env = env, .fd = fd};
    MDB_envinfo info = {0};
    MDB_stat stat = {0};
    uint64_t free_pages = 0;
    (void)mdb_env_info(env, &info); // fail only without an environment
    (void)mdb_env_stat(env, &stat);
    (void)disk_count_free_pages(env, &free_pages); // an estimate
    uint64_t expected = (info.me_last_pgno + 1 - free_pages) * stat.ms_psize;
    disk_wait_init(&copier.lock, &copier.over);
    pthread_t thread;
    int code = pthread_create(&thread, NULL, copy_all, &copier);
    while (code == 0 && !wait_for_end(&copier)) {
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); // only a wish
        if (options->tell != NULL)
            options->tell(options->ctx, length_of(fd), expected);
    }
    if (code == 0) {
        (void)pthread_join(thread, NULL);
        code = copier.code;
    }
    (void)pthread_cond_destroy(&copier.over);
    (void)pthread_mutex_destroy(&copier.lock);
    return code;
}

// --- the source ---

static err judge_source(struct disk *disk, const struct disk_copy_options *options)
{
    const struct disk_options wanted = {
        .dir = options->from, .name = options->name, .format = options->format};
    uint64_t have = 0;
    uint64_t needed = 0;
    err e = disk_check_length(disk->env, &have, &needed);
    if (e != OK)
        return disk_explain(disk, e, options->from, "the store is cut short; restore a backup");
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(disk->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return disk_explain_code(disk, code);
    e = disk_read_mark(disk, txn, &wanted);
    mdb_txn_abort(txn);
    return e != ERR_NOT_FOUND ? e
                              : disk_explain(disk, ERR_UNSUPPORTED, options->from,
                                             "there is no store that a program has made");
}

static err open_source(struct disk *disk, const struct disk_copy_options *options)
{
    int code = mdb_env_create(&disk->env);
    if (code == 0)
        code = mdb_env_set_maxdbs(disk->env, 1);
    if (code == 0)
        code = mdb_env_set_maxreaders(disk->env, READERS_MAX);
    if (code == 0)
        code = mdb_env_set_assert(disk->env, disk_give_up);
    if (code == 0)
        code = mdb_env_open(disk->env, options->from, MDB_RDONLY | MDB_NOTLS | MDB_NORDAHEAD, 0600);
    return code == 0 ? judge_source(disk, options) : disk_explain_code(disk, code);
}

static err copy_to(const struct disk *disk, const char *path,
                   const struct disk_copy_options *options)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return disk_explain(disk, ERR_DISK, path, strerror(errno));
    int code = copy_env(disk->env, fd, options);
    if (code == 0 && fsync(fd) != 0)
        code = errno;
    (void)close(fd); // all was flushed, or it does not matter
    if (code == 0)
        return OK;
    // Of the library's own codes this is about the source; of the system's, about the copy.
    return code < 0 ? disk_explain_code(disk, code)
                    : disk_explain(disk, ERR_DISK, path, strerror(code));
}

// --- the mark of the copy ---

static int show_value(MDB_txn *txn, const struct disk_copy_options *options)
{
    MDB_dbi table;
    MDB_val key = {.mv_size = options->key.len, .mv_data = (void *)(uintptr_t)options->key.data};
    MDB_val value = {0};
    int code = mdb_dbi_open(txn, options->table, 0, &table);
    if (code == 0)
        code = mdb_get(txn, table, &key, &value);
    if (code == 0)
        options->see(options->ctx, slice_of(value.mv_data, value.mv_size));
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_and_show(struct disk *disk, MDB_txn *txn, const struct disk_copy_options *options)
{
    disk->is_backup = true;
    int code = mdb_dbi_open(txn, DISK_MARK_TABLE, 0, &disk->mark);
    if (code == 0)
        code = disk_write_mark(disk, txn);
    return code == 0 && options->see != NULL ? show_value(txn, options) : code;
}

// Nobody else knows of the copy: no locks, which its file system may not have.
static int mark_env(MDB_env *env, struct disk *disk, const struct disk_copy_options *options)
{
    MDB_txn *txn = NULL;
    int code = mdb_env_set_maxdbs(env, 2);
    if (code == 0)
        code = mdb_env_open(env, options->to, MDB_NOLOCK | MDB_NOTLS, 0600);
    if (code == 0)
        code = mdb_txn_begin(env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = write_and_show(disk, txn, options);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static err mark_copy(struct disk *disk, const struct disk_copy_options *options)
{
    MDB_env *env = NULL;
    int code = mdb_env_create(&env);
    if (code == 0)
        code = mark_env(env, disk, options);
    if (env != NULL)
        mdb_env_close(env);
    return code == 0 ? disk_flush_names(disk, options->to) : disk_explain_code(disk, code);
}

err disk_copy(const struct disk_copy_options *options, uint64_t *out_bytes)
{
    char path[PATH_MAX];
    struct stat file = {0};
    struct disk disk = {.lock = -1, .why = options->why};
    CHECK(options->name != NULL && strlen(options->name) <= DISK_MARK_NAME_LEN_MAX);
    memcpy(disk.name, options->name, strlen(options->name));
    int len = snprintf(path, sizeof path, "%s/data.mdb", options->to);
    if (len < 0 || (size_t)len >= sizeof path)
        return disk_explain(&disk, ERR_DISK, options->to, strerror(ENAMETOOLONG));
    err e = open_source(&disk, options);
    if (e == OK)
        e = copy_to(&disk, path, options);
    if (disk.env != NULL)
        mdb_env_close(disk.env);
    failpoint_hit("copy.before_mark");
    disk.format_newest = disk.format; // that of the records, which are as they were
    if (e == OK)
        e = mark_copy(&disk, options);
    if (e != OK)
        return e;
    if (stat(path, &file) != 0)
        return disk_explain(&disk, ERR_DISK, path, strerror(errno));
    if (options->tell != NULL)
        options->tell(options->ctx, (uint64_t)file.st_size, (uint64_t)file.st_size);
    *out_bytes = (uint64_t)file.st_size;
    return OK;
}
