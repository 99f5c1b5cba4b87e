// The beginning of a program.

#include "lib/sys/program.h"

#include "lib/sys/failpoint.h"
#include "lib/sys/log.h"
#include "lib/sys/signal.h"

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
