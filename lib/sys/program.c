// The beginning of a program.

#include "lib/sys/program.h"

#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/signal.h"

#include <errno.h>
#include <string.h>

err program_begin(const struct config *config, int *out_signal_fd)
{
    enum log_level level = LOG_LEVEL_INFO;
    err e = log_level_from_text(config_text(config, "log-level"), &level);
    if (e != OK)
        return e;
    log_set_level(level);
    e = failpoint_init();
    if (e != OK)
        return e;
    return signal_open(out_signal_fd);
}

const char *program_door_problem(const char *flag, const char *endpoint, err e)
{
    static char text[512];
    int number = errno;
    const char *why = strerror(number);
    const char *fix = "choose another address";
    if (e == ERR_ADDRESS_IN_USE) {
        why = "address in use";
        fix = "stop the process that has it, choose another port, or give port 0";
    } else if (e == ERR_BAD_FIELD) {
        why = "not an address of this machine, or not HOST:PORT";
    }
    (void)snprintf(text, sizeof text, "%s %s: %s; %s", flag, endpoint, why, fix);
    return text;
}
