// PostgreSQL: rows are locked while the broker is asked (FOR UPDATE SKIP LOCKED), so that several
// relays share the work, and a lost relay's rows are free again. The only file that includes
// <libpq-fe.h>.

#include "lib/base/check.h"
#include "lib/base/utf8.h"
#include "lib/sys/clock.h"
#include "outbox/source/source_private.h"

#include <errno.h>
#include <inttypes.h>
#include <libpq-fe.h>
#include <poll.h>

enum {
    PAGE_ROWS_FIRST = 8, // fetched at once, then twice as many while they are short, …
    PAGE_ROWS_MAX = 64,  // … so that of long payloads few come in vain
    PAGES = 8,
    NUMBER_LEN = 24,
    SILENCE_MS = 75000, // above statement_timeout: a server that stands still says nothing at all
    LOOK_MS = 1000,
};

struct postgresql_source {
    struct source base;
    PGconn *connection;
    PGresult *pages[PAGES]; // the rows fetched last borrow from them
    uint32_t page_count;
};

static struct postgresql_source *of(struct source *source)
{
    CHECK(source->kind == &source_postgresql);
    return (struct postgresql_source *)source;
}

static err fail(struct postgresql_source *source)
{
    const char *text = PQerrorMessage(source->connection);
    size_t len = strcspn(text, "\n");
    (void)snprintf(source->base.problem, sizeof source->base.problem, "%.*s", (int)len, text);
    return ERR_AGAIN;
}

static err fall_silent(struct postgresql_source *source)
{
    (void)snprintf(source->base.problem, sizeof source->base.problem,
                   "the server has not answered for %d s", SILENCE_MS / 1000);
    return ERR_AGAIN;
}

// The next result, NULL behind the last. PQexec() would wait for it for ever.
static err next_result(struct postgresql_source *source, PGresult **out_result)
{
    when_ms until = when_after(clock_mono_ms(), SILENCE_MS);
    while (PQisBusy(source->connection) != 0) {
        struct pollfd item = {.fd = PQsocket(source->connection), .events = POLLIN};
        if (clock_mono_ms() >= until)
            return fall_silent(source);
        if (poll(&item, 1, LOOK_MS) > 0 && PQconsumeInput(source->connection) != 1)
            return fail(source);
    }
    *out_result = PQgetResult(source->connection);
    return OK;
}

