// protobuf-c unpacks into the arena; then each field is judged and moved to its plain struct,
// slices and all, without another copy.

#include "proto/wire.h"

#include "lib/base/utf8.h"
#include "proto/wire_private.h"

#include <weft.pb-c.h>

// What arena a message within the limits may take: the generated struct, the plain one, the
// pointer, short texts rounded up, and the table of fields that protobuf-c makes for each message
// that has more than 16 of them. Elements without a field are the dearest per byte, and those of
// jobs are the largest. A test fills the limits and compares.
enum {
    ARENA_BASE = 8192,
    ARENA_PER_JOB = 880,
    ARENA_PER_ELEMENT = 240,
    ELEMENTS_MAX = 2 * MSG_HELD_MAX + MSG_LOG_LINES_MAX, // a RENEW has three lists
    ELEMENT_LEN_MIN = 2,                                 // a tag and a length
};

struct decoder {
    struct arena *arena;
    struct slice block;
    size_t block_left; // bytes of the block that no part has claimed yet
    struct wire_fault *fault;
};

struct source {
    struct arena *arena;
    bool exhausted;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t wire_arena_size(size_t len)
{
    size_t elements = len / ELEMENT_LEN_MIN;
    return ARENA_BASE + 2 * len + ARENA_PER_JOB * least(elements, MSG_ATOMIC_JOBS_MAX) +
           ARENA_PER_ELEMENT * least(elements, ELEMENTS_MAX);
}

static void *source_alloc(void *ctx, size_t size)
{
    struct source *source = ctx;
    void *room = arena_take(source->arena, size);
    if (room == NULL)
        source->exhausted = true;
    return room;
}

static void source_free(void *ctx, void *room)
{
    (void)ctx;
    (void)room;
}

// Generated and plain structs are reached by offset, so their members are copied, never aliased.
static uint32_t u32_at(const uint8_t *place)
{
    uint32_t value;
    memcpy(&value, place, sizeof value);
    return value;
}

static size_t size_at(const uint8_t *place)
{
    size_t value;
    memcpy(&value, place, sizeof value);
    return value;
}

static const uint8_t *pointer_at(const uint8_t *place)
{
    const uint8_t *value;
    memcpy(&value, place, sizeof value);
    return value;
}

// --- what is wrong ---

// Rows know a field by its offset, a repeated one by that of its items or of their count.
static const char *name_at(const ProtobufCMessageDescriptor *message, unsigned wire_at)
{
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->fields[i];
        bool is_list = field->label == PROTOBUF_C_LABEL_REPEATED;
        if (field->offset == wire_at || (is_list && field->quantifier_offset == wire_at))
            return field->name;
    }
    return NULL;
}

static struct wire_fault fault_of(enum wire_kind kind, uint32_t max, err e)
{
    bool is_list = kind == WIRE_COUNTS || kind == WIRE_IDS;
    if (e == ERR_TOO_LARGE && max == 0)
        return (struct wire_fault){.rule = "too long"};
    if (e == ERR_TOO_LARGE)
        return (struct wire_fault){.rule = is_list ? "entries at most" : "bytes at most",
                                   .max = max};
    if (kind == WIRE_ENUM)
        return (struct wire_fault){.rule = "no value of its enum"};
    return (struct wire_fault){.rule = kind == WIRE_ID || kind == WIRE_IDS
                                           ? "an id is 16 bytes as they are, not their text"
                                           : "not UTF-8"};
}

// Passes `e` on. Want of memory is no fault of the message.
static err blame(const struct decoder *decoder, err e, const char *field, struct wire_fault fault)
{
    if (e == ERR_MALFORMED || e == ERR_TOO_LARGE) {
        fault.field = field;
        *decoder->fault = fault;
    }
    return e;
}

// --- fields ---

static err take_enum(const struct wire_field *field, const uint8_t *wire, uint8_t *msg)
{
    uint32_t value = u32_at(wire);
    if (value > field->max)
        return ERR_MALFORMED;
    memcpy(msg, &value, sizeof value);
    return OK;
}

static void take_err(const uint8_t *wire, uint8_t *msg)
{
    err value = err_from_number(u32_at(wire));
    memcpy(msg, &value, sizeof value);
}

static void take_bool(const uint8_t *wire, uint8_t *msg)
{
    bool value = u32_at(wire) != 0;
    memcpy(msg, &value, sizeof value);
}

