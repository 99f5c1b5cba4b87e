#pragma once

// The clocks of the machine. Only shells read them; pure code gets moments as parameters. Any
// thread, except for a struct clock_store, which one thread owns.

#include "lib/base/slew.h"
#include "lib/base/when.h"

// CLOCK_MONOTONIC: leases, heartbeats, deadlines of this process. Stops while the machine sleeps.
when_ms clock_mono_ms(void);
int64_t clock_mono_us(void);
// What the calling thread has used of the processor.
int64_t clock_cpu_us(void);
// CLOCK_REALTIME, which may jump in both directions.
when_ms clock_wall_ms(void);
// CLOCK_BOOTTIME: counts sleep too.
when_ms clock_boot_ms(void);

// Store time: what everything stored is counted in. It advances with CLOCK_BOOTTIME, approaches
// the wall clock by at most a tenth of the time passed, and never goes back (lib/base/slew.h).
struct clock_store {
    struct slew slew;
};

// `stored_last` is the latest store time on disk, 0 when there is none. Starts at the later of it
// and the wall clock. A start more than a day ahead of `stored_last`, or a wall clock behind it
// by more than a second, is logged.
//   ERR_CONFLICT   the wall clock is more than 30 days ahead of `stored_last` and `accept_jump`
//                  is false: it is more probably wrong than right
MUST_USE err clock_store_open(struct clock_store *clock_store, when_ms stored_last,
                              bool accept_jump);
when_ms clock_store_now(struct clock_store *clock_store);
