#pragma once

// Tells that the entries of some directories have changed (inotify): a file was made, replaced or
// removed there. One thread.

#include "lib/base/err.h"

struct dirwatch {
    int fd; // readable when something has changed
};

//   ERR_SYSTEM   errno is kept
MUST_USE err dirwatch_open(struct dirwatch *out_watch);
void dirwatch_close(struct dirwatch *watch);
//   ERR_NOT_FOUND, ERR_SYSTEM
MUST_USE err dirwatch_add(struct dirwatch *watch, const char *dir);
// Whether something has changed since the last call.
bool dirwatch_take(struct dirwatch *watch);
