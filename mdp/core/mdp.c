// One table of command bytes for both versions.

#include "mdp/core/mdp.h"

#include "lib/base/check.h"

static const struct command {
    enum mdp_kind kind;
    uint8_t first;  // in 0.1; 0: there is none
    uint8_t second; // in 0.2
} commands[] = {
    {MDP_READY, 1, 1}, {MDP_REQUEST, 2, 2},   {MDP_PARTIAL, 0, 3},
    {MDP_REPLY, 3, 4}, {MDP_HEARTBEAT, 4, 5}, {MDP_DISCONNECT, 5, 6},
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const uint8_t bytes[] = {0, 1, 2, 3, 4, 5, 6};

struct reader {
    const struct slice *frames;
    uint32_t count;
    uint32_t at;
    bool bad; // a frame was missing or wrong
};

static struct slice take(struct reader *reader)
{
    if (reader->at < reader->count)
        return reader->frames[reader->at++];
    reader->bad = true;
    return slice_of(NULL, 0);
}

static uint8_t take_byte(struct reader *reader)
{
    struct slice frame = take(reader);
    reader->bad = reader->bad || frame.len != 1;
    return frame.len == 1 ? frame.data[0] : 0;
}

static void take_service(struct reader *reader, struct mdp_message *message)
{
    message->service = take(reader);
    size_t len = message->service.len;
    reader->bad = reader->bad || len == 0 || len > MDP_SERVICE_LEN_MAX;
}

static err take_body(struct reader *reader, struct mdp_message *message)
{
    message->body = reader->frames + reader->at;
    message->body_count = reader->count - reader->at;
    return message->body_count <= MDP_BODY_MAX ? OK : ERR_TOO_LARGE;
}

static err end(const struct reader *reader)
{
    return reader->bad || reader->at != reader->count ? ERR_MALFORMED : OK;
}

static err read_client(struct reader *reader, struct mdp_message *message)
{
    message->kind = MDP_ASK;
    if (message->style.is_second)
        reader->bad = take_byte(reader) != 1 || reader->bad;
    take_service(reader, message);
    return reader->bad ? ERR_MALFORMED : take_body(reader, message);
}

static err read_reply(struct reader *reader, struct mdp_message *message)
{
    message->address = take(reader);
    struct slice empty = take(reader);
    if (reader->bad || empty.len > 0 || message->address.len == 0)
        return ERR_MALFORMED;
    return take_body(reader, message);
}

static err read_worker(struct reader *reader, struct mdp_message *message)
{
    uint8_t byte = take_byte(reader);
    const struct command *command = NULL;
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (byte != 0 &&
            byte == (message->style.is_second ? commands[i].second : commands[i].first))
            command = &commands[i];
    if (reader->bad || command == NULL)
        return ERR_MALFORMED;
    message->kind = command->kind;
    switch (command->kind) {
    case MDP_READY: take_service(reader, message); return end(reader);
    case MDP_REPLY:
    case MDP_PARTIAL: return read_reply(reader, message);
    case MDP_HEARTBEAT:
    case MDP_DISCONNECT: return end(reader);
    case MDP_ASK:
    case MDP_REQUEST:
    case MDP_ANSWER:
    case MDP_ANSWER_PARTIAL: return ERR_MALFORMED; // not from a worker
    }
    UNREACHABLE();
}

err mdp_read(const struct slice *frames, uint32_t count, struct mdp_message *out_message)
{
    struct reader reader = {.frames = frames, .count = count};
    struct mdp_message message = {.style.has_delimiter = count > 0 && frames[0].len == 0};
    if (message.style.has_delimiter)
        (void)take(&reader);
    struct slice header = take(&reader);
    if (header.len != 6 || memcmp(header.data, "MDP", 3) != 0 || header.data[4] != '0')
        return ERR_MALFORMED;
    bool is_client = header.data[3] == 'C';
    if (!is_client && header.data[3] != 'W')
        return ERR_MALFORMED;
    if (header.data[5] != '1' && header.data[5] != '2')
        return ERR_VERSION;
    message.style.is_second = header.data[5] == '2';
    err e = is_client ? read_client(&reader, &message) : read_worker(&reader, &message);
    if (e == OK)
        *out_message = message;
    return e;
}

static void put(struct mdp_frames *out, struct slice frame)
{
    CHECK(out->count < MDP_FRAMES_MAX);
    out->items[out->count++] = frame;
}

static void put_byte(struct mdp_frames *out, uint8_t byte)
{
    CHECK(byte > 0 && byte < sizeof bytes);
    put(out, slice_of(&bytes[byte], 1));
}

static void put_client(struct mdp_frames *out, const struct mdp_message *message)
{
    bool is_second = message->style.is_second;
    CHECK_IMPLIES(message->kind == MDP_ANSWER_PARTIAL, is_second);
    put(out, slice_of_text(is_second ? "MDPC02" : "MDPC01"));
    if (is_second)
        put_byte(out, message->kind == MDP_ANSWER_PARTIAL ? 2 : 3);
    put(out, message->service);
}

static void put_worker(struct mdp_frames *out, const struct mdp_message *message)
{
    bool is_second = message->style.is_second;
    put(out, slice_of_text(is_second ? "MDPW02" : "MDPW01"));
    for (uint32_t i = 0; i < COMMANDS; i++)
        if (commands[i].kind == message->kind)
            put_byte(out, is_second ? commands[i].second : commands[i].first);
    if (message->kind != MDP_REQUEST)
        return;
    put(out, message->address);
    put(out, slice_of(NULL, 0));
}

void mdp_write(const struct mdp_message *message, struct mdp_frames *out_frames)
{
    out_frames->count = 0;
    CHECK(message->body_count <= MDP_BODY_MAX);
    if (message->style.has_delimiter)
        put(out_frames, slice_of(NULL, 0));
    if (message->kind == MDP_ANSWER || message->kind == MDP_ANSWER_PARTIAL)
        put_client(out_frames, message);
    else
        put_worker(out_frames, message);
    for (uint32_t i = 0; i < message->body_count; i++)
        put(out_frames, message->body[i]);
}
