// Sentences about fields.

#include "gateway/core/submit_fault.h"

#include "lib/base/bytes.h"
#include "lib/base/nearest.h"

enum { SHOWN_LEN_MAX = 64 }; // of a name

static struct bytes_out begin(struct submit_fault *fault)
{
    return (struct bytes_out){.data = (uint8_t *)fault->detail, .cap = SUBMIT_DETAIL_LEN - 1};
}

static void put_text(struct bytes_out *out, const char *text)
{
    bytes_put(out, text, strlen(text));
}

static void put_broken(struct bytes_out *out, const char *prefix, struct slice name,
                       const char *rule)
{
    put_text(out, prefix);
    for (size_t i = 0; i < name.len && i < SHOWN_LEN_MAX; i++)
        bytes_put_u8(out, name.data[i] < 0x20 ? '?' : name.data[i]);
    put_text(out, " ");
    put_text(out, rule);
}

void submit_fault_tell(struct submit_fault *fault, const char *prefix, struct slice name,
                       const char *rule, const char *near)
{
    struct bytes_out out = begin(fault);
    put_broken(&out, prefix, name, rule);
    if (near != NULL) {
        put_text(&out, "; did you mean ");
        put_text(&out, near);
        put_text(&out, "?");
    }
    fault->detail[out.len] = '\0';
}

void submit_fault_unknown(struct submit_fault *fault, const char *prefix, struct slice name,
                          const char *rule, const struct submit_names *known)
{
    struct bytes_out out = begin(fault);
    put_broken(&out, prefix, name, rule);
    nearest_tell(&out, name, known->items, known->count);
    fault->detail[out.len] = '\0';
}
