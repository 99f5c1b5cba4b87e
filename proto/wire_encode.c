// Plain structs into generated ones, which protobuf-c packs; bodies are gathered in one block.

#include "proto/wire.h"

#include "lib/base/utf8.h"
#include "proto/wire_private.h"

#include <weft.pb-c.h>

// A tag and a number, or a tag and a length: at most 2 and 10 bytes.
enum { FIELD_LEN_MAX = 12 };
// Of the envelope.
enum { TAG_CORR = 1, TAG_TENANT = 60, TYPE_VARINT = 0, TYPE_BYTES = 2 };

struct encoder {
    struct arena *arena;
    uint8_t *block;
    uint32_t block_len; // bytes filled
    size_t len_max;     // what the message cannot pass; asking protobuf-c costs a walk of its own
    bool is_full;       // the arena
};

static const uint8_t *pointer_at(const uint8_t *place)
{
    const uint8_t *value;
    memcpy(&value, place, sizeof value);
    return value;
}

// Zeroed, which is how a message of proto3 begins whose strings are bytes.
static uint8_t *take_array(struct encoder *encoder, size_t count, size_t size)
{
    uint8_t *room = arena_take_array(encoder->arena, count, size);
    encoder->is_full |= room == NULL;
    return room;
}

static void put_bytes(struct encoder *encoder, struct slice bytes, uint8_t *wire)
{
    encoder->len_max += FIELD_LEN_MAX + bytes.len;
    // protobuf-c wants a mutable pointer and does not write through it.
    ProtobufCBinaryData data = {.len = bytes.len};
    memcpy(&data.data, &bytes.data, sizeof data.data);
    memcpy(wire, &data, sizeof data);
}

static void put_name(struct encoder *encoder, const uint8_t *msg, uint8_t *wire)
{
    struct slice name;
    memcpy(&name, msg, sizeof name);
    put_bytes(encoder, name, wire);
}

static void put_text(struct encoder *encoder, const uint8_t *msg, uint8_t *wire)
{
    struct slice text;
    memcpy(&text, msg, sizeof text);
    if (text.len > 0 && utf8_valid_len(text) != text.len) {
        uint8_t *copy = take_array(encoder, 1, text.len);
        if (copy == NULL)
            return;
        memcpy(copy, text.data, text.len);
        utf8_repair(copy, text.len);
        text.data = copy;
    }
    put_bytes(encoder, text, wire);
}

static void put_id(struct encoder *encoder, const uint8_t *msg, uint8_t *wire)
{
    struct id id;
    memcpy(&id, msg, sizeof id);
    if (!id_is_zero(&id))
        put_bytes(encoder, slice_of(msg, sizeof id), wire);
}

static void put_bool(const uint8_t *msg, uint8_t *wire)
{
    bool value;
    memcpy(&value, msg, sizeof value);
    protobuf_c_boolean wide = value;
    memcpy(wire, &wide, sizeof wide);
}

static void put_priority(const uint8_t *msg, uint8_t *wire)
{
    if (*msg == MSG_PRIORITY_NOT_GIVEN)
        return;
    uint32_t priority = *msg;
    uint32_t given = WEFT__WIRE__SUBMIT_JOB__PRIORITY_GIVEN_PRIORITY;
    memcpy(wire, &priority, sizeof priority);
    memcpy(wire - offsetof(Weft__Wire__SubmitJob, priority) +
               offsetof(Weft__Wire__SubmitJob, priority_given_case),
           &given, sizeof given);
}

