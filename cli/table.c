#include "cli/table.h"

#include "cli/plain.h"
#include "lib/base/moment.h"

#include <stdlib.h>

bool table_begin_json(struct out *json, size_t cap)
{
    *json = (struct out){.data = malloc(cap), .cap = cap, .format = OUT_JSON};
    if (json->data == NULL)
        (void)fprintf(stderr, "weft: out of memory\n");
    return json->data != NULL;
}

void table_end_json(struct out *json, FILE *out)
{
    struct slice text = out_slice(json);
    (void)fwrite(text.data, 1, text.len, out); // the caller asks ferror()
    (void)fputc('\n', out);
    free(json->data);
}

void table_text(FILE *out, const char *name, struct slice text)
{
    if (text.len == 0)
        return;
    (void)fprintf(out, "%-14s ", name);
    plain_put(out, text);
    (void)fputc('\n', out);
}

void table_moment(FILE *out, const char *name, when_ms at)
{
    char text[MOMENT_TEXT_LEN + 1];
    if (at <= 0 || at > MOMENT_MAX)
        return;
    moment_format(at, text);
    (void)fprintf(out, "%-14s %s\n", name, text);
}
