#include "cli/grants.h"

#include "lib/base/check.h"
#include "lib/base/moment.h"
#include "lib/base/scope.h"
#include "lib/sys/file.h"

#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

static void put_moment(struct out *out, const char *name, when_ms at)
{
    char text[MOMENT_TEXT_LEN + 1];
    if (at > MOMENT_MAX)
        return;
    moment_format(at, text);
    out_put_text(out, name, slice_of_text(text));
}

void grants_put(struct out *out, const struct grant *grant)
{
    out_put_text(out, "name", grant->name);
    out_put_text(out, "tenant", grant->tenant);
    out_name(out, slice_of_text("scopes"));
    out_open_array(out);
    for (uint32_t i = 0; i < SCOPE_COUNT; i++) {
        if ((grant->scopes & 1u << i) != 0)
            out_text(out, slice_of_text(scope_name(1u << i)));
    }
    out_close(out);
    put_moment(out, "created_at", grant->created_at);
    put_moment(out, "expires_at", grant->expires_at);
}

static void moment_or_dash(when_ms at, char out[MOMENT_TEXT_LEN + 1])
{
    if (at <= MOMENT_MAX)
        moment_format(at, out);
    else
        memcpy(out, "-", 2);
}

void grants_print(const struct grant *grant)
{
    char scopes[SCOPE_TEXT_LEN];
    char created[MOMENT_TEXT_LEN + 1];
    char expires[MOMENT_TEXT_LEN + 1];
    scope_put(grant->scopes, scopes);
    moment_or_dash(grant->created_at, created);
    moment_or_dash(grant->expires_at, expires);
    (void)printf("%-20.*s %-20.*s %-22s %-24s %-24s", (int)grant->tenant.len,
                 (const char *)grant->tenant.data, (int)grant->name.len,
                 (const char *)grant->name.data, scopes, created, expires);
}

bool grants_is_no_quota(const struct grant_quota *quota)
{
    return quota->requests == 0 && quota->bytes == 0 && quota->open == 0;
}

void grants_put_quota(struct out *out, const struct grant_quota *quota)
{
    out_open_object(out);
    out_put_text(out, "tenant", quota->tenant);
    if (quota->requests > 0)
        out_put_unsigned(out, "requests", quota->requests);
    if (quota->bytes > 0)
        out_put_unsigned(out, "bytes", quota->bytes);
    if (quota->open > 0)
        out_put_unsigned(out, "open_jobs", quota->open);
    out_close(out);
}

void grants_print_quota(const struct grant_quota *quota)
{
    (void)printf("%-20.*s", (int)quota->tenant.len, (const char *)quota->tenant.data);
    if (quota->requests > 0)
        (void)printf(" %" PRIu64 " requests a minute", quota->requests);
    if (quota->bytes > 0)
        (void)printf(" %" PRIu64 " bytes a minute", quota->bytes);
    if (quota->open > 0)
        (void)printf(" %" PRIu64 " unfinished jobs", quota->open);
    (void)putchar('\n');
}

void grants_print_quota_json(const struct grant_quota *quota)
{
    uint8_t room[GRANTS_OBJECT_LEN];
    struct out out = {.data = room, .cap = sizeof room, .format = OUT_JSON};
    grants_put_quota(&out, quota);
    grants_print_json(&out);
}

void grants_tell_reader(const struct config *config, const struct grants_reader *reader)
{
    const char *dir = config_text(config, reader->flag);
    const char *slash = strrchr(dir, '/');
    char data[PATH_MAX];
    char here[PATH_MAX];
    bool is_default = !config_is_given(config, reader->flag) && slash != NULL;
    (void)snprintf(data, sizeof data, "%.*s", is_default ? (int)(slash - dir) : 0, dir);
    bool is_unread = is_default && !file_is_held(data);
    if ((!is_unread && !reader->is_new) || getcwd(here, sizeof here) == NULL)
        return;
    const char *base = *dir == '/' ? "" : here;
    const char *join = *dir == '/' ? "" : "/";
    if (is_unread)
        command_complain(config->table->program,
                         "no %s runs on %s%s%s, so nobody reads %s there: name the one that yours "
                         "reads by --%s, or start yours with --%s %s%s%s",
                         reader->program, base, join, data, slash + 1, reader->flag, reader->flag,
                         base, join, dir);
    else
        command_complain(config->table->program,
                         "%s%s%s is new: a %s reads it when it is started with --%s %s%s%s", base,
                         join, dir, reader->program, reader->flag, base, join, dir);
}

void grants_print_json(const struct out *out)
{
    struct slice text = out_slice(out);
    CHECK(!out->full);
    (void)fwrite(text.data, 1, text.len, stdout);
    (void)fputc('\n', stdout);
}
