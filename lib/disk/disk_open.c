// Opening and closing: the place, the lock, the environment, its tables and the mark that says
// whose data it is.

#include "lib/disk/disk_private.h"

#include "lib/base/bytes.h"
#include "lib/sys/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_KEY "mark"
// Behind the name in the mark of a backup, so that also a program that knows of none refuses it.
#define BACKUP_SUFFIX "-backup"
enum {
    MARK_VERSION = 1,
    MARK_KIND = 1,
    MARK_TEXT_LEN_MAX = DISK_MARK_NAME_LEN_MAX + sizeof BACKUP_SUFFIX - 1
};

static const uint64_t map_start_default = UINT64_C(256) << 20;
static const uint64_t map_max_default = UINT64_C(64) << 30;

err disk_explain(const struct disk *disk, err e, const char *subject, const char *sentence)
{
    if (disk->why != NULL)
        (void)snprintf(disk->why, DISK_WHY_LEN, "%s: %s", subject, sentence);
    return e;
}

err disk_err_of(struct disk *disk, int code)
{
    if (code == MDB_SUCCESS)
        return OK;
    if (code == MDB_NOTFOUND)
        return ERR_NOT_FOUND;
    if (code == MDB_KEYEXIST)
        return ERR_CONFLICT;
    atomic_store(&disk->fault, mdb_strerror(code));
    if (disk_is_damage(code))
        atomic_store(&disk->is_damaged, true);
    if (code == MDB_MAP_FULL || code == MDB_READERS_FULL)
        return ERR_FULL;
    return code == ENOMEM ? ERR_NO_MEMORY : ERR_DISK;
}

static err check_place(const struct disk *disk, const char *dir, bool is_quiet)
{
    if (file_make_dirs(dir) != OK) {
        char sentence[128];
        (void)snprintf(sentence, sizeof sentence,
                       "the directory cannot be made; choose another with --data (%s)",
                       strerror(errno));
        return disk_explain(disk, ERR_DISK, dir, sentence);
    }
    enum file_kind kind = FILE_LOCAL;
    if (file_kind_of(dir, &kind) != OK)
        return disk_explain(disk, ERR_DISK, dir, strerror(errno));
    if (kind == FILE_REMOTE)
        return disk_explain(
            disk, ERR_UNSUPPORTED, dir,
            "this is a network or FUSE file system, whose locks and flushes cannot be "
            "trusted; choose a directory on a local disk");
    if (kind == FILE_FLEETING && !is_quiet)
        return disk_explain(
            disk, OK, dir,
            "this is tmpfs or overlay: the data goes with the machine's power or with "
            "the container; mount a volume");
    return OK;
}

static err take_lock(struct disk *disk, const char *dir)
{
    err e = file_lock(dir, &disk->lock);
    if (e == ERR_LOCKED)
        return disk_explain(disk, e, dir,
                            "another process uses this data; stop it or choose another directory");
    return e == OK ? OK : disk_explain(disk, ERR_DISK, dir, strerror(errno));
}

err disk_explain_code(const struct disk *disk, int code)
{
    if (code == MDB_VERSION_MISMATCH)
        return disk_explain(disk, ERR_UNSUPPORTED, "data.mdb",
                            "written by another version of LMDB");
    if (disk_is_damage(code))
        return disk_explain(disk, ERR_DAMAGED, "data.mdb",
                            "not a data file, or damaged; restore a backup");
    return disk_explain(disk, ERR_DISK, "data.mdb", mdb_strerror(code));
}

// Nothing was ever written to the data file.
static bool is_fresh(const struct disk *disk)
{
    struct stat file = {0};
    return stat(disk->path, &file) == 0 ? file.st_size == 0 : errno == ENOENT;
}

// A data file whose first pages are there in part is like a damaged one at the next start: a disk
// that was full at the first would need an operator.
static int make_env(struct disk *disk, const char *dir)
{
    bool was_fresh = is_fresh(disk);
    int code = mdb_env_open(disk->env, dir, MDB_NOTLS | MDB_NORDAHEAD, 0600);
    if (code == 0 || !was_fresh)
        return code;
    mdb_env_close(disk->env);
    disk->env = NULL;
    (void)unlink(disk->path); // else the next start tells of it
    return code;
}