static void put_failure(struct encoder *encoder, const uint8_t *msg, uint8_t *wire)
{
    struct msg_failure failure;
    memcpy(&failure, msg, sizeof failure);
    if (failure.kind.len + failure.message.len + failure.detail.len == 0)
        return;
    uint8_t *worked = take_array(encoder, 1, sizeof(Weft__Wire__Worked));
    if (worked == NULL)
        return;
    weft__wire__worked__init((Weft__Wire__Worked *)(void *)worked);
    put_text(encoder, msg + offsetof(struct msg_failure, kind),
             worked + offsetof(Weft__Wire__Worked, kind));
    put_text(encoder, msg + offsetof(struct msg_failure, message),
             worked + offsetof(Weft__Wire__Worked, message));
    put_text(encoder, msg + offsetof(struct msg_failure, detail),
             worked + offsetof(Weft__Wire__Worked, detail));
    memcpy(wire, &worked, sizeof worked);
}

// `wire` is the count, the pointer follows it. Packing only reads the plain struct's own array.
static void put_counts(struct encoder *encoder, uint32_t count, const uint8_t *msg, uint8_t *wire)
{
    encoder->len_max += FIELD_LEN_MAX * (size_t)count;
    size_t wide = count;
    memcpy(wire, &wide, sizeof wide);
    memcpy(wire + sizeof wide, &msg, sizeof msg);
}

