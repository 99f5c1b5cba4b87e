// Words on descriptor 3: whatever a handler writes there.

#include "lib/base/utf8.h"
#include "worker/core/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
    if (!fact)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control control = {.done = 7};
    err parsed = control_parse(slice_of(data, size), &control);
    must(parsed == OK || parsed == ERR_MALFORMED);
    if (parsed != OK) {
        must(control.done == 7);
        return 0;
    }
    if (control.kind == CONTROL_PROGRESS) {
        must(control.text.len <= MSG_PROGRESS_TEXT_LEN_MAX);
        must(utf8_valid_len(control.text) == control.text.len);
    } else {
        must(control.extend_ms >= 0);
    }
    return 0;
}