// Default sync and no other flags that touch safety. MDB_NOTLS ties a snapshot to its reader
// instead of to a thread; without read-ahead a large file is read where it is asked for only.
static err open_env(struct disk *disk, const struct disk_options *options)
{
    uint64_t start = options->map_start_bytes != 0 ? options->map_start_bytes : map_start_default;
    uint32_t readers = options->reader_count_max != 0 ? options->reader_count_max : 32;
    if (start > disk->map_bytes_max)
        start = disk->map_bytes_max;
    int code = mdb_env_create(&disk->env);
    if (code != 0)
        return disk_explain_code(disk, code);
    code = mdb_env_set_maxdbs(disk->env, disk->table_count + 1);
    if (code == 0)
        code = mdb_env_set_maxreaders(disk->env, readers);
    if (code == 0)
        code = mdb_env_set_mapsize(disk->env, start);
    if (code == 0)
        code = mdb_env_set_assert(disk->env, disk_give_up);
    if (code == 0)
        code = make_env(disk, options->dir);
    int dead = 0;
    if (code == 0)
        code = mdb_reader_check(disk->env, &dead);
    return code == 0 ? OK : disk_explain_code(disk, code);
}

static err check_length(const struct disk *disk)
{
    uint64_t have = 0;
    uint64_t needed = 0;
    char sentence[128];
    err e = disk_check_length(disk->env, &have, &needed);
    if (e != OK && e != ERR_DAMAGED)
        return disk_explain(disk, e, "data.mdb", strerror(errno));
    (void)snprintf(sentence, sizeof sentence,
                   "the store is cut short: %llu of %llu bytes; restore it from a backup",
                   (unsigned long long)have, (unsigned long long)needed);
    return e == OK ? OK : disk_explain(disk, e, "data.mdb", sentence);
}

// The mark says whose data it is and in which format; sealed like any record.
int disk_write_mark(const struct disk *disk, MDB_txn *txn)
{
    uint8_t room[DISK_SEAL_LEN + 4 + 4 + MARK_TEXT_LEN_MAX] = {0};
    char text[MARK_TEXT_LEN_MAX + 1];
    (void)snprintf(text, sizeof text, "%s%s", disk->name, disk->is_backup ? BACKUP_SUFFIX : "");
    struct slice name = slice_of_text(text);
    struct bytes_out out = {.data = room + DISK_SEAL_HEAD_LEN, .cap = sizeof room - DISK_SEAL_LEN};
    bytes_put_u32(&out, disk->format_newest);
    bytes_put_slice(&out, name);
    CHECK(!out.full);
    disk_seal(room, MARK_VERSION, MARK_KIND, slice_of_text(MARK_KEY), out.len);
    MDB_val key = {.mv_size = sizeof MARK_KEY - 1, .mv_data = (char[]){MARK_KEY}};
    MDB_val value = {.mv_size = out.len + DISK_SEAL_LEN, .mv_data = room};
    return mdb_put(txn, disk->mark, &key, &value, 0);
}

static bool is_backup_of(struct slice name, const char *owner)
{
    size_t len = strlen(owner);
    return name.len > len && memcmp(name.data, owner, len) == 0 &&
           slice_is_text(slice_of(name.data + len, name.len - len), BACKUP_SUFFIX);
}

static err check_owner(struct disk *disk, struct slice name, const struct disk_options *options)
{
    if (options->name == NULL || slice_is_text(name, options->name))
        return OK;
    if (!is_backup_of(name, options->name))
        return disk_explain(disk, ERR_UNSUPPORTED, options->dir, "the data of another program");
    disk->is_backup = true;
    return options->allow_unready
               ? OK
               : disk_explain(
                     disk, ERR_UNSUPPORTED, options->dir,
                     "this is a backup, on which nothing runs; 'weft restore' makes a data "
                     "directory of it");
}

