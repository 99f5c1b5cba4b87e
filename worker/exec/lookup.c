// The search of execvpe(), without the exec.

#include "worker/exec/lookup.h"

#include "lib/base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

// errno is set when it is not.
static bool is_program(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) != 0)
        return false;
    errno = EACCES;
    return S_ISREG(status.st_mode);
}

static err along(const char *dirs, const char *name)
{
    bool is_refused = false;
    for (const char *dir = dirs;; dir++) {
        size_t len = strcspn(dir, ":");
        char path[PATH_MAX];
        // An empty one is the directory one is in.
        int size = snprintf(path, sizeof path, "%.*s%s%s", (int)len, dir, len > 0 ? "/" : "", name);
        if (size > 0 && size < (int)sizeof path && is_program(path))
            return OK;
        is_refused = is_refused || errno == EACCES;
        dir += len;
        if (*dir == '\0')
            break;
    }
    errno = is_refused ? EACCES : ENOENT;
    return ERR_NOT_FOUND;
}

err lookup_program(const char *name)
{
    const char *path = getenv("PATH");
    errno = ENOENT;
    if (*name == '\0')
        return ERR_NOT_FOUND;
    if (strchr(name, '/') != NULL)
        return is_program(name) ? OK : ERR_NOT_FOUND;
    return along(path != NULL ? path : "/bin:/usr/bin", name);
}
