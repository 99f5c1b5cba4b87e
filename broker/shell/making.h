#pragma once

// A directory in the making: what `weft backup` and `weft restore` build. Until making_end() it holds
// a file by which every program refuses it (DISK_UNFINISHED), so that whatever ends them leaves
// nothing that starts. Not thread-safe.

#include "lib/base/err.h"

struct making {
    const char *dir;
    bool is_new; // it was not there before
};

// The directory is made, or is empty (a file system's lost+found apart), and is ours from now on.
//   ERR_CONFLICT   it holds something
//   ERR_LOCKED     of another making, one that goes on or was not finished
//   ERR_DISK, ERR_SYSTEM   with errno
MUST_USE err making_begin(struct making *making, const char *dir);

// Copies the certificates, grants and quotas of the directory `keys` into `keys` of this one, with
// their modes; what else lies there is left.
//   ERR_NOT_FOUND   there is no such directory, or no key of a broker in it
//   ERR_TOO_LARGE, ERR_DISK, ERR_SYSTEM   with errno
MUST_USE err making_copy_keys(const struct making *making, const char *keys);

// All is there and flushed: from now on it is what it is.  ERR_DISK
MUST_USE err making_end(const struct making *making);

// Removes what was made, as far as it can.
void making_undo(const struct making *making);
