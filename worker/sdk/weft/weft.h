#pragma once

// What client and worker of libweft share: errors, bytes with their type, ids.
//
// The library has no state of its own: what belongs together hangs on a client or a worker. A struct
// that the caller fills begins with `size`, to be set by its WEFT_…_INIT macro: a later library knows by
// it which fields are there. A struct that the library fills and lends only grows at its end.
//
// Out of memory, and a broken promise inside the library, end the process (abort): what was promised
// before lies with the broker or in the journal.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEFT_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

// "0.1.0", of the library that runs. Static.
WEFT_API const char *weft_version(void);

// Why something was refused. The numbers are those of the protocol (docs/protocol.md, Errors): 0 is no
// error, 11 bad-field, 14 no-broker, 15 timeout …
struct weft_error {
    int number;
    char text[508]; // one sentence that says the fix
};

// The stable name ("full"), and whether the same request may succeed later. Static; any thread.
WEFT_API const char *weft_error_slug(int number);
WEFT_API bool weft_error_may_retry(int number);

enum {
    WEFT_ERROR_NOT_FOUND = 6,
    WEFT_ERROR_BAD_FIELD = 11,
    WEFT_ERROR_NO_BROKER = 14,
    WEFT_ERROR_TIMEOUT = 15
};

enum weft_content {
    WEFT_CONTENT_NONE = 0, // no bytes
    WEFT_CONTENT_BYTES = 1,
    WEFT_CONTENT_JSON = 2,
    WEFT_CONTENT_MSGPACK = 3,
    WEFT_CONTENT_TEXT = 4, // UTF-8
};

struct weft_body {
    enum weft_content content;
    const void *data;
    size_t len; // bytes, at most 1 MiB
};

// A zero-terminated text as a body. Borrows it. No text (NULL) is no JSON, and as a text it is an empty one.
WEFT_API struct weft_body weft_json(const char *text);
WEFT_API struct weft_body weft_text(const char *text);

struct weft_pair {
    const char *name;
    const char *value;
};

enum { WEFT_ID_SIZE = 37 }; // of the text of an id, with its zero

// The id of the job with this key, the same on every machine. `tenant` and `queue` may be NULL: default.
//   11 bad-field   the key is not 1 to 255 printable ASCII characters; `out_id` is untouched
WEFT_API int weft_id_of_key(const char *tenant, const char *queue, const char *key,
                            char out_id[WEFT_ID_SIZE]);
// A new id for a job or a batch of this queue.
//   11 bad-field   the queue's name is not allowed
WEFT_API int weft_id_new(const char *tenant, const char *queue, char out_id[WEFT_ID_SIZE]);

#ifdef __cplusplus
}
#endif
