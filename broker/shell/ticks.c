// Room for the tick is kept until it has been taken.

#include "broker/shell/ticks.h"

#include "broker/shell/intake.h"

static const struct command tick = {.kind = COMMAND_TICK};

static bool is_due(const struct broker *broker)
{
    return core_wait_ms(broker->core, broker->now) == 0;
}

// The last of them, as many as one step may name.
static struct command next_unsent(const struct broker *broker)
{
    uint32_t count = broker->unsent_count < LIMITS_STEP_RECORDS_MAX ? broker->unsent_count
                                                                    : LIMITS_STEP_RECORDS_MAX;
    struct command command = {.kind = COMMAND_UNSENT};
    command.unsent = (struct msg_held_list){.items = &broker->unsent[broker->unsent_count - count],
                                            .count = count};
    return command;
}

static bool has_room(const struct broker *broker, const struct command *unsent)
{
    uint32_t kept = is_due(broker) ? core_weight(broker->core, &tick) : 0;
    return effects_has_room(&broker->filling->effects, core_weight(broker->core, unsent) + kept);
}

static void take_back_unsent(struct broker *broker)
{
    while (broker->unsent_count > 0) {
        struct command command = next_unsent(broker);
        if (!has_room(broker, &command) || !intake_decide(broker, &command))
            return; // the next batch has room
        broker->unsent_count -= command.unsent.count;
    }
}

void ticks_run(struct broker *broker)
{
    take_back_unsent(broker);
    if (is_due(broker))
        (void)intake_decide(broker, &tick); // without room this batch has had one
}

when_ms ticks_wait_ms(const struct broker *broker)
{
    struct command unsent = next_unsent(broker);
    if (unsent.unsent.count > 0 && has_room(broker, &unsent))
        return 0;
    if (!effects_has_room(&broker->filling->effects, core_weight(broker->core, &tick)))
        return WHEN_NEVER;
    return core_wait_ms(broker->core, broker->now);
}