static err take_id(const uint8_t *wire, uint8_t *msg)
{
    ProtobufCBinaryData bytes;
    memcpy(&bytes, wire, sizeof bytes);
    if (bytes.len == 0)
        return OK;
    if (bytes.len != sizeof(struct id))
        return ERR_MALFORMED;
    memcpy(msg, bytes.data, sizeof(struct id));
    return OK;
}

static err take_bytes(uint32_t max, const uint8_t *wire, uint8_t *msg)
{
    ProtobufCBinaryData bytes;
    memcpy(&bytes, wire, sizeof bytes);
    if (bytes.len > max)
        return ERR_TOO_LARGE;
    struct slice slice = slice_of(bytes.data, bytes.len);
    memcpy(msg, &slice, sizeof slice);
    return OK;
}

static err take_name(uint32_t max, const uint8_t *wire, uint8_t *msg)
{
    ProtobufCBinaryData bytes;
    memcpy(&bytes, wire, sizeof bytes);
    if (bytes.len > max)
        return ERR_TOO_LARGE;
    struct slice name = slice_of(bytes.data, bytes.len);
    if (name.len > 0 && utf8_valid_len(name) != name.len)
        return ERR_MALFORMED;
    memcpy(msg, &name, sizeof name);
    return OK;
}

static err take_text(uint32_t max, const uint8_t *wire, uint8_t *msg)
{
    ProtobufCBinaryData bytes;
    memcpy(&bytes, wire, sizeof bytes);
    if (bytes.len > max)
        return ERR_TOO_LARGE;
    // The bytes are the arena's copy, so they may be repaired in place.
    utf8_repair(bytes.data, bytes.len);
    struct slice text = slice_of(bytes.data, bytes.len);
    memcpy(msg, &text, sizeof text);
    return OK;
}

static void take_priority(const uint8_t *wire, uint8_t *msg)
{
    const uint8_t *given = wire - offsetof(Weft__Wire__SubmitJob, priority) +
                           offsetof(Weft__Wire__SubmitJob, priority_given_case);
    *msg = MSG_PRIORITY_NOT_GIVEN;
    // A priority that does not fit stays one that proto/check.h refuses.
    if (u32_at(given) != 0)
        *msg = (uint8_t)least(u32_at(wire), MSG_PRIORITY_NOT_GIVEN - 1);
}

static err take_failure(const uint8_t *wire, uint8_t *msg)
{
    const uint8_t *worked = pointer_at(wire);
    if (worked == NULL)
        return OK;
    err e = take_text(MSG_ERROR_KIND_LEN_MAX, worked + offsetof(Weft__Wire__Worked, kind),
                      msg + offsetof(struct msg_failure, kind));
    if (e != OK)
        return e;
    e = take_text(MSG_ERROR_MESSAGE_LEN_MAX, worked + offsetof(Weft__Wire__Worked, message),
                  msg + offsetof(struct msg_failure, message));
    if (e != OK)
        return e;
    return take_text(MSG_ERROR_DETAIL_LEN_MAX, worked + offsetof(Weft__Wire__Worked, detail),
                     msg + offsetof(struct msg_failure, detail));
}

// `wire` is the count; the pointer follows it, as for every repeated field of protobuf-c.
static err take_counts(uint32_t max, const uint8_t *wire, uint8_t *msg)
{
    size_t count = size_at(wire);
    if (count > max)
        return ERR_TOO_LARGE;
    if (count > 0)
        memcpy(msg, pointer_at(wire + sizeof(size_t)), count * sizeof(uint32_t));
    return OK;
}

// As for counts; each must be a whole id.
static err take_ids(struct arena *arena, uint32_t max, const uint8_t *wire, uint8_t *msg)
{
    size_t count = size_at(wire);
    if (count > max)
        return ERR_TOO_LARGE;
    if (count == 0)
        return OK;
    struct id *items = arena_take_array(arena, count, sizeof *items);
    if (items == NULL)
        return ERR_NO_MEMORY;
    const uint8_t *from = pointer_at(wire + sizeof(size_t));
    for (size_t i = 0; i < count; i++) {
        err e = take_id(from + i * sizeof(ProtobufCBinaryData), items[i].bytes);
        if (e != OK || id_is_zero(&items[i]))
            return ERR_MALFORMED;
    }
    struct msg_ids ids = {.items = items, .count = (uint32_t)count};
    memcpy(msg, &ids, sizeof ids);
    return OK;
}

