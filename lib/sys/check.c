// The end of a process that has found itself wrong.

#include "lib/base/check.h"

#include "lib/sys/log.h"

_Noreturn void check_failed(const char *file, int line, const char *fact)
{
    log_error("check.failed", "at=%s:%d fact=%s", file, line, log_quote_text(fact).text);
    abort();
}
