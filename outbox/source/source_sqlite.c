// SQLite: rows are read without a lock and removed in a short transaction of their own, so that the
// application never waits for the broker. Several relays may then submit the same row: the second is
// answered with the same job. The only file that includes <sqlite3.h>.

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "outbox/source/source_private.h"

#include <poll.h>
#include <sqlite3.h>

enum {
    BUSY_MS = 5000, // how long to wait for a writer of the application
    LOOK_MS = 20,   // how often to ask whether another connection has committed
    STATEMENTS = 4,
};

enum statement { FETCH, REMOVE, MARK, VERSION };

static const char *const statement_texts[STATEMENTS] = {
    [FETCH] =
        "SELECT id, CAST(type AS TEXT), CAST(queue AS TEXT), "
        "CASE WHEN length(CAST(payload AS BLOB)) <= ?2 THEN payload END, "
        "CASE WHEN length(CAST(options AS BLOB)) <= ?3 THEN options END, "
        "CAST(traceparent AS TEXT), "
        "coalesce(length(CAST(payload AS BLOB)) > ?2, 0) OR length(CAST(options AS BLOB)) > ?3 "
        "FROM weft_outbox WHERE refused_at IS NULL "
        "AND queue NOT IN (SELECT value FROM json_each(?1)) ORDER BY id LIMIT ?4",
    [REMOVE] = "DELETE FROM weft_outbox WHERE id = ?1",
    [MARK] = ("UPDATE weft_outbox SET refused_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), "
              "error_code = ?2, error = ?3 WHERE id = ?1 AND refused_at IS NULL"),
    [VERSION] = "PRAGMA data_version",
};

struct sqlite_source {
    struct source base;
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    struct arena arena;   // columns of the rows fetched last
    int64_t seen_version; // of the database at the last fetch
};

static struct sqlite_source *of(struct source *source)
{
    CHECK(source->kind == &source_sqlite);
    return (struct sqlite_source *)source;
}

static err fail(struct sqlite_source *source)
{
    (void)snprintf(source->base.problem, sizeof source->base.problem, "%s",
                   sqlite3_errmsg(source->database));
    return ERR_AGAIN;
}

static err run(struct sqlite_source *source, const char *sql)
{
    return sqlite3_exec(source->database, sql, NULL, NULL, NULL) == SQLITE_OK ? OK : fail(source);
}

static void close_sqlite(struct source *base)
{
    struct sqlite_source *source = of(base);
    for (int i = 0; i < STATEMENTS; i++)
        (void)sqlite3_finalize(source->statements[i]); // tells the last error again
    (void)sqlite3_close(source->database);             // nothing of it is open
    free(source->arena.data);
    free(source);
}

// --- opening ---

static err read_id(struct sqlite_source *source)
{
    sqlite3_stmt *statement = NULL;
    const char *sql = "SELECT CAST(id AS TEXT) FROM weft_outbox_identity";
    int code = sqlite3_prepare_v2(source->database, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const void *text = sqlite3_column_text(statement, 0);
        if (text != NULL)
            (void)snprintf(source->base.outbox_id, sizeof source->base.outbox_id, "%s",
                           (const char *)text);
    }
    err e = fail(source);
    (void)sqlite3_finalize(statement); // tells the last error again
    if (source->base.outbox_id[0] != '\0')
        return OK;
    bool is_missing = code == SQLITE_ERROR || code == SQLITE_ROW || code == SQLITE_DONE;
    if (!is_missing)
        return e;
    (void)snprintf(source->base.problem, sizeof source->base.problem, SOURCE_NO_SCHEMA, "sqlite");
    return ERR_NOT_FOUND;
}

// A removal that a power cut takes back is repeated, and answered with the same job.
static err relax_sync(struct sqlite_source *source)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(source->database, "PRAGMA journal_mode", -1, &statement, NULL);
    bool is_wal = false;
    if (code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW) {
        const void *mode = sqlite3_column_text(statement, 0);
        is_wal = mode != NULL && strcmp((const char *)mode, "wal") == 0;
    }
    (void)sqlite3_finalize(statement); // tells the last error again
    return is_wal ? run(source, "PRAGMA synchronous = NORMAL") : OK;
}

static err prepare(struct sqlite_source *source)
{
    for (int i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(source->database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &source->statements[i], NULL) != SQLITE_OK)
            return fail(source);
    return OK;
}

static err open_file(struct sqlite_source *source, const char *path)
{
    int code = sqlite3_open_v2(path, &source->database, SQLITE_OPEN_READWRITE, NULL);
    if (code != SQLITE_OK) {
        (void)fail(source);
        return code == SQLITE_CANTOPEN || code == SQLITE_NOTADB ? ERR_NOT_FOUND : ERR_AGAIN;
    }
    (void)sqlite3_busy_timeout(source->database, BUSY_MS);
    err e = read_id(source);
    if (e == OK)
        e = relax_sync(source);
    return e == OK ? prepare(source) : e;
}

static err open_sqlite(const char *path, struct source **out_source, char *out_problem)
{
    struct sqlite_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return ERR_NO_MEMORY;
    source->base.kind = &source_sqlite;
    source->seen_version = -1;
    size_t cap = SOURCE_BYTES_MAX + SOURCE_ROW_BYTES_MAX;
    source->arena = (struct arena){.data = malloc(cap), .cap = cap}; // touched as it is used
    err e = source->arena.data != NULL ? open_file(source, path) : ERR_NO_MEMORY;
    if (e == OK) {
        *out_source = &source->base;
        return OK;
    }
    (void)snprintf(out_problem, SOURCE_PROBLEM_LEN, "%s", source->base.problem);
    close_sqlite(&source->base);
    return e;
}

// --- rows ---

