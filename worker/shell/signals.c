// A second signalfd beside that of lib/sys/signal.c.

#include "worker/shell/signals.h"

#include "lib/sys/signal.h"

#include <sys/signalfd.h>

err signals_open(struct signals *out_signals)
{
    struct signals signals;
    sigset_t more;
    (void)sigemptyset(&more);
    (void)sigaddset(&more, SIGTSTP);
    (void)sigaddset(&more, SIGUSR1);
    (void)sigaddset(&more, SIGUSR2);
    if (sigprocmask(SIG_BLOCK, &more, NULL) != 0)
        return ERR_SYSTEM;
    err opened = signal_open(&signals.usual);
    if (opened != OK)
        return opened;
    signals.more = signalfd(-1, &more, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals.more < 0) {
        signal_close(signals.usual);
        return ERR_SYSTEM;
    }
    *out_signals = signals;
    return OK;
}

void signals_close(struct signals *signals)
{
    signal_close(signals->usual);
    signal_close(signals->more);
}

int signals_take(struct signals *signals)
{
    int signo = signal_take(signals->usual);
    return signo != 0 ? signo : signal_take(signals->more);
}
