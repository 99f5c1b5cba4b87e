#pragma once

// Every call into the database library fails once, and every call of it and of ours to the disk (faults.h). Include it
// in one test program.

#include "tests/support/faults.h"
#include "tests/support/test.h"

#include <lmdb.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

static bool faults_in_commits; // each fails

static inline void faults_tell(void)
{
}

#define FAULTS_OF_LMDB(name, parameters, arguments)                                                \
    int name parameters                                                                            \
    {                                                                                              \
        return faults_hit(FAULTS_DISK) ? EIO : FAULTS_REAL(name) arguments;                        \
    }

FAULTS_OF_LMDB(mdb_env_create, (MDB_env * *env), (env))
FAULTS_OF_LMDB(mdb_env_set_maxdbs, (MDB_env * env, MDB_dbi count), (env, count))
FAULTS_OF_LMDB(mdb_env_set_mapsize, (MDB_env * env, size_t size), (env, size))
FAULTS_OF_LMDB(mdb_env_open, (MDB_env * env, const char *path, unsigned flags, mdb_mode_t mode),
               (env, path, flags, mode))
FAULTS_OF_LMDB(mdb_reader_check, (MDB_env * env, int *dead), (env, dead))
FAULTS_OF_LMDB(mdb_txn_begin, (MDB_env * env, MDB_txn *parent, unsigned flags, MDB_txn **txn),
               (env, parent, flags, txn))
FAULTS_OF_LMDB(mdb_txn_renew, (MDB_txn * txn), (txn))
FAULTS_OF_LMDB(mdb_dbi_open, (MDB_txn * txn, const char *name, unsigned flags, MDB_dbi *table),
               (txn, name, flags, table))
FAULTS_OF_LMDB(mdb_put,
               (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *value, unsigned flags),
               (txn, table, key, value, flags))
FAULTS_OF_LMDB(mdb_get, (MDB_txn * txn, MDB_dbi table, MDB_val *key, MDB_val *value),
               (txn, table, key, value))
FAULTS_OF_LMDB(mdb_cursor_open, (MDB_txn * txn, MDB_dbi table, MDB_cursor **cursor),
               (txn, table, cursor))
FAULTS_OF_LMDB(mdb_cursor_renew, (MDB_txn * txn, MDB_cursor *cursor), (txn, cursor))
FAULTS_OF_LMDB(mdb_cursor_get,
               (MDB_cursor * cursor, MDB_val *key, MDB_val *value, MDB_cursor_op op),
               (cursor, key, value, op))
FAULTS_OF_LMDB(mdb_cursor_put, (MDB_cursor * cursor, MDB_val *key, MDB_val *value, unsigned flags),
               (cursor, key, value, flags))
FAULTS_OF_LMDB(mdb_cursor_del, (MDB_cursor * cursor, unsigned flags), (cursor, flags))

// A failed commit has freed its transaction too.
int mdb_txn_commit(MDB_txn *txn)
{
    if (!faults_hit(FAULTS_DISK) && !faults_in_commits)
        return FAULTS_REAL(mdb_txn_commit)(txn);
    mdb_txn_abort(txn);
    return EIO;
}

// --- a store that ends its process when its disk fails is judged by the parent ---

enum { FAULTS_SAID_LEN = 4096, FAULTS_STEPS = 16 };

struct faults_child {
    struct faults faults;
    uint32_t begun;             // steps of the scenario
    uint32_t settled;           // and those that it was told to have succeeded
    bool was_refused;           // a step, and it did nothing
    char why[512];              // of a store that could not be opened
    int status;                 // as of waitpid()
    char said[FAULTS_SAID_LEN]; // on standard error
};

// The same memory in parent and child.
static inline struct faults_child *faults_child_new(void)
{
    void *memory = mmap(NULL, sizeof(struct faults_child), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    EXPECT(memory != MAP_FAILED);
    return memory;
}

static inline void faults_child_free(struct faults_child *child)
{
    (void)munmap(child, sizeof *child);
}

static inline void faults_child_hear(struct faults_child *child, int end)
{
    size_t len = 0;
    ssize_t got;
    while (len + 1 < sizeof child->said &&
           (got = read(end, child->said + len, sizeof child->said - 1 - len)) > 0)
        len += (size_t)got;
    child->said[len] = '\0';
    (void)close(end);
}

// Runs `scenario` in a process in which the k-th call fails; it tells what it has done in `child`.
static inline void faults_child_run(struct faults_child *child, uint64_t k, const char *dir,
                                    void (*scenario)(struct faults_child *child, const char *dir))
{
    int ends[2];
    *child = (struct faults_child){0};
    EXPECT_EQ(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        faults = &child->faults;
        faults_arm(FAULTS_DISK, k);
        scenario(child, dir);
        _Exit(EXIT_SUCCESS);
    }
    (void)close(ends[1]);
    faults_child_hear(child, ends[0]);
    EXPECT_EQ(waitpid(pid, &child->status, 0), pid);
}

// It went on to its end; or it could not open its store and tells why; or it ended by itself, and a line for people with
// `event` says why. `out_went_on`: the first.
static inline void faults_child_expect(const struct faults_child *child, uint64_t k,
                                       const char *event, bool *out_went_on)
{
    bool has_ended = WIFEXITED(child->status);
    int code = has_ended ? WEXITSTATUS(child->status) : -1;
    bool is_told = child->why[0] != '\0' || strstr(child->said, event) != NULL;
    *out_went_on = code == EXIT_SUCCESS;
    if (code != EXIT_SUCCESS && !(code == EXIT_FAILURE && is_told))
        print_error("call %ju: status %d, in step %u, why '%s', said:\n%s\n", (uintmax_t)k,
                    child->status, child->begun, child->why, child->said);
    EXPECT(code == EXIT_SUCCESS || (code == EXIT_FAILURE && is_told));
}

// A scenario in a process of its own for each call that fails, and what is judged after each.
struct faults_sweep {
    const char *event; // with which its store says why it ends
    uint32_t step_count;
    void (*scenario)(struct faults_child *child, const char *dir);
    void (*judge)(struct faults_child *child, const char *dir);
    // what came of it
    uint64_t place_count; // calls there are; one in FAULTS_STEP failed
    uint32_t refused;     // runs in which a step was refused,
    uint32_t ended;       // or that ended there
};

static inline void faults_sweep(struct faults_sweep *sweep)
{
    struct faults_child *child = faults_child_new();
    uint64_t k = 0;
    bool went_on = false;
    char root[256];
    (void)snprintf(root, sizeof root, "%s", test_temp_dir());
    do {
        char dir[300];
        (void)snprintf(dir, sizeof dir, "%s/%ju", root, (uintmax_t)(k += FAULTS_STEP));
        faults_child_run(child, k, dir, sweep->scenario);
        faults_child_expect(child, k, sweep->event, &went_on);
        EXPECT(!went_on || child->settled == sweep->step_count);
        sweep->refused += child->was_refused;
        sweep->ended += !went_on;
        sweep->judge(child, dir);
    } while (atomic_load(&child->faults.hits) > 0);
    sweep->place_count = k - FAULTS_STEP;
    print_message("1 in %d of %ju places: %u refused, %u ended the process\n", FAULTS_STEP,
                  (uintmax_t)sweep->place_count, sweep->refused, sweep->ended);
    faults_child_free(child);
}
