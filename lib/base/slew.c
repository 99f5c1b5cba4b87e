// Store time from two readings: what has passed, plus or minus at most a tenth of it.

#include "lib/base/slew.h"

when_ms slew_jump_ms(when_ms wall, when_ms stored_last)
{
    return stored_last > 0 && wall > stored_last ? wall - stored_last : 0;
}

struct slew slew_start(struct slew_clocks clocks, when_ms stored_last)
{
    CHECK(stored_last >= 0);
    return (struct slew){
        .boot_last = clocks.boot,
        .store = clocks.wall > stored_last ? clocks.wall : stored_last,
    };
}

// The tenth of what has passed, kept in whole milliseconds over many short steps.
static when_ms leave_to_lean(struct slew *slew, when_ms passed)
{
    slew->tenths += passed % 10;
    when_ms leave = passed / 10 + slew->tenths / 10;
    slew->tenths %= 10;
    return leave;
}

when_ms slew_now(struct slew *slew, struct slew_clocks clocks)
{
    when_ms passed = clocks.boot > slew->boot_last ? clocks.boot - slew->boot_last : 0;
    when_ms leave = leave_to_lean(slew, passed);
    when_ms straight = slew->store + passed;
    when_ms lean = clocks.wall - straight;
    if (lean > leave)
        lean = leave;
    if (lean < -leave)
        lean = -leave;
    CHECK(straight + lean >= slew->store);
    slew->boot_last += passed;
    slew->store = straight + lean;
    return slew->store;
}
