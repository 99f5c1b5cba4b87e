#pragma once

// Records what a program asks of one file's disk: writes, writes through a descriptor opened
// O_DSYNC (LMDB's meta page goes out that way), and syncs. Defining these functions in a program
// puts them before the C library's for every shared library it loads. Include it in one file.

#include "lib/base/check.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum recorder_kind {
    RECORDER_WRITE, // durable after the next sync
    RECORDER_DSYNC, // durable when it returns
    RECORDER_SYNC,
    RECORDER_SETTLED, // the program was told that batch `batch` is durable
};

struct recorder_event {
    enum recorder_kind kind;
    uint64_t at;
    uint64_t len;
    uint8_t *bytes;
    uint32_t batch;
};

enum { RECORDER_EVENTS_MAX = 100000 };

static struct {
    bool is_on;
    ino_t inode; // of the file watched
    struct recorder_event events[RECORDER_EVENTS_MAX];
    uint32_t count;
} recorder;

static inline struct recorder_event *recorder_add(enum recorder_kind kind)
{
    CHECK(recorder.count < RECORDER_EVENTS_MAX);
    struct recorder_event *event = &recorder.events[recorder.count++];
    *event = (struct recorder_event){.kind = kind};
    return event;
}

static inline bool recorder_watches(int fd)
{
    struct stat info;
    return recorder.is_on && fstat(fd, &info) == 0 && info.st_ino == recorder.inode;
}

static inline void recorder_wrote(int fd, const void *bytes, size_t len, off_t at)
{
    bool is_dsync = (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    struct recorder_event *event = recorder_add(is_dsync ? RECORDER_DSYNC : RECORDER_WRITE);
    event->at = (uint64_t)at;
    event->len = len;
    event->bytes = malloc(len);
    CHECK(event->bytes != NULL);
    memcpy(event->bytes, bytes, len);
}

static inline void recorder_settled(uint32_t batch)
{
    recorder_add(RECORDER_SETTLED)->batch = batch;
}

// Watches the file from now on; its present content is the caller's to know.
static inline void recorder_watch(const char *path)
{
    struct stat info;
    CHECK(stat(path, &info) == 0);
    recorder.inode = info.st_ino;
    recorder.is_on = true;
}

#define RECORDER_REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    ssize_t done = RECORDER_REAL(pwrite)(fd, bytes, len, at);
    if (done > 0 && recorder_watches(fd))
        recorder_wrote(fd, bytes, (size_t)done, at);
    return done;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    // A write at the place of the descriptor is not how LMDB writes pages; it must not be missed.
    CHECK(!recorder_watches(fd));
    return RECORDER_REAL(write)(fd, bytes, len);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    off_t at = recorder_watches(fd) ? lseek(fd, 0, SEEK_CUR) : -1;
    ssize_t done = RECORDER_REAL(writev)(fd, parts, count);
    ssize_t left = at >= 0 ? done : 0;
    for (int i = 0; i < count && left > 0; i++) {
        size_t len = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
        recorder_wrote(fd, parts[i].iov_base, len, at);
        at += (off_t)len;
        left -= (ssize_t)len;
    }
    return done;
}

static inline int recorder_synced(int fd, int code)
{
    if (code == 0 && recorder_watches(fd))
        (void)recorder_add(RECORDER_SYNC);
    return code;
}

int fdatasync(int fd)
{
    return recorder_synced(fd, RECORDER_REAL(fdatasync)(fd));
}

int fsync(int fd)
{
    return recorder_synced(fd, RECORDER_REAL(fsync)(fd));
}

int msync(void *at, size_t len, int flags)
{
    CHECK(!recorder.is_on); // nothing of ours writes through the map
    return RECORDER_REAL(msync)(at, len, flags);
}

int ftruncate(int fd, off_t len)
{
    CHECK(!recorder_watches(fd)); // a change of length would be an event of its own
    return RECORDER_REAL(ftruncate)(fd, len);
}
