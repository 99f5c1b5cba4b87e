// Stored in one format, asked for in another.

#include "gateway/shell/values.h"

#include "gateway/http/convert.h"

size_t values_room(size_t len)
{
    return len * 6 + 64;
}

struct answer_result values_answer(enum out_format format, const struct body *body,
                                   struct out *room)
{
    struct answer_result bytes = {ANSWER_BYTES, body->bytes};
    bool is_json = format == OUT_JSON;
    err e = OK;
    switch (body->content) {
    case CONTENT_NONE: return (struct answer_result){.form = ANSWER_NONE};
    case CONTENT_BYTES: return bytes;
    case CONTENT_TEXT: return (struct answer_result){ANSWER_TEXT, body->bytes};
    case CONTENT_JSON:
        // A worker has said that it is JSON; an answer must not break when it is not.
        if (is_json)
            return convert_is_json(body->bytes) ? (struct answer_result){ANSWER_RAW, body->bytes}
                                                : bytes;
        e = convert_json(body->bytes, room);
        break;
    case CONTENT_MSGPACK:
        if (!is_json)
            return (struct answer_result){ANSWER_RAW, body->bytes};
        e = convert_msgpack(body->bytes, room);
        break;
    }
    if (e != OK || room->full)
        return bytes;
    return (struct answer_result){ANSWER_RAW, out_slice(room)};
}
