// For LD_PRELOAD: while the file that WEFT_TEST_HOLD names exists, fdatasync() does not return; the
// first one that is held makes a file of that name and ".held".

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int fd);

int fdatasync(int fd)
{
    const char *hold = getenv("WEFT_TEST_HOLD");
    char held[512];
    while (hold != NULL && access(hold, F_OK) == 0) {
        const struct timespec pause = {.tv_nsec = 1000 * 1000};
        (void)snprintf(held, sizeof held, "%s.held", hold);
        int made = open(held, O_CREAT | O_WRONLY, 0600);
        if (made >= 0)
            (void)close(made);
        (void)nanosleep(&pause, NULL);
    }
    return (int)syscall(SYS_fdatasync, fd);
}
