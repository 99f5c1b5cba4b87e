// Webhooks and intents from anybody: what is read can be written, and is then read as the same.
//
// links: weft_proto

#include "lib/base/check.h"
#include "proto/hook.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_intent(struct slice packed)
{
    static uint8_t room[64 * 1024];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct intent intent;
    struct intent again;
    if (packed.len > sizeof room / 2 || hook_read_intent(packed, &intent) != OK)
        return;
    hook_write_intent(&intent, &out);
    CHECK(!out.full);
    err e = hook_read_intent(slice_of(room, out.len), &again);
    CHECK(e == OK && slice_equal(again.url, intent.url) && again.at == intent.at);
    CHECK(id_equal(&again.parent, &intent.parent) && slice_equal(again.secret, intent.secret));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t room[MSG_HOOK_LEN_MAX];
    struct bytes_out out = {.data = room, .cap = sizeof room};
    struct slice packed = slice_of(data, size);
    struct hook hook;
    struct hook again;
    const char *detail = NULL;
    (void)hook_are_headers(packed);
    (void)hook_is_url(packed);
    try_intent(packed);
    if (hook_read(packed, &hook, &detail) != OK) {
        CHECK(detail != NULL);
        return 0;
    }
    hook_write(&hook, &out);
    CHECK(!out.full);
    err e = hook_read(slice_of(room, out.len), &again, &detail);
    CHECK(e == OK && slice_equal(again.url, hook.url) && again.events == hook.events);
    CHECK(slice_equal(again.endpoint, hook.endpoint));
    return 0;
}
