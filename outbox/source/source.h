#pragma once

// The user's database, whichever it is: open rows of the table weft_outbox, taken in order of their
// ids, and what becomes of them. Every error means: nothing was changed, or what was changed may be
// done again. Not thread-safe.
//
//                fetch              settle, release
//     open ─────▶ idle ─────▶ fetched ─────────────▶ idle

#include "lib/base/when.h"
#include "outbox/core/parked.h"
#include "outbox/core/row.h"

enum {
    SOURCE_ROWS_MAX = 256,                  // in one fetch
    SOURCE_BYTES_MAX = 4 * 1024 * 1024,     // of their payloads and options, but for the last row
    SOURCE_ROW_BYTES_MAX = 2 * 1024 * 1024, // what one row's columns may take
    SOURCE_PROBLEM_LEN = 512,
};

struct source;

struct source_rows {
    struct row items[SOURCE_ROWS_MAX]; // borrowed until source_settle() or source_release()
    uint32_t count;
};

// What becomes of a row: OK removes it, any other error marks it.
struct source_verdict {
    int64_t row_id;
    err error;
    struct slice detail;
};

struct source_verdicts {
    const struct source_verdict *items;
    uint32_t count;
};

// Can it be read as "sqlite:PATH" or, as libpq does, "postgresql://…" or "host=… dbname=…"? Nothing is opened.
bool source_is_database(const char *database);
// `database`: one that source_is_database(). After an error `out_problem` has a sentence.
//   ERR_NOT_FOUND   there is no outbox in this database, or no database of this name (sqlite)
//   ERR_AGAIN       it does not answer, or has no time
MUST_USE err source_open(const char *database, struct source **out_source,
                         char out_problem[SOURCE_PROBLEM_LEN]);
void source_close(struct source *source); // NULL is fine

// "postgresql" or "sqlite".
const char *source_kind_name(const struct source *source);
// Which outbox it is; at most ROW_OUTBOX_ID_LEN_MAX bytes. Borrowed.
struct slice source_outbox_id(const struct source *source);
// After an error: a sentence. Borrowed until the next call.
const char *source_problem(const struct source *source);

// Each: ERR_AGAIN when the database does not answer (for 75 s at the most) or has no time; then it is to be closed.
//
// Rows that are neither refused nor of a parked queue nor, with PostgreSQL, held by another relay.
MUST_USE err source_fetch(struct source *source, const struct parked *parked, when_ms now,
                          struct source_rows *out_rows);
MUST_USE err source_settle(struct source *source, const struct source_verdicts *verdicts);
// Gives the rows back as they are.
MUST_USE err source_release(struct source *source);
// Waits until a transaction has brought rows, or may have, `stop_fd` is readable, or the time is over.
MUST_USE err source_wait(struct source *source, int stop_fd, when_ms timeout_ms);
