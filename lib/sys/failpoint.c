// One failpoint per process, from the environment.

#include "lib/sys/failpoint.h"

#include "lib/sys/log.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

static char armed[64];         // empty: none
static atomic_llong hits_left; // until the deadly one

err failpoint_init(void)
{
    const char *setting = getenv("WEFT_FAILPOINT");
    armed[0] = '\0';
    if (setting == NULL || *setting == '\0')
        return OK;
    const char *colon = strchr(setting, ':');
    size_t name_len = colon != NULL ? (size_t)(colon - setting) : strlen(setting);
    long long count = 1;
    if (colon != NULL) {
        char *end = NULL;
        errno = 0;
        count = strtoll(colon + 1, &end, 10);
        if (errno != 0 || end == colon + 1 || *end != '\0' || count < 1)
            return ERR_BAD_FIELD;
    }
    if (name_len == 0 || name_len >= sizeof armed)
        return ERR_BAD_FIELD;
    atomic_store(&hits_left, count);
    (void)slice_to_text(slice_of(setting, name_len), armed, sizeof armed);
    return OK;
}

void failpoint_hit(const char *name)
{
    if (armed[0] == '\0' || strcmp(armed, name) != 0)
        return;
    if (atomic_fetch_sub(&hits_left, 1) != 1)
        return;
    log_warn("failpoint.hit", "name=%s", name);
    (void)kill(getpid(), SIGKILL);
}