static err check_mark(struct disk *disk, struct slice mark, const struct disk_options *options)
{
    uint8_t version = 0;
    uint8_t kind = 0;
    struct slice content = {0};
    if (disk_unseal(mark, slice_of_text(MARK_KEY), &version, &kind, &content) != OK ||
        version != MARK_VERSION || kind != MARK_KIND)
        return disk_explain(disk, ERR_DAMAGED, "data.mdb", "its mark is damaged; restore a backup");
    struct bytes_in in = {.left = content};
    uint32_t format = bytes_get_u32(&in);
    struct slice name = bytes_get_slice(&in);
    if (!bytes_is_whole(&in))
        return disk_explain(disk, ERR_DAMAGED, "data.mdb", "its mark is damaged; restore a backup");
    err e = check_owner(disk, name, options);
    if (e != OK)
        return e;
    if (format > options->format)
        return disk_explain(disk, ERR_UNSUPPORTED, "data.mdb",
                            "written by a later version of this program; install that one");
    disk->format = format;
    return OK;
}

err disk_read_mark(struct disk *disk, MDB_txn *txn, const struct disk_options *options)
{
    int code = mdb_dbi_open(txn, DISK_MARK_TABLE, 0, &disk->mark);
    MDB_val key = {.mv_size = sizeof MARK_KEY - 1, .mv_data = (char[]){MARK_KEY}};
    MDB_val value = {0};
    if (code == 0)
        code = mdb_get(txn, disk->mark, &key, &value);
    if (code == 0)
        return check_mark(disk, slice_of(value.mv_data, value.mv_size), options);
    return code == MDB_NOTFOUND ? ERR_NOT_FOUND : disk_explain_code(disk, code);
}

static err check_or_write_mark(struct disk *disk, MDB_txn *txn, const struct disk_options *options)
{
    err e = disk_read_mark(disk, txn, options);
    if (e != ERR_NOT_FOUND)
        return e;
    int code = mdb_dbi_open(txn, DISK_MARK_TABLE, MDB_CREATE, &disk->mark);
    if (code == 0)
        code = disk_write_mark(disk, txn);
    disk->format = disk->format_newest;
    return code == 0 ? OK : disk_explain_code(disk, code);
}

static err open_tables(struct disk *disk, MDB_txn *txn, const struct disk_options *options)
{
    for (uint32_t i = 0; i < disk->table_count; i++) {
        int code = mdb_dbi_open(txn, options->tables[i], MDB_CREATE, &disk->tables[i]);
        if (code != 0)
            return disk_explain_code(disk, code);
    }
    return OK;
}

static err make_tables(struct disk *disk, const struct disk_options *options)
{
    MDB_txn *txn = NULL;
    int code = mdb_txn_begin(disk->env, NULL, 0, &txn);
    if (code != 0)
        return disk_explain_code(disk, code);
    err e = check_or_write_mark(disk, txn, options);
    if (e == OK)
        e = open_tables(disk, txn, options);
    if (e != OK) {
        mdb_txn_abort(txn);
        return e;
    }
    code = mdb_txn_commit(txn);
    return code == 0 ? OK : disk_explain_code(disk, code);
}

// LMDB flushes the files it makes, but not the names they have in the directory.
err disk_flush_names(const struct disk *disk, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_flushed = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd); // nothing was written through it
    return is_flushed ? OK : disk_explain(disk, ERR_DISK, path, strerror(errno));
}

static err check_finished(const struct disk *disk, const struct disk_options *options)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/" DISK_UNFINISHED, options->dir);
    bool is_there = len > 0 && (size_t)len < sizeof path && access(path, F_OK) == 0;
    if (!is_there || options->allow_unready)
        return OK;
    return disk_explain(disk, ERR_UNSUPPORTED, options->dir,
                        "a backup or restore into it was not finished; remove the directory and "
                        "begin it again");
}

