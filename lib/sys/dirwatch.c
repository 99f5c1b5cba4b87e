// Files are replaced by a rename, so only whole ones are met.

#include "lib/sys/dirwatch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

err dirwatch_open(struct dirwatch *out_watch)
{
    out_watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return out_watch->fd >= 0 ? OK : ERR_SYSTEM;
}

void dirwatch_close(struct dirwatch *watch)
{
    if (watch->fd >= 0)
        (void)close(watch->fd); // nothing is buffered
    watch->fd = -1;
}

err dirwatch_add(struct dirwatch *watch, const char *dir)
{
    const uint32_t events =
        IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;
    if (inotify_add_watch(watch->fd, dir, events | IN_ONLYDIR) >= 0)
        return OK;
    return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
}

bool dirwatch_take(struct dirwatch *watch)
{
    char events[4096];
    bool has_changed = false;
    while (read(watch->fd, events, sizeof events) > 0)
        has_changed = true;
    return has_changed;
}