static void put_ids(struct encoder *encoder, const uint8_t *msg, uint8_t *wire)
{
    struct msg_ids ids;
    memcpy(&ids, msg, sizeof ids);
    size_t count = ids.count;
    uint8_t *items = take_array(encoder, count, sizeof(ProtobufCBinaryData));
    if (count == 0 || items == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        put_bytes(encoder, slice_of(ids.items[i].bytes, sizeof ids.items[i].bytes),
                  items + i * sizeof(ProtobufCBinaryData));
    memcpy(wire, &count, sizeof count);
    memcpy(wire + sizeof count, &items, sizeof items);
}

static void put_versions(struct encoder *encoder, const uint8_t *msg, uint8_t *wire)
{
    err error;
    memcpy(&error, msg, sizeof error);
    if (error != ERR_VERSION)
        return;
    uint8_t *version = take_array(encoder, 1, sizeof(ProtobufCBinaryData));
    if (version == NULL)
        return;
    put_bytes(encoder, slice_of_text(WIRE_VERSION), version);
    put_counts(encoder, 1, version, wire);
}

static void put_field(struct encoder *encoder, const struct wire_field *field, const uint8_t *msg,
                      uint8_t *wire)
{
    switch (field->kind) {
    case WIRE_U32:
    case WIRE_ENUM:
    case WIRE_ERR: memcpy(wire, msg, sizeof(uint32_t)); return;
    case WIRE_U64: memcpy(wire, msg, sizeof(uint64_t)); return;
    case WIRE_BOOL: put_bool(msg, wire); return;
    case WIRE_ID: put_id(encoder, msg, wire); return;
    case WIRE_NAME:
    case WIRE_BYTES: put_name(encoder, msg, wire); return;
    case WIRE_TEXT: put_text(encoder, msg, wire); return;
    case WIRE_PRIORITY: put_priority(msg, wire); return;
    case WIRE_FAILURE: put_failure(encoder, msg, wire); return;
    case WIRE_COUNTS: put_counts(encoder, field->max, msg, wire); return;
    case WIRE_IDS: put_ids(encoder, msg, wire); return;
    case WIRE_VERSIONS: put_versions(encoder, msg, wire); return;
    }
    UNREACHABLE();
}

static void put_body(struct encoder *encoder, const struct body *body, Weft__Wire__Part *part)
{
    weft__wire__part__init(part);
    part->offset = encoder->block_len;
    part->length = (uint32_t)body->bytes.len;
    part->content = (Weft__Wire__Content)body->content;
    if (body->bytes.len > 0)
        memcpy(encoder->block + encoder->block_len, body->bytes.data, body->bytes.len);
    encoder->block_len += part->length;
}

static struct body body_of(const struct wire_shape *shape, const uint8_t *msg)
{
    struct body body = {0};
    if (shape->body.max > 0)
        memcpy(&body, msg + shape->body.msg_at, sizeof body);
    CHECK_IMPLIES(body.content == CONTENT_NONE, body.bytes.len == 0);
    return body;
}

static void put_fields(struct encoder *encoder, const struct wire_shape *shape, const uint8_t *msg,
                       uint8_t *wire)
{
    memcpy(wire + offsetof(ProtobufCMessage, descriptor), &shape->descriptor,
           sizeof shape->descriptor);
    // The message itself, its fields, and a Part with three.
    encoder->len_max += FIELD_LEN_MAX * (1u + shape->field_count + 4u);
    for (unsigned i = 0; i < shape->field_count; i++) {
        const struct wire_field *field = &shape->fields[i];
        put_field(encoder, field, msg + field->msg_at, wire + field->wire_at);
    }
    struct body body = body_of(shape, msg);
    if (body.content == CONTENT_NONE)
        return;
    uint8_t *part = take_array(encoder, 1, sizeof(Weft__Wire__Part));
    if (part == NULL)
        return;
    put_body(encoder, &body, (Weft__Wire__Part *)(void *)part);
    memcpy(wire + shape->body.wire_at, &part, sizeof part);
}

static uint32_t count_of(const struct wire_list *list, const uint8_t *msg)
{
    uint32_t count;
    memcpy(&count, msg + list->msg_count_at, sizeof count);
    CHECK(count <= list->max);
    return count;
}

static void put_names(struct encoder *encoder, const uint8_t *msg_items, size_t count,
                      uint8_t *wire_items)
{
    for (size_t i = 0; i < count; i++)
        put_name(encoder, msg_items + i * sizeof(struct slice),
                 wire_items + i * sizeof(ProtobufCBinaryData));
}

// One room for both: the pointers that protobuf-c wants, behind them the generated structs.
static void put_elements(struct encoder *encoder, const struct wire_shape *shape,
                         const uint8_t *msg_items, size_t count, uint8_t *pointers)
{
    uint8_t *wire = pointers + count * sizeof wire;
    for (size_t i = 0; i < count; i++) {
        memcpy(pointers + i * sizeof wire, &wire, sizeof wire);
        put_fields(encoder, shape, msg_items + i * shape->msg_size, wire);
        wire += shape->wire_size;
    }
}

static void put_list(struct encoder *encoder, const struct wire_list *list, const uint8_t *msg,
                     uint8_t *wire)
{
    size_t count = count_of(list, msg);
    if (count == 0)
        return;
    size_t size =
        list->of == NULL ? sizeof(ProtobufCBinaryData) : sizeof(void *) + list->of->wire_size;
    uint8_t *items = take_array(encoder, count, size);
    if (items == NULL)
        return;
    memcpy(wire + list->wire_count_at, &count, sizeof count);
    memcpy(wire + list->wire_at, &items, sizeof items);
    const uint8_t *msg_items = pointer_at(msg + list->msg_at);
    if (list->of == NULL)
        put_names(encoder, msg_items, count, items);
    else
        put_elements(encoder, list->of, msg_items, count, items);
}

// How long the block will be.
static size_t bodies_len(const struct wire_shape *shape, const uint8_t *msg)
{
    size_t len = body_of(shape, msg).bytes.len;
    for (unsigned i = 0; i < shape->list_count; i++) {
        const struct wire_list *list = &shape->lists[i];
        if (list->of == NULL || list->of->body.max == 0)
            continue;
        const uint8_t *items = pointer_at(msg + list->msg_at);
        for (size_t n = 0; n < count_of(list, msg); n++)
            len += body_of(list->of, items + n * list->of->msg_size).bytes.len;
    }
    return len;
}

// --- the envelope, by hand: protobuf-c would look at each of its fifty kinds of body ---

static size_t put_varint(uint8_t *to, uint64_t value)
{
    size_t len = 0;
    for (; value >= 0x80; value >>= 7)
        to[len++] = (uint8_t)(value | 0x80);
    to[len++] = (uint8_t)value;
    return len;
}

static size_t put_head(uint8_t *to, uint32_t tag, uint32_t type, uint64_t value)
{
    size_t len = put_varint(to, tag << 3 | type);
    return len + put_varint(to + len, value);
}

static uint8_t *put_head_before(uint8_t *at, uint32_t tag, uint32_t type, uint64_t value)
{
    uint8_t head[FIELD_LEN_MAX];
    size_t len = put_head(head, tag, type, value);
    memcpy(at - len, head, len);
    return at - len;
}

static uint8_t *put_tenant_before(uint8_t *at, struct slice tenant)
{
    if (tenant.len == 0)
        return at;
    at -= tenant.len;
    memcpy(at, tenant.data, tenant.len);
    return put_head_before(at, TAG_TENANT, TYPE_BYTES, tenant.len);
}

static uint8_t *put_tenant(uint8_t *at, struct slice tenant)
{
    if (tenant.len == 0)
        return at;
    at += put_head(at, TAG_TENANT, TYPE_BYTES, tenant.len);
    memcpy(at, tenant.data, tenant.len);
    return at + tenant.len;
}

// The length of the body is known only when it is there, so what precedes it is put before it. In
// the order of the tags, as protobuf-c has them.
static err pack(const struct encoder *encoder, const struct msg *msg, const uint8_t *wire,
                struct slice *out_bytes)
{
    size_t margin = 3 * FIELD_LEN_MAX + msg->tenant.len;
    size_t room_len = margin + encoder->len_max + margin;
    uint8_t *room = arena_take(encoder->arena, room_len);
    if (room == NULL)
        return ERR_NO_MEMORY;
    uint8_t *start = room + margin;
    size_t body_len = protobuf_c_message_pack((const ProtobufCMessage *)(const void *)wire, start);
    CHECK(body_len <= encoder->len_max);
    uint8_t *end = start + body_len;
    start = put_head_before(start, (uint32_t)msg->kind, TYPE_BYTES, body_len);
    if ((uint32_t)msg->kind < TAG_TENANT)
        end = put_tenant(end, msg->tenant);
    else
        start = put_tenant_before(start, msg->tenant);
    if (msg->corr != 0)
        start = put_head_before(start, TAG_CORR, TYPE_VARINT, msg->corr);
    CHECK(start >= room && end <= room + room_len);
    encoder->arena->used -= (size_t)(room + room_len - end);
    size_t len = (size_t)(end - start);
    if (len > MSG_BYTES_MAX - encoder->block_len)
        return ERR_TOO_LARGE;
    *out_bytes = slice_of(start, len);
    return OK;
}

err wire_encode(const struct msg *msg, struct arena *arena, struct wire_frames *out)
{
    const struct wire_shape *shape = wire_shape_of((uint32_t)msg->kind);
    CHECK(shape != NULL);
    const uint8_t *plain = (const uint8_t *)&msg->hello;
    size_t block_len = bodies_len(shape, plain);
    if (block_len > MSG_BYTES_MAX)
        return ERR_TOO_LARGE;
    struct encoder encoder = {.arena = arena, .block = arena_take(arena, block_len)};
    uint8_t *wire = take_array(&encoder, 1, shape->wire_size);
    if (encoder.block == NULL || wire == NULL)
        return ERR_NO_MEMORY;
    put_fields(&encoder, shape, plain, wire);
    for (unsigned i = 0; i < shape->list_count; i++)
        put_list(&encoder, &shape->lists[i], plain, wire);
    if (encoder.is_full)
        return ERR_NO_MEMORY;
    CHECK(encoder.block_len == block_len);
    struct slice bytes;
    err e = pack(&encoder, msg, wire, &bytes);
    if (e == OK)
        *out = (struct wire_frames){.envelope = bytes, .block = slice_of(encoder.block, block_len)};
    return e;
}
