#pragma once

// Commands that no peer sends: peers that have gone, jobs whose retention is over, time itself.

#include "broker/shell/broker.h"

void chores_run(struct broker *broker);

// How long until there is a chore, in ms; WHEN_NEVER when none is to be foreseen.
when_ms chores_wait_ms(const struct broker *broker);
