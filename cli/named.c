// "rate,open-max", and the flags beside it.

#include "cli/named.h"

#include "cli/command.h"
#include "lib/base/nearest.h"

enum { SETTINGS_MAX = 20 };

static uint32_t given_by(const struct config *config, const struct named_settings *settings)
{
    uint32_t given = 0;
    for (unsigned i = 0; i < settings->count; i++)
        if (config_is_given(config, settings->items[i].key))
            given |= settings->items[i].bits;
    return given;
}

// 0 after a complaint.
static uint32_t bits_of(const struct named_settings *settings, struct slice name)
{
    const char *names[SETTINGS_MAX + 1] = {"all"};
    char near[160];
    struct bytes_out out = {.data = (uint8_t *)near, .cap = sizeof near - 1};
    CHECK(settings->count <= SETTINGS_MAX);
    if (slice_is_text(name, names[0]))
        return settings->all;
    for (unsigned i = 0; i < settings->count; i++) {
        names[i + 1] = settings->items[i].key;
        if (slice_is_text(name, names[i + 1]))
            return settings->items[i].bits;
    }
    nearest_tell(&out, name, names, settings->count + 1);
    near[out.len] = '\0';
    command_complain(settings->program, "--unset: there is no setting \"%.*s\"%s", (int)name.len,
                     (const char *)name.data, near);
    return 0;
}

// False after a complaint.
static bool read_unset(const struct config *config, const struct named_settings *settings,
                       uint32_t *out_unset)
{
    const char *at = config_text(config, "unset");
    uint32_t unset = 0;
    while (at != NULL) {
        size_t len = strcspn(at, ",");
        uint32_t bits = bits_of(settings, slice_of((const uint8_t *)at, len));
        if (bits == 0)
            return false;
        unset |= bits;
        at = at[len] == ',' ? at + len + 1 : NULL;
    }
    *out_unset = unset;
    return true;
}

uint32_t named_read(const struct config *config, const struct named_settings *settings)
{
    uint32_t given = given_by(config, settings);
    uint32_t unset = 0;
    if (!read_unset(config, settings, &unset))
        return 0;
    bool is_both = (given & unset) != 0 && unset != settings->all;
    if (is_both)
        command_complain(settings->program, "one setting is given and taken away by --unset");
    else if ((given | unset) == 0)
        command_complain(settings->program,
                         "name what is to be set, like %s; --unset all takes all away",
                         settings->hint);
    return is_both ? 0 : given | unset;
}
