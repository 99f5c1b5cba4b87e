#pragma once

// The certificate of the doors with TLS. libmicrohttpd hands its question for one to the process and
// not to a server, so there is one for all servers of a process. The only includer of <gnutls/…>.

#include "lib/base/err.h"
#include "lib/base/when.h"

enum { HTTP_TLS_CHAIN_MAX = 8, HTTP_TLS_FILE_LEN_MAX = 256 * 1024, HTTP_TLS_WHY_LEN = 160 };

struct http_tls_files {
    const char *certificate; // PEM: the server's, then those that lead to a known one
    const char *key;         // PEM, without a password
};

// Reads both and shows the certificate in all handshakes from now on; connections that stand are left
// alone. On an error the former one stays. `out_ends_at` is when the certificate ends, on the wall
// clock. Any thread, one at a time.
//   ERR_BAD_FIELD   a file cannot be read or is not what it should be, or the two do not belong
//                   together: `out_why` is a sentence
//   ERR_NO_MEMORY
MUST_USE err http_tls_load(const struct http_tls_files *files, when_ms *out_ends_at,
                           char out_why[HTTP_TLS_WHY_LEN]);
