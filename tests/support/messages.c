// Random messages and their comparison, by the rows of the wire.

#include "tests/support/messages.h"

#include "proto/wire_private.h"

enum msg_kind messages_next(unsigned kind)
{
    for (kind++; kind <= MESSAGES_KIND_LAST; kind++) {
        if (wire_shape_of(kind) != NULL)
            return (enum msg_kind)kind;
    }
    return (enum msg_kind)0;
}

static struct slice random_bytes(struct prng *prng, size_t len, struct arena *arena)
{
    uint8_t *bytes = arena_take(arena, len);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)prng_next(prng);
    return slice_of(bytes, len);
}

static struct slice random_text(struct prng *prng, uint32_t max, struct arena *arena)
{
    // Half of all texts are empty, some are as long as allowed.
    size_t len = prng_chance(prng, 50)  ? 0
                 : prng_chance(prng, 5) ? max
                                        : prng_below(prng, (max < 40 ? max : 40) + 1);
    uint8_t *text = arena_take(arena, len);
    CHECK(text != NULL);
    for (size_t i = 0; i < len; i++)
        text[i] = (uint8_t)prng_below(prng, 0x80);
    return slice_of(text, len);
}

static uint64_t random_number(struct prng *prng)
{
    return prng_next(prng) >> prng_below(prng, 64);
}

static void put_slice(uint8_t *place, struct slice value)
{
    memcpy(place, &value, sizeof value);
}

static void put_ids(struct prng *prng, uint8_t *place, struct arena *arena)
{
    uint32_t count = prng_chance(prng, 50) ? 0 : (uint32_t)prng_below(prng, 4);
    struct slice bytes = random_bytes(prng, count * sizeof(struct id), arena);
    struct msg_ids ids = {.items = (const void *)bytes.data, .count = count};
    memcpy(place, &ids, sizeof ids);
}

static void fill_field(struct prng *prng, const struct wire_field *field, uint8_t *place,
                       struct arena *arena)
{
    uint64_t number = random_number(prng);
    uint32_t narrow = (uint32_t)number;
    bool flag = narrow & 1u;
    switch (field->kind) {
    case WIRE_U32: memcpy(place, &narrow, sizeof narrow); break;
    case WIRE_U64: memcpy(place, &number, sizeof number); break;
    case WIRE_BOOL: memcpy(place, &flag, sizeof flag); break;
    case WIRE_ENUM:
        narrow %= field->max + 1;
        memcpy(place, &narrow, sizeof narrow);
        break;
    case WIRE_ERR:
        narrow %= ERR_SHUTTING_DOWN + 1;
        memcpy(place, &narrow, sizeof narrow);
        break;
    case WIRE_ID:
        memcpy(place, random_bytes(prng, 16, arena).data, prng_chance(prng, 80) ? 16 : 0);
        break;
    case WIRE_BYTES:
        put_slice(place, random_bytes(prng, prng_below(prng, field->max + 1), arena));
        break;
    case WIRE_NAME:
    case WIRE_TEXT: put_slice(place, random_text(prng, field->max, arena)); break;
    case WIRE_PRIORITY: *place = flag ? MSG_PRIORITY_NOT_GIVEN : (uint8_t)(narrow % 10); break;
    case WIRE_FAILURE:
        put_slice(place, random_text(prng, MSG_ERROR_KIND_LEN_MAX, arena));
        put_slice(place + sizeof(struct slice),
                  random_text(prng, MSG_ERROR_MESSAGE_LEN_MAX, arena));
        put_slice(place + 2 * sizeof(struct slice),
                  random_text(prng, MSG_ERROR_DETAIL_LEN_MAX, arena));
        break;
    case WIRE_COUNTS:
        memcpy(place, random_bytes(prng, 4 * field->max, arena).data, 4 * field->max);
        break;
    case WIRE_IDS: put_ids(prng, place, arena); break;
    case WIRE_VERSIONS: break;
    }
}

static void fill(struct prng *prng, const struct wire_shape *shape, uint8_t *place,
                 struct arena *arena)
{
    for (unsigned i = 0; i < shape->field_count; i++)
        fill_field(prng, &shape->fields[i], place + shape->fields[i].msg_at, arena);
    if (shape->body.max == 0 || prng_chance(prng, 20))
        return;
    struct body body = {.content = (enum content)(1 + prng_below(prng, CONTENT_TEXT)),
                        .bytes = random_bytes(prng, prng_below(prng, 600), arena)};
    memcpy(place + shape->body.msg_at, &body, sizeof body);
}

static void fill_list(struct prng *prng, const struct wire_list *list, uint32_t count,
                      uint8_t *place, struct arena *arena)
{
    size_t size = list->of == NULL ? sizeof(struct slice) : list->of->msg_size;
    uint8_t *items = arena_take_array(arena, count, size);
    CHECK(items != NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (list->of == NULL)
            put_slice(items + i * size, random_text(prng, MSG_NAME_LEN_MAX, arena));
        else
            fill(prng, list->of, items + i * size, arena);
    }
    memcpy(place + list->msg_at, &items, sizeof items);
    memcpy(place + list->msg_count_at, &count, sizeof count);
}

