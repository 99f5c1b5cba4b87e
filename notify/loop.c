// One page.

#include "notify/loop.h"

#include "lib/base/check.h"
#include "lib/sys/clock.h"
#include "lib/sys/signal.h"
#include "notify/delivery.h"
#include "worker/duty/talk.h"

#include <errno.h>

static void take_signals(struct notifier *notifier)
{
    for (int signo = signal_take(notifier->signal_fd); signo != 0;
         signo = signal_take(notifier->signal_fd)) {
        if (signo == SIGTERM || signo == SIGINT)
            duty_stop(&notifier->duty);
    }
}

static void wait(struct notifier *notifier)
{
    struct duty *duty = &notifier->duty;
    struct link_wait items[] = {{.link = duty->link},
                                {.fd = post_fd(notifier->posts)},
                                {.fd = parents_fd(notifier->parents)},
                                {.fd = notifier->signal_fd}};
    when_ms next = when_min(duty_next(duty), delivery_next(notifier));
    when_ms timeout = next == WHEN_NEVER ? -1 : next > duty->now ? next - duty->now : 0;
    if (link_wait(items, sizeof items / sizeof items[0], timeout) != OK)
        duty_die(duty, "notify.system", strerror(errno));
    duty->now = clock_mono_ms();
}

void loop_run(struct notifier *notifier)
{
    struct duty *duty = &notifier->duty;
    duty->now = clock_mono_ms();
    while (!duty_is_over(duty)) {
        talk_listen(duty);
        duty_take_drain(duty);
        take_signals(notifier);
        duty_due(duty);
        delivery_sweep(notifier);
        delivery_begin(notifier);
        delivery_turn(notifier);
        (void)duty_move_on(duty, 0); // there is nobody left behind
        err flushed = duty_flush(duty);
        CHECK(flushed == OK); // there is no journal
        talk_speak(duty);
        if (!duty_is_over(duty))
            wait(notifier);
    }
}
