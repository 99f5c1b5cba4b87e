#pragma once

// Named places at which a test can kill the process: WEFT_FAILPOINT="name" dies with SIGKILL at
// the first time it is passed, "name:3" at the third. Costs one comparison when not set.

#include "lib/base/err.h"

// Reads WEFT_FAILPOINT; once, in main, before any thread is started.
//   ERR_BAD_FIELD   not of the form name or name:count
MUST_USE err failpoint_init(void);

// Any thread.
void failpoint_hit(const char *name);
