#pragma once

// Files and directories of a node. Errors keep errno. Any thread.

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/base/when.h"

// Makes the directory and its missing parents, readable by the owner only. An existing one is OK.
//   ERR_DISK, ERR_SYSTEM
MUST_USE err file_make_dirs(const char *path);

// What was made, renamed or removed in the directory stays so after a crash.
//   ERR_DISK, ERR_SYSTEM
MUST_USE err file_flush_dir(const char *dir);

// Replaces `path` by `bytes` in one step: after a crash at any moment it holds the old bytes or
// the new ones, and after OK the new ones (file and directory are flushed). The directory exists.
//   ERR_DISK     full, or an I/O error
//   ERR_SYSTEM   anything else
MUST_USE err file_write(const char *path, struct slice bytes);

// Reads a whole small file.
//   ERR_NOT_FOUND   there is none
//   ERR_TOO_LARGE   longer than `cap`
//   ERR_DISK, ERR_SYSTEM
MUST_USE err file_read(const char *path, void *out_bytes, size_t cap, size_t *out_len);

// Locks a directory for this process by DIR/lock, which also names its process id. The system
// takes the lock back when the process dies, however it dies. Children started by exec do not
// inherit it.
//   ERR_LOCKED   another process holds it
//   ERR_DISK, ERR_SYSTEM
MUST_USE err file_lock(const char *dir, int *out_lock);
// The same, and waits for it up to `wait_ms`.
MUST_USE err file_lock_within(const char *dir, when_ms wait_ms, int *out_lock);
void file_unlock(int lock);
// Does a process hold it, as far as DIR/lock says? A look that takes nothing, so it hinders nobody who
// comes for the lock; a process id that was given anew may deceive it.
bool file_is_held(const char *dir);

enum file_kind {
    FILE_LOCAL,    // a disk
    FILE_FLEETING, // overlay, tmpfs: gone with the container or the power; worth a warning
    FILE_REMOTE,   // NFS, FUSE, SMB …: locks and flushes are not to be trusted; refuse
};

// What `path` (a file or directory that exists) lies on.
//   ERR_NOT_FOUND, ERR_SYSTEM
MUST_USE err file_kind_of(const char *path, enum file_kind *out_kind);

// Bytes that this user may still write.
//   ERR_NOT_FOUND, ERR_SYSTEM
MUST_USE err file_free_bytes(const char *path, uint64_t *out_bytes);
