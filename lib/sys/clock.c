// Readings of the system's clocks, and store time made from them.

#include "lib/sys/clock.h"

#include "lib/base/check.h"
#include "lib/sys/log.h"

#include <inttypes.h>

static int64_t read_us(clockid_t which)
{
    struct timespec moment;
    CHECK(clock_gettime(which, &moment) == 0);
    return (int64_t)moment.tv_sec * 1000000 + moment.tv_nsec / 1000;
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

when_ms clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

int64_t clock_cpu_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

when_ms clock_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

when_ms clock_boot_ms(void)
{
    return read_us(CLOCK_BOOTTIME) / 1000;
}

static struct slew_clocks read_both(void)
{
    return (struct slew_clocks){.boot = clock_boot_ms(), .wall = clock_wall_ms()};
}

err clock_store_open(struct clock_store *clock_store, when_ms stored_last, bool accept_jump)
{
    struct slew_clocks clocks = read_both();
    when_ms jump = slew_jump_ms(clocks.wall, stored_last);
    if (jump > SLEW_JUMP_MAX_MS && !accept_jump)
        return ERR_CONFLICT;
    if (jump > SLEW_JUMP_TOLD_MS)
        log_warn("clock.jumped", "ahead_ms=%" PRId64, jump);
    if (clocks.wall < stored_last - SLEW_BEHIND_TOLD_MS)
        log_warn("clock.behind", "behind_ms=%" PRId64, stored_last - clocks.wall);
    clock_store->slew = slew_start(clocks, stored_last);
    return OK;
}

when_ms clock_store_now(struct clock_store *clock_store)
{
    return slew_now(&clock_store->slew, read_both());
}
