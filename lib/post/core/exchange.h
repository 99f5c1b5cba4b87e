#pragma once

// How a request to somebody else's HTTP service ended, without judging what follows from it. Pure.

#include "lib/base/slice.h"
#include "lib/base/when.h"

// The longest Retry-After that is obeyed.
#define EXCHANGE_WISH_MS_MAX ((when_ms)24 * 60 * 60 * 1000)

enum exchange_end {
    EXCHANGE_ANSWERED,   // with a status
    EXCHANGE_BAD_URL,    // not sent: the rules refuse it
    EXCHANGE_FORBIDDEN,  // not sent: no address of the host may be used
    EXCHANGE_NO_HOST,    // the name was not resolved
    EXCHANGE_NO_CONNECT, // nobody took the connection
    EXCHANGE_TLS,        // no trusted TLS
    EXCHANGE_TIMEOUT,    // no whole answer in time
    EXCHANGE_BROKEN,     // the connection broke, or what came was no HTTP
    EXCHANGE_ENDS
};

// Reads Retry-After: seconds, or a date of the form "Sun, 06 Nov 1994 08:49:37 GMT". At most
// EXCHANGE_WISH_MS_MAX; 0 for what is over or cannot be read.
when_ms exchange_retry_after_ms(struct slice value, when_ms wall);
