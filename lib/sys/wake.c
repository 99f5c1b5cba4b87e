// eventfd: a counter that is readable while it is not zero.

#include "lib/sys/wake.h"

#include "lib/base/check.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

err wake_open(struct wake *out_wake)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return ERR_SYSTEM;
    out_wake->fd = fd;
    return OK;
}

void wake_close(struct wake *wake)
{
    (void)close(wake->fd); // nothing is buffered
    wake->fd = -1;
}

void wake_ring(const struct wake *wake)
{
    const uint64_t one = 1;
    int kept = errno;
    ssize_t len = write(wake->fd, &one, sizeof one);
    // EAGAIN: rung 2^64 - 2 times and never heard, so it is readable anyway.
    CHECK(len == (ssize_t)sizeof one || errno == EAGAIN);
    errno = kept;
}

void wake_clear(const struct wake *wake)
{
    uint64_t rings;
    ssize_t len = read(wake->fd, &rings, sizeof rings);
    CHECK(len == (ssize_t)sizeof rings || errno == EAGAIN || errno == EINTR);
}
