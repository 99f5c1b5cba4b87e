// Directories, small files and what lies under them.

#include "lib/sys/file.h"

#include "lib/sys/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAGIC_SMB2 0xFE534D42u
#define MAGIC_CIFS 0xFF534D42u

enum { LOCK_LOOK_MS = 10 };

static err err_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR: return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
    case EIO: return ERR_DISK;
    case ENOMEM: return ERR_NO_MEMORY;
    default: return ERR_SYSTEM;
    }
}

// Closes and keeps errno, because the first failure is the one to tell.
static void close_quietly(int fd)
{
    int kept = errno;
    (void)close(fd);
    errno = kept;
}

// Copies the part of `path` before its last slash; "." when there is none.
static bool parent_of(const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    struct slice parent = slice_of_text(".");
    if (slash == path)
        parent = slice_of_text("/");
    else if (slash != NULL)
        parent = slice_of(path, (size_t)(slash - path));
    errno = ENAMETOOLONG;
    return slice_to_text(parent, out, PATH_MAX);
}

// A new or renamed entry is safe only when its directory is flushed.
err file_flush_dir(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_of(errno);
    err result = fsync(fd) == 0 ? OK : err_of(errno);
    close_quietly(fd);
    return result;
}

static err make_dir(const char *path)
{
    struct stat info;
    if (mkdir(path, 0700) == 0) {
        char parent[PATH_MAX];
        return parent_of(path, parent) ? file_flush_dir(parent) : ERR_SYSTEM;
    }
    if (errno != EEXIST)
        return errno == ENOENT ? ERR_SYSTEM : err_of(errno);
    if (stat(path, &info) != 0)
        return ERR_SYSTEM;
    errno = ENOTDIR;
    return S_ISDIR(info.st_mode) ? OK : ERR_SYSTEM;
}

err file_make_dirs(const char *path)
{
    char part[PATH_MAX] = "";
    errno = ENAMETOOLONG;
    if (!slice_to_text(slice_of_text(path), part, sizeof part))
        return ERR_SYSTEM;
    size_t len = strlen(part);
    while (len > 1 && part[len - 1] == '/')
        part[--len] = '\0';
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/')
            continue;
        part[i] = '\0';
        err result = make_dir(part);
        if (result != OK)
            return result;
        part[i] = '/';
    }
    return make_dir(part);
}

static bool write_all(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t len = write(fd, bytes.data, bytes.len);
        if (len < 0 && errno != EINTR)
            return false;
        if (len > 0)
            bytes = slice_of(bytes.data + len, bytes.len - (size_t)len);
    }
    return true;
}

static err write_and_flush(const char *path, struct slice bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOENT ? ERR_SYSTEM : err_of(errno);
    err result = write_all(fd, bytes) && fsync(fd) == 0 ? OK : err_of(errno);
    close_quietly(fd);
    return result;
}

err file_write(const char *path, struct slice bytes)
{
    char fresh[PATH_MAX];
    char parent[PATH_MAX];
    int len = snprintf(fresh, sizeof fresh, "%s.new", path);
    errno = ENAMETOOLONG;
    if (len < 0 || (size_t)len >= sizeof fresh || !parent_of(path, parent))
        return ERR_SYSTEM;
    err result = write_and_flush(fresh, bytes);
    if (result != OK)
        return result;
    if (rename(fresh, path) != 0)
        return err_of(errno);
    return file_flush_dir(parent);
}

static err read_all(int fd, void *out_bytes, size_t cap, size_t *out_len)
{
    uint8_t *bytes = out_bytes;
    size_t got = 0;
    while (got < cap) {
        ssize_t len = read(fd, bytes + got, cap - got);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return err_of(errno);
        if (len == 0)
            break;
        got += (size_t)len;
    }
    char more;
    if (got == cap && read(fd, &more, 1) != 0)
        return ERR_TOO_LARGE;
    *out_len = got;
    return OK;
}

err file_read(const char *path, void *out_bytes, size_t cap, size_t *out_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_of(errno);
    err result = read_all(fd, out_bytes, cap, out_len);
    close_quietly(fd);
    return result;
}

// The process id is for the eye, and a full file system may have no room for it: the lock itself
// is the system's.
static void write_owner(int fd)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    bool is_written = write_all(fd, slice_of(text, (size_t)len)) && ftruncate(fd, len) == 0;
    (void)is_written; // an old one or none is as good
}

err file_lock(const char *dir, int *out_lock)
{
    char path[PATH_MAX];
    int len = snprintf(path, sizeof path, "%s/lock", dir);
    errno = ENAMETOOLONG;
    if (len < 0 || (size_t)len >= sizeof path)
        return ERR_SYSTEM;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == ENOENT ? ERR_SYSTEM : err_of(errno);
    err result = OK;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        result = errno == EWOULDBLOCK ? ERR_LOCKED : ERR_SYSTEM;
    if (result != OK) {
        close_quietly(fd);
        return result;
    }
    write_owner(fd);
    *out_lock = fd;
    return OK;
}

err file_lock_within(const char *dir, when_ms wait_ms, int *out_lock)
{
    when_ms until = clock_mono_ms() + wait_ms;
    err e = file_lock(dir, out_lock);
    while (e == ERR_LOCKED && clock_mono_ms() < until) {
        (void)poll(NULL, 0, LOCK_LOOK_MS); // the lock cannot be waited for
        e = file_lock(dir, out_lock);
    }
    return e;
}

void file_unlock(int lock)
{
    (void)close(lock); // ends the lock
}

bool file_is_held(const char *dir)
{
    char path[PATH_MAX];
    char text[32];
    size_t len = 0;
    int path_len = snprintf(path, sizeof path, "%s/lock", dir);
    if (path_len < 0 || (size_t)path_len >= sizeof path ||
        file_read(path, text, sizeof text - 1, &len) != OK)
        return false;
    text[len] = '\0';
    long pid = strtol(text, NULL, 10);
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

err file_kind_of(const char *path, enum file_kind *out_kind)
{
    struct statfs info;
    if (statfs(path, &info) != 0)
        return err_of(errno);
    switch ((uint32_t)info.f_type) {
    case NFS_SUPER_MAGIC:
    case FUSE_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case MAGIC_SMB2:
    case MAGIC_CIFS:
    case CEPH_SUPER_MAGIC:
    case CODA_SUPER_MAGIC:
    case AFS_SUPER_MAGIC: *out_kind = FILE_REMOTE; break;
    case V9FS_MAGIC: // what some container sandboxes call their own root
    case OVERLAYFS_SUPER_MAGIC:
    case TMPFS_MAGIC:
    case RAMFS_MAGIC: *out_kind = FILE_FLEETING; break;
    default: *out_kind = FILE_LOCAL; break;
    }
    return OK;
}

err file_free_bytes(const char *path, uint64_t *out_bytes)
{
    struct statvfs info;
    if (statvfs(path, &info) != 0)
        return err_of(errno);
    *out_bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return OK;
}
