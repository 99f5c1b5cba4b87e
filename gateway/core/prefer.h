#pragma once

// The header Prefer (RFC 7240): what a client would like and need not get. Pure.

#include "lib/base/slice.h"
#include "lib/base/when.h"

enum { PREFER_WAIT_S_MAX = 60 };

// "wait=10" in it, as seconds: at most PREFER_WAIT_S_MAX, 0 when it is not there or cannot be read.
// The first one counts.
uint32_t prefer_wait_s(struct slice header);