static err name_file(struct disk *disk, const char *dir)
{
    size_t cap = strlen(dir) + sizeof "/data.mdb";
    disk->path = malloc(cap);
    if (disk->path == NULL)
        return disk_explain(disk, ERR_NO_MEMORY, dir, "out of memory");
    (void)snprintf(disk->path, cap, "%s/data.mdb", dir);
    return OK;
}

static err prepare(struct disk *disk, const struct disk_options *options)
{
    err e = name_file(disk, options->dir);
    if (e == OK)
        e = check_place(disk, options->dir, options->allow_unsafe_place);
    if (e == OK)
        e = check_finished(disk, options);
    if (e == OK)
        e = take_lock(disk, options->dir);
    if (e == OK)
        e = open_env(disk, options);
    if (e == OK)
        e = check_length(disk);
    if (e == OK)
        e = make_tables(disk, options);
    if (e == OK)
        e = disk_flush_names(disk, options->dir);
    if (e != OK)
        return e;
    MDB_stat stat = {0};
    (void)mdb_env_stat(disk->env, &stat); // fails only without an environment
    disk->page_bytes = stat.ms_psize;
    disk_measure(disk);
    return OK;
}

err disk_open(const struct disk_options *options, struct disk **out_disk, const char **out_why)
{
    CHECK(options->dir != NULL && options->table_count <= DISK_TABLE_COUNT_MAX);
    struct disk *disk = calloc(1, sizeof *disk);
    if (disk == NULL) {
        *out_why = "out of memory";
        return ERR_NO_MEMORY;
    }
    disk->lock = -1;
    disk->why = options->why;
    if (disk->why != NULL)
        disk->why[0] = '\0';
    disk->owner = getpid();
    disk->table_count = options->table_count;
    disk->format_newest = options->format;
    if (options->name != NULL) {
        CHECK(strlen(options->name) <= DISK_MARK_NAME_LEN_MAX);
        memcpy(disk->name, options->name, strlen(options->name));
    }
    disk->map_bytes_max = options->map_bytes_max != 0 ? options->map_bytes_max : map_max_default;
    disk->ahead_bytes = options->ahead_bytes;
    atomic_init(&disk->fault, "none");
    disk_wait_init(&disk->gate.lock, &disk->gate.changed);
    err e = prepare(disk, options);
    *out_why = e != OK ? err_text(e) : NULL;
    if (disk->why != NULL && disk->why[0] != '\0')
        *out_why = disk->why;
    disk->why = NULL; // it was lent for this
    if (e != OK) {
        disk_close(disk);
        return e;
    }
    *out_disk = disk;
    return OK;
}

void disk_close(struct disk *disk)
{
    if (disk == NULL)
        return;
    CHECK(disk->writer.txn == NULL);
    CHECK(disk->gate.reading == 0);
    if (disk->env != NULL)
        mdb_env_close(disk->env);
    if (disk->lock >= 0)
        file_unlock(disk->lock);
    (void)pthread_cond_destroy(&disk->gate.changed);
    (void)pthread_mutex_destroy(&disk->gate.lock);
    free(disk->path);
    free(disk);
}

uint32_t disk_format(const struct disk *disk)
{
    return disk->format;
}

err disk_renew(struct disk_txn *txn)
{
    err e = disk_err_of(txn->disk, disk_write_mark(txn->disk, txn->txn));
    if (e == ERR_FULL)
        txn->disk->is_full = true;
    if (e == OK)
        txn->disk->format = txn->disk->format_newest;
    return e;
}

bool disk_is_backup(const struct disk *disk)
{
    return disk->is_backup;
}

err disk_adopt(struct disk_txn *txn)
{
    txn->disk->is_backup = false;
    return disk_renew(txn);
}

const char *disk_path(const struct disk *disk)
{
    return disk->path;
}

err disk_verdict(const struct disk *disk, err e)
{
    return e == ERR_DISK && atomic_load(&disk->is_damaged) ? ERR_DAMAGED : e;
}

const char *disk_fault(const struct disk *disk)
{
    return atomic_load(&disk->fault);
}