static err take_field(struct arena *arena, const struct wire_field *field, const uint8_t *wire,
                      uint8_t *msg)
{
    switch (field->kind) {
    case WIRE_U32: memcpy(msg, wire, sizeof(uint32_t)); return OK;
    case WIRE_U64: memcpy(msg, wire, sizeof(uint64_t)); return OK;
    case WIRE_BOOL: take_bool(wire, msg); return OK;
    case WIRE_ENUM: return take_enum(field, wire, msg);
    case WIRE_ERR: take_err(wire, msg); return OK;
    case WIRE_ID: return take_id(wire, msg);
    case WIRE_NAME: return take_name(field->max, wire, msg);
    case WIRE_BYTES: return take_bytes(field->max, wire, msg);
    case WIRE_TEXT: return take_text(field->max, wire, msg);
    case WIRE_PRIORITY: take_priority(wire, msg); return OK;
    case WIRE_FAILURE: return take_failure(wire, msg);
    case WIRE_COUNTS: return take_counts(field->max, wire, msg);
    case WIRE_IDS: return take_ids(arena, field->max, wire, msg);
    case WIRE_VERSIONS: return OK;
    }
    UNREACHABLE();
}

static err take_body(struct decoder *decoder, const struct wire_place *place, const uint8_t *wire,
                     uint8_t *msg)
{
    const uint8_t *at = pointer_at(wire + place->wire_at);
    if (at == NULL)
        return OK;
    Weft__Wire__Part part;
    memcpy(&part, at, sizeof part);
    if (part.length > place->max)
        return ERR_TOO_LARGE;
    if ((uint32_t)part.content > CONTENT_TEXT || (part.content == 0 && part.length > 0))
        return ERR_MALFORMED;
    if (part.offset > decoder->block.len || part.length > decoder->block.len - part.offset)
        return ERR_MALFORMED;
    // Parts that share bytes would let a small message ask for a large store.
    if (part.length > decoder->block_left)
        return ERR_MALFORMED;
    decoder->block_left -= part.length;
    struct body body = {.content = (enum content)part.content};
    if (part.length > 0)
        body.bytes = slice_of(decoder->block.data + part.offset, part.length);
    memcpy(msg + place->msg_at, &body, sizeof body);
    return OK;
}

static err take_fields(struct decoder *decoder, const struct wire_shape *shape, const uint8_t *wire,
                       uint8_t *msg)
{
    for (unsigned i = 0; i < shape->field_count; i++) {
        const struct wire_field *field = &shape->fields[i];
        err e = take_field(decoder->arena, field, wire + field->wire_at, msg + field->msg_at);
        if (e != OK)
            return blame(decoder, e, name_at(shape->descriptor, field->wire_at),
                         fault_of(field->kind, field->max, e));
    }
    err e = shape->body.max > 0 ? take_body(decoder, &shape->body, wire, msg) : OK;
    if (e == OK)
        return OK;
    struct wire_fault fault =
        e == ERR_TOO_LARGE
            ? (struct wire_fault){.rule = "bytes at most", .max = shape->body.max}
            : (struct wire_fault){.rule = "a part lies within the block, shares no bytes with "
                                          "another, and says what its bytes are"};
    return blame(decoder, e, name_at(shape->descriptor, shape->body.wire_at), fault);
}

static err take_elements(struct decoder *decoder, const struct wire_shape *shape,
                         const uint8_t *wire_items, size_t count, uint8_t *msg_items)
{
    for (size_t i = 0; i < count; i++) {
        err e = take_fields(decoder, shape, pointer_at(wire_items + i * sizeof(void *)),
                            msg_items + i * shape->msg_size);
        if (e != OK)
            return e;
    }
    return OK;
}

static err take_names(const uint8_t *wire_items, size_t count, uint8_t *msg)
{
    for (size_t i = 0; i < count; i++) {
        err e = take_name(MSG_NAME_LEN_MAX, wire_items + i * sizeof(ProtobufCBinaryData),
                          msg + i * sizeof(struct slice));
        if (e != OK)
            return e;
    }
    return OK;
}

