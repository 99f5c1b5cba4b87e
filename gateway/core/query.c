// Query parameters and entity tags.

#include "gateway/core/query.h"

#include "lib/base/bytes.h"
#include "lib/base/duration.h"

static const char *const names[QUERY_NAMES] = {
    [QUERY_WAIT] = "wait",
    [QUERY_VERSION] = "version",
    [QUERY_MODE] = "mode",
};

static bool read_number(struct slice text, uint32_t *out_number)
{
    uint64_t number = 0;
    if (text.len == 0 || text.len > 10)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (number > UINT32_MAX)
        return false;
    *out_number = (uint32_t)number;
    return true;
}

static void tell(char out_fault[QUERY_FAULT_LEN], struct slice name, const char *rule)
{
    struct bytes_out out = {.data = (uint8_t *)out_fault, .cap = QUERY_FAULT_LEN - 1};
    bytes_put(&out, "the parameter ", 14);
    bytes_put(&out, name.data, name.len < 32 ? name.len : 32);
    bytes_put(&out, " ", 1);
    bytes_put(&out, rule, strlen(rule));
    out_fault[out.len] = '\0';
}

// The rule that the value breaks, or NULL.
static const char *read_value(struct query *query, enum query_name name, struct slice value,
                              err *out_error)
{
    *out_error = ERR_BAD_FIELD;
    switch (name) {
    case QUERY_WAIT:
        if (duration_parse(value, &query->wait) != OK || query->wait > QUERY_WAIT_MS_MAX)
            return "must be a duration of at most 60s, like 30s";
        return NULL;
    case QUERY_VERSION:
        return read_number(value, &query->version) ? NULL : "must be a version number";
    case QUERY_MODE:
        if (slice_is_text(value, "partial"))
            return NULL;
        if (!slice_is_text(value, "atomic"))
            return "must be partial";
        *out_error = ERR_UNSUPPORTED;
        return "cannot be atomic in this version";
    }
    UNREACHABLE();
}

static err read_pair(struct slice pair, uint32_t allowed, struct query *query,
                     char out_fault[QUERY_FAULT_LEN])
{
    const uint8_t *mark = memchr(pair.data, '=', pair.len);
    size_t len = mark != NULL ? (size_t)(mark - pair.data) : pair.len;
    struct slice name = slice_of(pair.data, len);
    struct slice value =
        slice_of(pair.data + len + (mark != NULL), pair.len - len - (mark != NULL));
    for (unsigned i = 0; i < QUERY_NAMES; i++) {
        err e;
        if ((allowed & 1u << i) == 0 || !slice_is_text(name, names[i]))
            continue;
        const char *rule = read_value(query, (enum query_name)i, value, &e);
        if (rule == NULL && query->has[i])
            rule = "is given twice";
        if (rule == NULL) {
            query->has[i] = true;
            return OK;
        }
        tell(out_fault, name, rule);
        return e;
    }
    if (slice_is_text(name, "dry_run")) {
        tell(out_fault, name, "is not supported by this version");
        return ERR_UNSUPPORTED;
    }
    tell(out_fault, name, "is not known here");
    return ERR_BAD_FIELD;
}

err query_read(struct slice text, uint32_t allowed, struct query *out_query,
               char out_fault[QUERY_FAULT_LEN])
{
    struct query query = {0};
    while (text.len > 0) {
        const uint8_t *mark = memchr(text.data, '&', text.len);
        size_t len = mark != NULL ? (size_t)(mark - text.data) : text.len;
        if (len > 0) {
            err e = read_pair(slice_of(text.data, len), allowed, &query, out_fault);
            if (e != OK)
                return e;
        }
        size_t taken = len + (mark != NULL);
        text = slice_of(text.data + taken, text.len - taken);
    }
    *out_query = query;
    return OK;
}

bool query_etag(struct slice header, uint32_t *out_version)
{
    if (header.len > 2 && header.data[0] == 'W' && header.data[1] == '/')
        header = slice_of(header.data + 2, header.len - 2);
    if (header.len < 3 || header.data[0] != '"' || header.data[header.len - 1] != '"')
        return false;
    return read_number(slice_of(header.data + 1, header.len - 2), out_version);
}
