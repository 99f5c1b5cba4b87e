// MessagePack from anybody: what passes the pre-scan is unpacked by msgpack-c to the same byte,
// becomes JSON that our own reader takes, and can be mapped as a submission.
//
// links: weft_gateway_http weft_gateway_core weft_proto weft_base PkgConfig::msgpack

#include "gateway/core/packed.h"
#include "gateway/core/submit.h"
#include "gateway/http/convert.h"

#include <msgpack.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KEYS = 1024 };
static _Alignas(16) uint8_t memory[4096];
static struct names_key keys[KEYS];

static void unpack(struct slice bytes, size_t len)
{
    msgpack_unpacked unpacked;
    size_t offset = 0;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return got =
        msgpack_unpack_next(&unpacked, (const char *)bytes.data, bytes.len, &offset);
    CHECK(got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES);
    CHECK(offset == len);
    msgpack_unpacked_destroy(&unpacked);
}

static void convert(struct slice bytes)
{
    size_t cap = bytes.len * 25 + 64;
    uint8_t *room = malloc(cap);
    CHECK(room != NULL);
    struct out out = {.data = room, .cap = cap};
    if (convert_msgpack(bytes, &out) == OK) {
        CHECK(!out.full);
        // What has a name twice in MessagePack has it twice in JSON.
        err e = packed_names(bytes, keys, KEYS);
        CHECK(e == ERR_TOO_LARGE || (e == OK) == convert_is_json(out_slice(&out)));
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of(data, size);
    size_t len = 0;
    if (packed_value(bytes, &len) == OK) {
        CHECK(len > 0 && len <= size);
        unpack(bytes, len);
        convert(slice_of(data, len));
    }
    struct arena arena = {.data = memory, .cap = sizeof memory};
    struct doc_room room = {keys, KEYS, &arena};
    struct submit_fault fault = {{0}};
    struct msg_submit_job job;
    err e = submit_read((struct doc_value){DOC_MSGPACK, bytes}, &(struct submit_options){0}, &room,
                        &job, &fault);
    CHECK((e == OK) == (fault.detail[0] == '\0'));
    return 0;
}