static err take_list(struct decoder *decoder, const struct wire_list *list, const uint8_t *wire,
                     uint8_t *msg)
{
    size_t count = size_at(wire + list->wire_count_at);
    if (count > list->max) {
        *decoder->fault = (struct wire_fault){.rule = "entries at most", .max = list->max};
        return ERR_TOO_LARGE;
    }
    if (count == 0)
        return OK;
    size_t size = list->of == NULL ? sizeof(struct slice) : list->of->msg_size;
    uint8_t *items = arena_take_array(decoder->arena, count, size);
    if (items == NULL)
        return ERR_NO_MEMORY;
    uint32_t narrow = (uint32_t)count;
    memcpy(msg + list->msg_at, &items, sizeof items);
    memcpy(msg + list->msg_count_at, &narrow, sizeof narrow);
    const uint8_t *wire_items = pointer_at(wire + list->wire_at);
    if (list->of == NULL) {
        err e = take_names(wire_items, count, items);
        return blame(decoder, e, NULL, fault_of(WIRE_NAME, MSG_NAME_LEN_MAX, e));
    }
    return take_elements(decoder, list->of, wire_items, count, items);
}

static err take_message(struct decoder *decoder, const struct wire_shape *shape,
                        const uint8_t *wire, uint8_t *msg)
{
    err e = take_fields(decoder, shape, wire, msg);
    for (unsigned i = 0; e == OK && i < shape->list_count; i++) {
        const struct wire_list *list = &shape->lists[i];
        e = take_list(decoder, list, wire, msg);
        if (e != OK && decoder->fault->field == NULL)
            decoder->fault->field = name_at(shape->descriptor, list->wire_at);
    }
    return e;
}

// The envelope without a body that we know: a newer kind of message, or none at all.
static err judge_bodiless(const Weft__Wire__Envelope *envelope)
{
    return envelope->base.n_unknown_fields > 0 ? ERR_UNSUPPORTED : ERR_MALFORMED;
}

static err unpack(struct slice bytes, struct arena *arena, Weft__Wire__Envelope **out_envelope)
{
    struct source source = {.arena = arena};
    ProtobufCAllocator allocator = {source_alloc, source_free, &source};
    Weft__Wire__Envelope *envelope =
        weft__wire__envelope__unpack(&allocator, bytes.len, bytes.data);
    if (envelope == NULL)
        return source.exhausted ? ERR_NO_MEMORY : ERR_MALFORMED;
    *out_envelope = envelope;
    return OK;
}

static err decode(struct decoder *decoder, struct slice envelope, struct msg *out)
{
    Weft__Wire__Envelope *unpacked;
    err e = unpack(envelope, decoder->arena, &unpacked);
    if (e != OK)
        return blame(decoder, e, NULL, (struct wire_fault){.rule = "frame 2 is no Envelope"});
    const struct wire_shape *shape = wire_shape_of((uint32_t)unpacked->body_case);
    if (shape == NULL)
        return blame(decoder, judge_bodiless(unpacked), NULL,
                     (struct wire_fault){.rule = "the Envelope has no message in it"});
    CHECK(unpacked->hello != NULL && unpacked->hello->base.descriptor == shape->descriptor);
    struct msg msg = {.kind = (enum msg_kind)unpacked->body_case, .corr = unpacked->corr};
    e = take_name(MSG_NAME_LEN_MAX, (const uint8_t *)&unpacked->tenant, (uint8_t *)&msg.tenant);
    e = blame(decoder, e, "tenant", fault_of(WIRE_NAME, MSG_NAME_LEN_MAX, e));
    if (e == OK)
        e = take_message(decoder, shape, (const uint8_t *)unpacked->hello, (uint8_t *)&msg.hello);
    if (e == OK)
        *out = msg;
    return e;
}

err wire_decode_or_say(struct slice envelope, struct slice block, struct arena *arena,
                       struct msg *out_msg, struct wire_fault *out_fault)
{
    struct decoder decoder = {
        .arena = arena, .block = block, .block_left = block.len, .fault = out_fault};
    *out_fault = (struct wire_fault){0};
    if (envelope.len > MSG_BYTES_MAX || block.len > MSG_BYTES_MAX - envelope.len)
        return blame(&decoder, ERR_TOO_LARGE, NULL,
                     (struct wire_fault){.rule = "bytes at most", .max = MSG_BYTES_MAX});
    bool is_roomy = arena->cap - arena->used >= wire_arena_size(envelope.len);
    err e = decode(&decoder, envelope, out_msg);
    // A message that needs more than any within the limits is full of fields nobody knows.
    return e == ERR_NO_MEMORY && is_roomy ? ERR_TOO_LARGE : e;
}

err wire_decode(struct slice envelope, struct slice block, struct arena *arena, struct msg *out_msg)
{
    struct wire_fault unsaid;
    return wire_decode_or_say(envelope, block, arena, out_msg, &unsaid);
}