// One statement with texts for its places. `out_result` may be NULL; else it is the caller's.
static err ask(struct postgresql_source *source, const char *sql, const char *const *places,
               int place_count, PGresult **out_result)
{
    if (PQsendQueryParams(source->connection, sql, place_count, NULL, places, NULL, NULL, 0) != 1)
        return fail(source);
    PGresult *result = NULL;
    PGresult *end = NULL;
    err e = next_result(source, &result);
    ExecStatusType status = PQresultStatus(result);
    if (e == OK && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        e = fail(source);
    if (e == OK)
        e = next_result(source, &end); // without it there can be no other statement
    if (e == OK && out_result != NULL)
        *out_result = result;
    else
        PQclear(result);
    PQclear(end);
    return e;
}

static err run(struct postgresql_source *source, const char *sql)
{
    return ask(source, sql, NULL, 0, NULL);
}

static void clear_pages(struct postgresql_source *source)
{
    while (source->page_count > 0)
        PQclear(source->pages[--source->page_count]);
}

static void close_postgresql(struct source *base)
{
    struct postgresql_source *source = of(base);
    clear_pages(source);
    PQfinish(source->connection);
    free(source);
}

// --- opening ---

// What libpq would say of it is left out: it may quote a password.
static bool is_database(const char *database)
{
    PQconninfoOption *options = PQconninfoParse(database, NULL);
    PQconninfoFree(options);
    return options != NULL;
}

static err missing(struct postgresql_source *source)
{
    (void)snprintf(source->base.problem, sizeof source->base.problem, SOURCE_NO_SCHEMA,
                   "postgresql");
    return ERR_NOT_FOUND;
}

static err read_id(struct postgresql_source *source)
{
    PGresult *result = NULL;
    err e = ask(source, "SELECT to_regclass('weft_outbox_identity') IS NOT NULL", NULL, 0, &result);
    if (e != OK)
        return e;
    bool is_there = PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    if (!is_there)
        return missing(source);
    e = ask(source, "SELECT id::text FROM weft_outbox_identity", NULL, 0, &result);
    if (e != OK)
        return e;
    if (PQntuples(result) == 1)
        (void)snprintf(source->base.outbox_id, sizeof source->base.outbox_id, "%s",
                       PQgetvalue(result, 0, 0));
    PQclear(result);
    return source->base.outbox_id[0] != '\0' ? OK : missing(source);
}

// A removal that a crash of the database takes back is repeated, and answered with the same job, so
// it needs no flush. A relay whose machine is lost holds its rows for a minute at most. Nor does a
// relay wait for ever: for somebody who has locked the table, or for a statement that does not end.
static err set_up(struct postgresql_source *source)
{
    static const char *const words[] = {
        "SET synchronous_commit = off", "SET idle_in_transaction_session_timeout = '60s'",
        "SET lock_timeout = '5s'",      "SET statement_timeout = '60s'",
        "LISTEN weft_outbox",
    };
    err e = read_id(source);
    for (size_t i = 0; e == OK && i < sizeof words / sizeof words[0]; i++)
        e = run(source, words[i]);
    return e;
}

static void stay_silent(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result; // notices of the server are for people at a prompt
}

static err open_postgresql(const char *database, struct source **out_source, char *out_problem)
{
    // What the user says comes later and so counts.
    static const char *const words[] = {"connect_timeout",
                                        "keepalives_idle",
                                        "tcp_user_timeout",
                                        "client_encoding",
                                        "fallback_application_name",
                                        "dbname",
                                        NULL};
    const char *const values[] = {"5", "30", "30000", "UTF8", "weft outbox", database, NULL};
    struct postgresql_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        return ERR_NO_MEMORY;
    source->base.kind = &source_postgresql;
    source->connection = PQconnectdbParams(words, values, 1);
    err e = PQstatus(source->connection) == CONNECTION_OK ? OK : fail(source);
    if (e == OK) {
        (void)PQsetNoticeReceiver(source->connection, stay_silent, NULL);
        e = set_up(source);
    }
    if (e == OK) {
        *out_source = &source->base;
        return OK;
    }
    (void)snprintf(out_problem, SOURCE_PROBLEM_LEN, "%s", source->base.problem);
    close_postgresql(&source->base);
    return e;
}

// --- rows ---

static struct slice column(const PGresult *page, int row, int place)
{
    return slice_of(PQgetvalue(page, row, place), (size_t)PQgetlength(page, row, place));
}

// As many as one message may have. Those behind them are free again when the transaction ends.
static size_t take_page(const PGresult *page, size_t bytes, struct source_rows *rows)
{
    for (int i = 0; i < PQntuples(page) && bytes < SOURCE_BYTES_MAX; i++) {
        struct row *row = &rows->items[rows->count++];
        *row = (struct row){
            .row_id = strtoll(PQgetvalue(page, i, 0), NULL, 10),
            .type = column(page, i, 1),
            .queue = column(page, i, 2),
            .payload = column(page, i, 3),
            .options = column(page, i, 4),
            .traceparent = column(page, i, 5),
            .is_too_long = PQgetvalue(page, i, 6)[0] == 't',
        };
        bytes += row->payload.len + row->options.len;
    }
    return bytes;
}

static err fetch_pages(struct postgresql_source *source, struct source_rows *rows)
{
    size_t bytes = 0;
    int asked = PAGE_ROWS_FIRST;
    bool is_last = false;
    while (rows->count < SOURCE_ROWS_MAX && !is_last && bytes < SOURCE_BYTES_MAX) {
        char words[sizeof "FETCH  FROM weft_rows" + NUMBER_LEN];
        PGresult *page = NULL;
        int left = SOURCE_ROWS_MAX - (int)rows->count;
        (void)snprintf(words, sizeof words, "FETCH %d FROM weft_rows", asked < left ? asked : left);
        err e = ask(source, words, NULL, 0, &page);
        if (e != OK)
            return e;
        CHECK(source->page_count < PAGES);
        source->pages[source->page_count++] = page;
        is_last = PQntuples(page) < asked;
        bytes = take_page(page, bytes, rows);
        asked = asked < PAGE_ROWS_MAX ? 2 * asked : asked;
    }
    return OK;
}

static err fetch(struct source *base, const char *without, struct source_rows *rows)
{
    struct postgresql_source *source = of(base);
    char payload_max[NUMBER_LEN];
    char options_max[NUMBER_LEN];
    const char *places[] = {without, payload_max, options_max};
    (void)snprintf(payload_max, sizeof payload_max, "%d", MSG_PAYLOAD_LEN_MAX);
    (void)snprintf(options_max, sizeof options_max, "%d", ROW_OPTIONS_LEN_MAX);
    CHECK(source->page_count == 0);
    err e = run(source, "BEGIN");
    if (e == OK)
        e = ask(
            source,
            "DECLARE weft_rows NO SCROLL CURSOR FOR SELECT id, left(type, 256), left(queue, 256), "
            "CASE WHEN octet_length(payload::text) <= $2::int THEN payload END, "
            "CASE WHEN octet_length(options::text) <= $3::int THEN options END, "
            "left(traceparent, 256), coalesce(octet_length(payload::text) > $2::int, false) "
            "OR octet_length(options::text) > $3::int "
            "FROM weft_outbox WHERE refused_at IS NULL AND queue <> ALL ($1::text[]) "
            "ORDER BY id FOR UPDATE SKIP LOCKED",
            places, 3, NULL);
    return e == OK ? fetch_pages(source, rows) : e;
}

static err end(struct postgresql_source *source, const char *word)
{
    clear_pages(source);
    return run(source, word);
}

static err mark(struct postgresql_source *source, const struct source_verdict *verdict)
{
    char id[NUMBER_LEN];
    char detail[SOURCE_PROBLEM_LEN];
    const char *places[] = {id, err_slug(verdict->error), detail};
    (void)snprintf(id, sizeof id, "%" PRId64, verdict->row_id);
    struct slice text = verdict->detail;
    text.len = text.len < sizeof detail ? text.len : sizeof detail - 1;
    text.len = utf8_valid_len(text); // anything else would be refused
    (void)slice_to_text(text, detail, sizeof detail);
    return ask(source,
               "UPDATE weft_outbox SET refused_at = clock_timestamp(), error_code = $2, error = $3 "
               "WHERE id = $1::bigint",
               places, 3, NULL);
}

static err remove_rows(struct postgresql_source *source, const struct source_verdicts *verdicts)
{
    char ids[2 + SOURCE_ROWS_MAX * NUMBER_LEN] = "{";
    const char *places[] = {ids};
    size_t len = 1;
    for (uint32_t i = 0; i < verdicts->count; i++) {
        if (verdicts->items[i].error == OK)
            len += (size_t)snprintf(ids + len, sizeof ids - len, "%s%" PRId64, len > 1 ? "," : "",
                                    verdicts->items[i].row_id);
    }
    CHECK(len + 1 < sizeof ids);
    ids[len] = '}';
    return ask(source, "DELETE FROM weft_outbox WHERE id = ANY ($1::bigint[])", places, 1, NULL);
}

static err settle(struct source *base, const struct source_verdicts *verdicts)
{
    struct postgresql_source *source = of(base);
    err e = remove_rows(source, verdicts);
    for (uint32_t i = 0; e == OK && i < verdicts->count; i++)
        if (verdicts->items[i].error != OK)
            e = mark(source, &verdicts->items[i]);
    return e == OK ? end(source, "COMMIT") : e;
}

static err release(struct source *base)
{
    return end(of(base), "ROLLBACK");
}

// --- waiting ---

static bool was_told(struct postgresql_source *source)
{
    bool was = false;
    PGnotify *told = NULL;
    while ((told = PQnotifies(source->connection)) != NULL) {
        was = true;
        PQfreemem(told);
    }
    return was;
}

static err wait_postgresql(struct source *base, int stop_fd, when_ms timeout_ms)
{
    struct postgresql_source *source = of(base);
    when_ms until = when_after(clock_mono_ms(), timeout_ms);
    while (!was_told(source)) {
        struct pollfd items[] = {
            {.fd = stop_fd, .events = POLLIN},
            {.fd = PQsocket(source->connection), .events = POLLIN},
        };
        when_ms left = until - clock_mono_ms();
        if (left <= 0)
            return OK;
        int ready = poll(items, 2, left < INT32_MAX ? (int)left : INT32_MAX);
        if (ready > 0 && items[0].revents != 0)
            return OK;
        if (ready > 0 && PQconsumeInput(source->connection) != 1)
            return fail(source);
    }
    return OK;
}

const struct source_kind source_postgresql = {
    .name = "postgresql",
    .is_database = is_database,
    .open = open_postgresql,
    .close = close_postgresql,
    .fetch = fetch,
    .settle = settle,
    .release = release,
    .wait = wait_postgresql,
};