static bool is_changed(struct sqlite_source *source)
{
    sqlite3_stmt *statement = source->statements[VERSION];
    int64_t version = source->seen_version;
    if (sqlite3_step(statement) == SQLITE_ROW)
        version = sqlite3_column_int64(statement, 0);
    (void)sqlite3_reset(statement); // tells the last error again
    bool is = version != source->seen_version;
    source->seen_version = version;
    return is;
}

// Another file may stand at the path by now, with other rows: a backup that was brought back.
static err look_for_file(struct sqlite_source *source)
{
    int has_moved = 0;
    int code = sqlite3_file_control(source->database, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved);
    if (code != SQLITE_OK || has_moved == 0)
        return OK;
    (void)snprintf(source->base.problem, sizeof source->base.problem,
                   "the file was moved, removed or replaced");
    return ERR_AGAIN;
}

// Of a column that has a bound; what has none (a type, a queue) is cut behind any valid length, so
// that it is judged as too long.
static struct slice take(struct sqlite_source *source, int column, size_t len_max)
{
    sqlite3_stmt *statement = source->statements[FETCH];
    const void *bytes = sqlite3_column_blob(statement, column);
    size_t len = (size_t)sqlite3_column_bytes(statement, column);
    if (bytes == NULL || len == 0)
        return slice_of(NULL, 0);
    if (len > len_max)
        len = len_max;
    void *copy = arena_take(&source->arena, len);
    CHECK(copy != NULL);
    memcpy(copy, bytes, len);
    return slice_of(copy, len);
}

static void take_row(struct sqlite_source *source, struct row *row)
{
    enum { SHORT = 1024 };
    static_assert(MSG_PAYLOAD_LEN_MAX + (int)ROW_OPTIONS_LEN_MAX + 4 * SHORT <=
                      (int)SOURCE_ROW_BYTES_MAX,
                  "one row fits");
    sqlite3_stmt *statement = source->statements[FETCH];
    *row = (struct row){
        .row_id = sqlite3_column_int64(statement, 0),
        .type = take(source, 1, SHORT),
        .queue = take(source, 2, SHORT),
        .payload = take(source, 3, MSG_PAYLOAD_LEN_MAX),
        .options = take(source, 4, ROW_OPTIONS_LEN_MAX),
        .traceparent = take(source, 5, SHORT),
        .is_too_long = sqlite3_column_int(statement, 6) != 0,
    };
}

static err fetch(struct source *base, const char *without, struct source_rows *rows)
{
    struct sqlite_source *source = of(base);
    sqlite3_stmt *statement = source->statements[FETCH];
    if (look_for_file(source) != OK)
        return ERR_AGAIN;
    (void)is_changed(source); // what is committed from here on is another change
    arena_reset(&source->arena);
    (void)sqlite3_bind_text(statement, 1, without, -1, SQLITE_STATIC); // the places exist
    (void)sqlite3_bind_int(statement, 2, MSG_PAYLOAD_LEN_MAX);
    (void)sqlite3_bind_int(statement, 3, ROW_OPTIONS_LEN_MAX);
    (void)sqlite3_bind_int(statement, 4, SOURCE_ROWS_MAX);
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW && source->arena.used < SOURCE_BYTES_MAX) {
        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
            take_row(source, &rows->items[rows->count++]);
    }
    err e = code == SQLITE_ROW || code == SQLITE_DONE ? OK : fail(source);
    (void)sqlite3_reset(statement); // ends the reading; tells the last error again
    return e;
}

static err settle_one(struct sqlite_source *source, const struct source_verdict *verdict)
{
    bool is_kept = verdict->error != OK;
    sqlite3_stmt *statement = source->statements[is_kept ? MARK : REMOVE];
    (void)sqlite3_bind_int64(statement, 1, verdict->row_id); // the places exist
    if (is_kept) {
        (void)sqlite3_bind_text(statement, 2, err_slug(verdict->error), -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 3, (const char *)verdict->detail.data,
                                (int)verdict->detail.len, SQLITE_STATIC);
    }
    int code = sqlite3_step(statement);
    err e = code == SQLITE_DONE ? OK : fail(source);
    (void)sqlite3_reset(statement); // tells the last error again
    return e;
}

static err settle(struct source *base, const struct source_verdicts *verdicts)
{
    struct sqlite_source *source = of(base);
    err e = run(source, "BEGIN IMMEDIATE");
    if (e != OK)
        return e;
    for (uint32_t i = 0; e == OK && i < verdicts->count; i++)
        e = settle_one(source, &verdicts->items[i]);
    if (e == OK)
        e = run(source, "COMMIT");
    if (e != OK)
        (void)sqlite3_exec(source->database, "ROLLBACK", NULL, NULL, NULL); // the first is told
    return e;
}

static err release(struct source *base)
{
    (void)of(base); // nothing is held
    return OK;
}

static err wait_sqlite(struct source *base, int stop_fd, when_ms timeout_ms)
{
    struct sqlite_source *source = of(base);
    when_ms until = when_after(clock_mono_ms(), timeout_ms);
    struct pollfd item = {.fd = stop_fd, .events = POLLIN};
    while (!is_changed(source)) {
        when_ms left = until - clock_mono_ms();
        if (left <= 0 || poll(&item, 1, left < LOOK_MS ? (int)left : LOOK_MS) > 0)
            break;
    }
    return OK;
}

static bool is_path(const char *database)
{
    return *database != '\0';
}

const struct source_kind source_sqlite = {
    .name = "sqlite",
    .is_database = is_path,
    .open = open_sqlite,
    .close = close_sqlite,
    .fetch = fetch,
    .settle = settle,
    .release = release,
    .wait = wait_sqlite,
};
