// For LD_PRELOAD: the wall clock is WEFT_TEST_AHEAD_S seconds ahead. Clocks that nobody sets stay.

#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t which, struct timespec *out_moment);

int clock_gettime(clockid_t which, struct timespec *out_moment)
{
    const char *ahead = getenv("WEFT_TEST_AHEAD_S");
    int result = (int)syscall(SYS_clock_gettime, which, out_moment);
    if (which == CLOCK_REALTIME && ahead != NULL)
        out_moment->tv_sec += strtol(ahead, NULL, 10);
    return result;
}
