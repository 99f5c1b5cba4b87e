// Finds the correlation number in an envelope that could not be decoded.

#include "proto/wire.h"

#include "lib/base/bytes.h"

enum { TAG_CORR = 1, TYPE_VARINT = 0, TYPE_FIXED64 = 1, TYPE_BYTES = 2, TYPE_FIXED32 = 5 };

static uint64_t get_varint(struct bytes_in *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = bytes_get_u8(in);
        value |= (uint64_t)(byte & 0x7fu) << shift;
        if (byte < 0x80)
            return value;
    }
    in->bad = true;
    return 0;
}

static void skip(struct bytes_in *in, unsigned type)
{
    switch (type) {
    case TYPE_VARINT: (void)get_varint(in); break;
    case TYPE_FIXED64: (void)bytes_get(in, 8); break;
    case TYPE_BYTES: (void)bytes_get(in, get_varint(in)); break;
    case TYPE_FIXED32: (void)bytes_get(in, 4); break;
    default: in->bad = true; break;
    }
}

uint64_t wire_corr(struct slice envelope)
{
    struct bytes_in in = {.left = envelope};
    uint64_t corr = 0;
    while (!in.bad && in.left.len > 0) {
        uint64_t tag = get_varint(&in);
        if (tag == (TAG_CORR << 3 | TYPE_VARINT)) {
            uint64_t found = get_varint(&in);
            corr = in.bad ? corr : found;
        } else {
            skip(&in, (unsigned)(tag & 7u));
        }
    }
    return corr;
}
