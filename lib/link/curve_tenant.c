// Apart, so that the library has no place of its own for it: of programs alone.

#include "lib/link/curve.h"

#include "lib/link/cert.h"

const char *curve_tenant(const struct config *config)
{
    static char tenant[CERT_WORD_LEN_MAX + 1];
    const char *key = config_text(config, "curve-key");
    struct cert cert;
    bool is_told = config_is_given(config, "tenant") || key == NULL ||
                   cert_read(key, &cert) != OK || cert.tenant[0] == '\0' ||
                   strcmp(cert.tenant, "*") == 0;
    if (is_told)
        return config_text(config, "tenant");
    memcpy(tenant, cert.tenant, sizeof tenant);
    return tenant;
}