struct msg messages_random(struct prng *prng, enum msg_kind kind, uint32_t count_max,
                           struct arena *arena)
{
    struct msg msg = {.kind = kind,
                      .corr = random_number(prng),
                      .tenant = random_text(prng, MSG_NAME_LEN_MAX, arena)};
    const struct wire_shape *shape = wire_shape_of(kind);
    CHECK(shape != NULL);
    fill(prng, shape, (uint8_t *)&msg.hello, arena);
    for (unsigned i = 0; i < shape->list_count; i++) {
        uint32_t max = shape->lists[i].max < count_max ? shape->lists[i].max : count_max;
        uint32_t count = (uint32_t)prng_below(prng, max + 1);
        fill_list(prng, &shape->lists[i], count, (uint8_t *)&msg.hello, arena);
    }
    return msg;
}

static struct slice slice_at(const uint8_t *place)
{
    struct slice value;
    memcpy(&value, place, sizeof value);
    return value;
}

static struct slice ids_at(const uint8_t *place)
{
    struct msg_ids ids;
    memcpy(&ids, place, sizeof ids);
    return slice_of(ids.items, ids.count * sizeof *ids.items);
}

static bool fields_equal(const struct wire_field *field, const uint8_t *a, const uint8_t *b)
{
    switch (field->kind) {
    case WIRE_U32:
    case WIRE_ENUM:
    case WIRE_ERR: return memcmp(a, b, 4) == 0;
    case WIRE_U64: return memcmp(a, b, 8) == 0;
    case WIRE_BOOL:
    case WIRE_PRIORITY: return *a == *b;
    case WIRE_ID: return memcmp(a, b, 16) == 0;
    case WIRE_BYTES:
    case WIRE_NAME:
    case WIRE_TEXT: return slice_equal(slice_at(a), slice_at(b));
    case WIRE_FAILURE:
        return slice_equal(slice_at(a), slice_at(b)) &&
               slice_equal(slice_at(a + sizeof(struct slice)),
                           slice_at(b + sizeof(struct slice))) &&
               slice_equal(slice_at(a + 2 * sizeof(struct slice)),
                           slice_at(b + 2 * sizeof(struct slice)));
    case WIRE_COUNTS: return memcmp(a, b, 4 * (size_t)field->max) == 0;
    case WIRE_IDS: return slice_equal(ids_at(a), ids_at(b));
    case WIRE_VERSIONS: return true;
    }
    UNREACHABLE();
}

static bool shapes_equal(const struct wire_shape *shape, const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 0; i < shape->field_count; i++) {
        size_t at = shape->fields[i].msg_at;
        if (!fields_equal(&shape->fields[i], a + at, b + at))
            return false;
    }
    if (shape->body.max == 0)
        return true;
    struct body body_a;
    struct body body_b;
    memcpy(&body_a, a + shape->body.msg_at, sizeof body_a);
    memcpy(&body_b, b + shape->body.msg_at, sizeof body_b);
    return body_a.content == body_b.content && slice_equal(body_a.bytes, body_b.bytes);
}

static bool lists_equal(const struct wire_list *list, const uint8_t *a, const uint8_t *b)
{
    uint32_t count;
    const uint8_t *items_a;
    const uint8_t *items_b;
    if (memcmp(a + list->msg_count_at, b + list->msg_count_at, sizeof count) != 0)
        return false;
    memcpy(&count, a + list->msg_count_at, sizeof count);
    memcpy(&items_a, a + list->msg_at, sizeof items_a);
    memcpy(&items_b, b + list->msg_at, sizeof items_b);
    for (uint32_t i = 0; i < count; i++) {
        size_t at = i * (list->of == NULL ? sizeof(struct slice) : list->of->msg_size);
        bool same = list->of == NULL ? slice_equal(slice_at(items_a + at), slice_at(items_b + at))
                                     : shapes_equal(list->of, items_a + at, items_b + at);
        if (!same)
            return false;
    }
    return true;
}

bool messages_equal(const struct msg *a, const struct msg *b)
{
    if (a->kind != b->kind || a->corr != b->corr || !slice_equal(a->tenant, b->tenant))
        return false;
    const struct wire_shape *shape = wire_shape_of(a->kind);
    CHECK(shape != NULL);
    const uint8_t *body_a = (const uint8_t *)&a->hello;
    const uint8_t *body_b = (const uint8_t *)&b->hello;
    if (!shapes_equal(shape, body_a, body_b))
        return false;
    for (unsigned i = 0; i < shape->list_count; i++) {
        if (!lists_equal(&shape->lists[i], body_a, body_b))
            return false;
    }
    return true;
}
