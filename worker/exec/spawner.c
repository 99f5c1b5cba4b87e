// The worker's side of the spawner.

#include "worker/exec/spawner.h"

#include "worker/exec/spawner_process.h"
#include "worker/exec/spawner_wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

err spawner_start(struct spawner *out_spawner, char *const *program,
                  const struct spawner_limits *limits)
{
    CHECK(program != NULL && program[0] != NULL);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return ERR_SYSTEM;
    (void)fflush(NULL); // or what is buffered would be written twice
    pid_t pid = fork();
    if (pid < 0) {
        int kept = errno;
        (void)close(ends[0]);
        (void)close(ends[1]);
        errno = kept;
        return ERR_SYSTEM;
    }
    if (pid == 0) {
        (void)close(ends[0]);
        spawner_process_main(ends[1], program, limits);
    }
    (void)close(ends[1]);
    *out_spawner = (struct spawner){.socket = ends[0], .pid = pid};
    return OK;
}

void spawner_close(struct spawner *spawner)
{
    (void)close(spawner->socket);
    spawner->socket = -1;
    while (waitpid(spawner->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

err spawner_run(struct spawner *spawner, const struct spawner_run *run)
{
    CHECK(run->variable_count <= SPAWNER_VARIABLES_MAX);
    struct spawner_wire_message message;
    struct bytes_out out = spawner_wire_begin(&message, SPAWNER_WIRE_RUN, run->number);
    bytes_put_u32(&out, run->variable_count);
    for (uint32_t i = 0; i < run->variable_count; i++)
        bytes_put_slice(&out, run->variables[i]);
    if (out.full)
        return ERR_TOO_LARGE;
    message.len = out.len;
    message.descriptor_count = SPAWNER_DESCRIPTORS;
    memcpy(message.descriptors, run->descriptors, sizeof message.descriptors);
    return spawner_wire_send(spawner->socket, &message, false);
}

err spawner_kill(struct spawner *spawner, uint64_t number, int signo)
{
    struct spawner_wire_message message;
    struct bytes_out out = spawner_wire_begin(&message, SPAWNER_WIRE_KILL, number);
    bytes_put_u8(&out, (uint8_t)signo);
    message.len = out.len;
    return spawner_wire_send(spawner->socket, &message, false);
}

err spawner_receive(struct spawner *spawner, struct spawner_report *out_report)
{
    struct spawner_wire_message message = {0};
    err received = spawner_wire_receive(spawner->socket, &message);
    if (received != OK)
        return received == ERR_AGAIN ? ERR_AGAIN : ERR_SYSTEM;
    spawner_wire_get_report(&message, out_report);
    return OK;
}
