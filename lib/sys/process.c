// prctl and /proc.

#include "lib/sys/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool process_die_with(pid_t parent)
{
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

void process_name(const char *name)
{
    (void)prctl(PR_SET_NAME, name); // for the eye only
}

void process_stand_back(void)
{
    enum { NICE = 10 };
    // Of a thread, by its number: Linux has it so. Without the right to it nothing is lost.
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

// The name of the program stands in parentheses and may hold anything, so counting begins at the
// last one: state is field 3, the start time field 22.
static const char *start_field(const char *stat)
{
    const char *at = strrchr(stat, ')');
    for (int field = 2; at != NULL && field < 22; field++) {
        at = strchr(at, ' ');
        if (at != NULL)
            at++;
    }
    return at;
}

err process_start(pid_t pid, uint64_t *out_ticks)
{
    char text[1024];
    (void)snprintf(text, sizeof text, "/proc/%d/stat", (int)pid);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    ssize_t len = read(fd, text, sizeof text - 1);
    int kept = errno;
    (void)close(fd); // only read
    errno = kept;
    if (len <= 0)
        return len < 0 && errno != ESRCH ? ERR_SYSTEM : ERR_NOT_FOUND;
    text[len] = '\0';
    const char *field = start_field(text);
    char *end = NULL;
    unsigned long long ticks = field != NULL ? strtoull(field, &end, 10) : 0;
    if (field == NULL || end == field)
        return ERR_SYSTEM;
    *out_ticks = ticks;
    return OK;
}
