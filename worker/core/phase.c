// One table, and the moments at which its events happen by themselves.

#include "worker/core/phase.h"

#include "lib/base/check.h"

enum phase_event {
    EVENT_QUIET,
    EVENT_STOP,
    EVENT_GRACE_OVER,
    EVENT_EMPTY,
    EVENT_LEFT,
    EVENT_COUNT
};

static const uint8_t next_state[PHASE_STATES][EVENT_COUNT] = {
    [PHASE_SERVING] = {PHASE_QUIET, PHASE_DRAINING, PHASE_SERVING, PHASE_SERVING, PHASE_SERVING},
    [PHASE_QUIET] = {PHASE_QUIET, PHASE_DRAINING, PHASE_QUIET, PHASE_QUIET, PHASE_QUIET},
    [PHASE_DRAINING] = {PHASE_DRAINING, PHASE_STOPPING, PHASE_STOPPING, PHASE_LEAVING,
                        PHASE_DRAINING},
    [PHASE_STOPPING] = {PHASE_STOPPING, PHASE_STOPPING, PHASE_STOPPING, PHASE_LEAVING,
                        PHASE_STOPPING},
    [PHASE_LEAVING] = {PHASE_LEAVING, PHASE_GONE, PHASE_LEAVING, PHASE_LEAVING, PHASE_GONE},
    [PHASE_GONE] = {PHASE_GONE, PHASE_GONE, PHASE_GONE, PHASE_GONE, PHASE_GONE},
};

static bool phase_move(struct phase *phase, enum phase_event event)
{
    enum phase_state before = phase->state;
    phase->state = (enum phase_state)next_state[before][event];
    CHECK(phase->state >= before); // there is no way back
    return phase->state != before;
}

bool phase_quiet(struct phase *phase)
{
    return phase_move(phase, EVENT_QUIET);
}

bool phase_is_quiet(const struct phase *phase)
{
    return phase->state != PHASE_SERVING;
}

enum phase_order phase_stop(struct phase *phase, when_ms now)
{
    enum phase_state before = phase->state;
    bool moved = phase_move(phase, EVENT_STOP);
    if (moved && phase->state == PHASE_DRAINING)
        phase->until = when_after(now, phase->grace_ms);
    return before == PHASE_DRAINING || before == PHASE_STOPPING ? PHASE_ORDER_KILL
                                                                : PHASE_ORDER_NONE;
}

enum phase_order phase_tick(struct phase *phase, when_ms now, const struct phase_load *load)
{
    if (load->held_count == 0 && phase_move(phase, EVENT_EMPTY))
        phase->until = when_after(now, PHASE_LEAVE_MS);
    if (phase->state == PHASE_LEAVING && (load->unsettled_count == 0 || phase->until <= now))
        (void)phase_move(phase, EVENT_LEFT); // it moves, as the state says
    if (phase->state == PHASE_DRAINING && phase->until <= now) {
        (void)phase_move(phase, EVENT_GRACE_OVER); // the same
        return PHASE_ORDER_TERM;
    }
    return PHASE_ORDER_NONE;
}

when_ms phase_next(const struct phase *phase)
{
    bool waits = phase->state == PHASE_DRAINING || phase->state == PHASE_LEAVING;
    return waits ? phase->until : WHEN_NEVER;
}
