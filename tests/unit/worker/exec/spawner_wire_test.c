// What one end says is what the other end hears, descriptors included.

#include "worker/exec/spawner_wire.h"

#include "tests/support/test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static int ends[2];

static void begin(void)
{
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
}

TEST(spawner_wire, reports_arrive_as_they_were)
{
    begin();
    static const struct spawner_report reports[] = {
        {.kind = SPAWNER_STARTED, .number = UINT64_MAX, .pid = 4194303, .start_ticks = 1ull << 60},
        {.kind = SPAWNER_ENDED, .number = 7, .code = 255},
        {.kind = SPAWNER_ENDED, .number = 8, .signo = 11, .signalled = true},
        {.kind = SPAWNER_ENDED, .number = 9, .code = 127, .not_begun = true},
    };
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        struct spawner_wire_message message;
        struct spawner_report got;
        spawner_wire_put_report(&message, &reports[i]);
        EXPECT_EQ(spawner_wire_send(ends[0], &message, false), OK);
        EXPECT_EQ(spawner_wire_receive(ends[1], &message), OK);
        spawner_wire_get_report(&message, &got);
        EXPECT_EQ(got.kind, reports[i].kind);
        EXPECT(got.number == reports[i].number);
        EXPECT_EQ(got.pid, reports[i].pid);
        EXPECT(got.start_ticks == reports[i].start_ticks);
        EXPECT_EQ(got.code, reports[i].code);
        EXPECT_EQ(got.signo, reports[i].signo);
        EXPECT_EQ(got.signalled, reports[i].signalled);
        EXPECT_EQ(got.not_begun, reports[i].not_begun);
    }
}

TEST(spawner_wire, descriptors_come_along_closed_on_exec)
{
    begin();
    struct spawner_wire_message message;
    struct bytes_out out = spawner_wire_begin(&message, SPAWNER_WIRE_RUN, 1);
    message.len = out.len;
    int pipes[2];
    EXPECT_EQ(pipe(pipes), 0);
    message.descriptor_count = SPAWNER_DESCRIPTORS;
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++)
        message.descriptors[i] = pipes[1];
    EXPECT_EQ(spawner_wire_send(ends[0], &message, false), OK);
    EXPECT_EQ(spawner_wire_receive(ends[1], &message), OK);
    EXPECT_EQ(message.descriptor_count, SPAWNER_DESCRIPTORS);
    char byte;
    for (int i = 0; i < SPAWNER_DESCRIPTORS; i++) {
        EXPECT((fcntl(message.descriptors[i], F_GETFD) & FD_CLOEXEC) != 0);
        EXPECT_EQ(write(message.descriptors[i], "x", 1), 1);
        EXPECT_EQ(read(pipes[0], &byte, 1), 1);
    }
}

TEST(spawner_wire, nothing_and_the_end_are_told_apart)
{
    begin();
    struct spawner_wire_message message;
    EXPECT_EQ(spawner_wire_receive(ends[1], &message), ERR_AGAIN);
    EXPECT_EQ(close(ends[0]), 0);
    EXPECT_EQ(spawner_wire_receive(ends[1], &message), ERR_NOT_FOUND);
    spawner_wire_put_report(&message, &(struct spawner_report){.kind = SPAWNER_ENDED});
    EXPECT_EQ(spawner_wire_send(ends[1], &message, false), ERR_SYSTEM);
}

TEST(spawner_wire, a_full_socket_does_not_block)
{
    begin();
    struct spawner_wire_message message;
    spawner_wire_put_report(&message, &(struct spawner_report){.kind = SPAWNER_ENDED});
    err sent = OK;
    for (int i = 0; i < 100000 && sent == OK; i++)
        sent = spawner_wire_send(ends[0], &message, false);
    EXPECT_EQ(sent, ERR_AGAIN);
    EXPECT_EQ(spawner_wire_receive(ends[1], &message), OK);
}
