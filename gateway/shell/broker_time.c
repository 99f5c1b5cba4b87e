// A distance from a clock that nobody sets.

#include "gateway/shell/broker_time.h"

#include "lib/sys/clock.h"

void broker_time_hear(struct broker_time *broker_time, const struct msg_submitted_job *said)
{
    // That of a replay is of the first time.
    bool is_now = (said->error == OK && !said->replayed) || said->error == ERR_ID_TOO_OLD;
    if (is_now && said->created_at > 0)
        atomic_store(&broker_time->ahead, said->created_at - clock_boot_ms());
}

when_ms broker_time_now(const struct broker_time *broker_time)
{
    when_ms ahead = atomic_load(&broker_time->ahead);
    return ahead != 0 ? clock_boot_ms() + ahead : clock_wall_ms();
}
