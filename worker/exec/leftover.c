// A walk through /proc.

#include "worker/exec/leftover.h"

#include "lib/sys/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <unistd.h>

enum { ENVIRONMENT_MAX = 256 * 1024 };

// True when one of the texts, each ended by a zero, is `wanted`.
static bool has_text(const char *texts, size_t len, const char *wanted)
{
    size_t wanted_len = strlen(wanted) + 1;
    size_t at = 0;
    while (at < len) {
        const char *end = memchr(texts + at, '\0', len - at);
        if (end == NULL)
            return false;
        size_t text_len = (size_t)(end - (texts + at)) + 1;
        if (text_len == wanted_len && memcmp(texts + at, wanted, text_len) == 0)
            return true;
        at += text_len;
    }
    return false;
}

static bool carries(pid_t pid, const char *wanted, char *room)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false; // gone, or another user's
    size_t len = 0;
    ssize_t got = 0;
    do {
        got = read(fd, room + len, ENVIRONMENT_MAX - len);
        if (got > 0)
            len += (size_t)got;
    } while (got > 0 && len < ENVIRONMENT_MAX);
    (void)close(fd); // only read
    return has_text(room, len, wanted);
}

static pid_t pid_of(const char *name)
{
    long number = 0;
    for (const char *digit = name; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || number > 100000000)
            return 0;
        number = number * 10 + (*digit - '0');
    }
    return (pid_t)number;
}

uint32_t leftover_kill_session(uint64_t session)
{
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, LEFTOVER_VARIABLE "=%016" PRIx64, session);
    char *room = malloc(ENVIRONMENT_MAX);
    DIR *dir = opendir("/proc");
    uint32_t count = 0;
    const struct dirent *entry = NULL;
    while (room != NULL && dir != NULL && (entry = readdir(dir)) != NULL) {
        pid_t pid = pid_of(entry->d_name);
        if (pid > 1 && pid != getpid() && carries(pid, wanted, room))
            count += kill(pid, SIGKILL) == 0;
    }
    if (dir != NULL)
        (void)closedir(dir);
    free(room);
    return count;
}

bool leftover_kill_group(pid_t pid, uint64_t start_ticks)
{
    uint64_t ticks = 0;
    if (pid <= 1 || process_start(pid, &ticks) != OK || ticks != start_ticks)
        return false;
    return kill(-pid, SIGKILL) == 0;
}
