#pragma once

// The k-th call fails, for every k: a countdown, and what a program asks of the disk. Include it in one file of a
// program: these functions stand before the C library's for every library it loads, and call those unless it is their
// turn to fail. tests/support/disk_faults.h has the calls into the database library beside them.

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

// A sweep whose places have a process each takes every one, but under a sanitizer, where a process costs tens of
// milliseconds, each third; the release build's run is the whole.
#ifdef __SANITIZE_ADDRESS__
enum { FAULTS_STEP = 3 };
#else
enum { FAULTS_STEP = 1 };
#endif

enum faults_kind { FAULTS_NONE, FAULTS_DISK, FAULTS_MEMORY };

// All zero: nothing fails. In memory that parent and child share when the one judges the other.
struct faults {
    _Atomic uint64_t kind;    // enum faults_kind: which calls are counted
    _Atomic uint64_t fail_at; // the number of the call that fails; 0: none does
    _Atomic uint64_t calls;
    _Atomic uint64_t hits;
};

static inline void faults_tell(void); // a call fails; for who includes this to say

static struct faults faults_own;
static struct faults *faults = &faults_own;

static inline void faults_arm(enum faults_kind kind, uint64_t fail_at)
{
    atomic_store(&faults->kind, kind);
    atomic_store(&faults->fail_at, fail_at);
    atomic_store(&faults->calls, 0);
    atomic_store(&faults->hits, 0);
}

// Is it this call's turn?
static inline bool faults_hit(enum faults_kind kind)
{
    if (atomic_load(&faults->kind) != kind)
        return false;
    uint64_t number = atomic_fetch_add(&faults->calls, 1) + 1;
    bool is_turn = number == atomic_load(&faults->fail_at);
    if (is_turn) {
        (void)atomic_fetch_add(&faults->hits, 1);
        faults_tell();
    }
    return is_turn;
}

#define FAULTS_REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

static inline int faults_no_disk(void)
{
    errno = EIO;
    return -1;
}

// What fails has written half of it, as disks do.
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    if (!faults_hit(FAULTS_DISK))
        return FAULTS_REAL(pwrite)(fd, bytes, len, at);
    ssize_t half = FAULTS_REAL(pwrite)(fd, bytes, len / 2, at);
    (void)half;
    return faults_no_disk();
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    if (!faults_hit(FAULTS_DISK))
        return FAULTS_REAL(writev)(fd, parts, count);
    ssize_t half = FAULTS_REAL(writev)(fd, parts, count / 2);
    (void)half;
    return faults_no_disk();
}

int fdatasync(int fd)
{
    return faults_hit(FAULTS_DISK) ? faults_no_disk() : FAULTS_REAL(fdatasync)(fd);
}

int ftruncate(int fd, off_t len)
{
    return faults_hit(FAULTS_DISK) ? faults_no_disk() : FAULTS_REAL(ftruncate)(fd, len);
}

int fallocate(int fd, int mode, off_t from, off_t len)
{
    return faults_hit(FAULTS_DISK) ? faults_no_disk() : FAULTS_REAL(fallocate)(fd, mode, from, len);
}
