// For LD_PRELOAD: clocks that a test sets. The wall clock is WEFT_TEST_AHEAD_S seconds ahead; clocks that nobody sets stay.
// Or WEFT_TEST_CLOCK names a file of three int64_t that the test goes on writing (lib_clock.py): all clocks are ahead by the first,
// in nanoseconds; while the second is not 0 they stand still but for that; the wall clock is ahead by the third, too.

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CLOCKS = CLOCK_BOOTTIME + 1, NS_PER_S = 1000000000 };

struct told {
    int64_t ahead_ns;
    int64_t stands;
    int64_t wall_ahead_ns;
};

static const volatile struct told *told; // NULL without a file
static struct timespec begun[CLOCKS];    // what a clock that stands still shows

int clock_gettime(clockid_t which, struct timespec *out_moment);

static int ask(clockid_t which, struct timespec *out_moment)
{
    return (int)syscall(SYS_clock_gettime, which, out_moment);
}

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("WEFT_TEST_CLOCK");
    int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    for (clockid_t which = 0; which < CLOCKS; which++)
        (void)ask(which, &begun[which]);
    void *map = mmap(NULL, sizeof *told, PROT_READ, MAP_SHARED, file, 0);
    (void)close(file);
    if (map == MAP_FAILED)
        abort(); // a test that goes by the real clock would say nothing
    told = map;
}

int clock_gettime(clockid_t which, struct timespec *out_moment)
{
    const char *ahead = getenv("WEFT_TEST_AHEAD_S");
    int result = ask(which, out_moment);
    if (which == CLOCK_REALTIME && ahead != NULL)
        out_moment->tv_sec += strtol(ahead, NULL, 10);
    if (told != NULL &&
        (which == CLOCK_REALTIME || which == CLOCK_MONOTONIC || which == CLOCK_BOOTTIME)) {
        if (told->stands != 0)
            *out_moment = begun[which];
        int64_t ahead_ns = told->ahead_ns + (which == CLOCK_REALTIME ? told->wall_ahead_ns : 0);
        int64_t ns = out_moment->tv_nsec + ahead_ns;
        out_moment->tv_sec += ns / NS_PER_S - (ns % NS_PER_S < 0);
        out_moment->tv_nsec = ns % NS_PER_S + (ns % NS_PER_S < 0 ? NS_PER_S : 0);
    }
    return result;
}
