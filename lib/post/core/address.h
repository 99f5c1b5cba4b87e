#pragma once

// May a webhook go to this address? Judged by its numbers, after the name has been resolved, so that
// it does not matter how an address is spelled or who answers for a name. An IPv4 address inside an
// IPv6 one counts as what it is inside. Pure.

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct address {
    bool is_v6;
    uint8_t bytes[16]; // of IPv4 the first four
};

enum address_kind {
    ADDRESS_PUBLIC,      // the only kind that is allowed by itself
    ADDRESS_UNSPECIFIED, // 0.0.0.0/8, ::
    ADDRESS_LOOPBACK,
    ADDRESS_PRIVATE,    // also of IPv6: unique local and site local
    ADDRESS_SHARED,     // carrier NAT, 100.64.0.0/10
    ADDRESS_LINK_LOCAL, // also 169.254.169.254, where clouds keep secrets
    ADDRESS_METADATA,   // public by number, but answered by the machine's own cloud
    ADDRESS_MULTICAST,
    ADDRESS_BROADCAST,
    ADDRESS_DOCUMENTATION,
    ADDRESS_BENCHMARK,
    ADDRESS_TUNNEL,   // ends somewhere else than it says
    ADDRESS_RESERVED, // nobody's, or not yet
    ADDRESS_KINDS
};

enum address_kind address_kind(const struct address *address);
// "loopback"; static.
const char *address_kind_text(enum address_kind kind);

// A host as it stands in a URL, IPv6 without its brackets.
enum address_form {
    ADDRESS_FORM_NAME,   // to be resolved
    ADDRESS_FORM_NUMBER, // `out_address` is set
    ADDRESS_FORM_WRONG,  // looks like a number, but is none: 1.2.3.4.5, 0x, fe80::1%eth0
};
// Every spelling that resolvers take: 127.1, 0177.0.0.1, 0x7f000001, 2130706433; ::ffff:127.0.0.1.
enum address_form address_read(struct slice host, struct address *out_address);

enum { ADDRESS_TEXT_LEN = 39 };
// As it is usually written (IPv6: all eight groups), zero-terminated.
void address_text(const struct address *address, char out[ADDRESS_TEXT_LEN + 1]);

// A range that the operator allows although its kind is not: "10.1.0.0/16", "::1", "fd00::/8".
struct address_range {
    struct address first;
    uint32_t bits;
};
//   ERR_BAD_FIELD   no address, too many bits, or bits set behind them
MUST_USE err address_range_read(struct slice text, struct address_range *out_range);
// A mapped address (::ffff:0:0/96) is in the IPv4 ranges of what it maps.
bool address_is_within(const struct address *address, const struct address_range *range);
