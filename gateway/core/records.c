// Splitting bulk bodies.

#include "gateway/core/records.h"

void records_init(struct records *records, enum records_form form, struct scan scan)
{
    *records = (struct records){.form = form, .scan = scan, .at_start = true};
}

static bool is_blank(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.data[i];
        if (c != ' ' && c != '\t' && c != '\r')
            return false;
    }
    return true;
}

static bool next_line(struct records *records, struct slice *out_record)
{
    struct scan *scan = &records->scan;
    while (scan->at < scan->text.len) {
        const uint8_t *start = scan->text.data + scan->at;
        size_t left = scan->text.len - scan->at;
        const uint8_t *end = memchr(start, '\n', left);
        size_t len = end != NULL ? (size_t)(end - start) : left;
        scan->at += len + (end != NULL);
        records->line++;
        *out_record = slice_of(start, len);
        if (!is_blank(*out_record))
            return true;
    }
    return false;
}

static err next_element(struct records *records, bool *out_more, struct slice *out_record)
{
    struct scan *scan = &records->scan;
    struct scan_value value;
    err e = scan_element(scan, &records->at_start, out_more, &value);
    if (e != OK)
        return e;
    if (*out_more) {
        records->line++;
        *out_record = value.raw;
        return OK;
    }
    if (scan_is_end(scan))
        return OK;
    scan->fault = "more text follows the array";
    return ERR_MALFORMED;
}

err records_next(struct records *records, bool *out_more, struct slice *out_record)
{
    if (records->form == RECORDS_ARRAY)
        return next_element(records, out_more, out_record);
    *out_more = next_line(records, out_record);
    return OK;
}
