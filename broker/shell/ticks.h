#pragma once

// What the core is told before all else of a round: which granted jobs did not leave, then the time.
// However many come back, and however full the batch gets afterwards, each batch has a tick when
// anything is due. The link thread's.

#include "broker/shell/broker.h"

// The batch being filled was empty at the end of the last round, or it has had its tick already.
void ticks_run(struct broker *broker);

// Until ticks_run() has something to do in this batch.
when_ms ticks_wait_ms(const struct broker *broker);
