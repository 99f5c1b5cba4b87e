#pragma once

// The broker's two doors, the ROUTER and the tail. With a directory of keys both speak CURVE, and
// whoever knocks is looked up there; without one they serve in the clear, and only where nobody but
// this machine reaches them.

#include "broker/shell/broker.h"
#include "lib/link/zap.h"

// The ZAP domains of the two.
#define DOORS_ROUTER "weft"
#define DOORS_TAIL "weft-tail"

// Opens both, and shows that strangers are refused before anybody is served.
//   ERR_UNSUPPORTED   an address that others reach, without keys
//   ERR_NO_KEY        a stranger was let in
//   any other of link_open(); `out_why` is a sentence in any case
MUST_USE err doors_open(struct broker *broker, const char **out_why);
void doors_close(struct broker *broker);

// Lets in, or not, whoever knocks, and reviews who is here when keys have changed or expired.
void doors_serve(struct broker *broker);
// How long until a key expires or the guard looks, in ms.
when_ms doors_wait_ms(const struct broker *broker);

// Who may come in by the door of a domain?
bool doors_admits(const struct broker *broker, const struct zap_request *request);

// Knocks at a door as strangers would: with a key that was made just now, and in the clear. `judge`
// answers for the handler. ERR_NO_KEY: one of them was let in, or was not refused in time.
struct doors_judge {
    bool (*admits)(const void *context, const struct zap_request *request);
    const void *context;
};
struct doors_test {
    struct link_context *context;
    struct link *zap;
    const char *endpoint;
    const char *server_key;
    when_ms patience_ms;
};
MUST_USE err doors_test_strangers(const struct doors_test *test, const struct doors_judge *judge);
