// Two files, or a file and a key.

#include "lib/link/curve.h"

#include "lib/link/cert.h"

#include <errno.h>
#include <stdarg.h>

__attribute__((format(printf, 2, 3))) static err refuse(char problem[CURVE_PROBLEM_LEN],
                                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(problem, CURVE_PROBLEM_LEN, format, arguments);
    va_end(arguments);
    return ERR_BAD_FIELD;
}

static err read_cert(const char *flag, const char *path, struct cert *out, char *problem)
{
    err e = cert_read(path, out);
    if (e == ERR_DAMAGED)
        return refuse(problem, "%s %.200s: this is no certificate", flag, path);
    if (e != OK)
        return refuse(problem, "%s %.200s: %s", flag, path,
                      e == ERR_NOT_FOUND ? "there is no such file" : strerror(errno));
    return OK;
}

static err read_server(const char *server, struct link_curve *out, char *problem)
{
    struct cert cert;
    if (cert_is_key(slice_of_text(server))) {
        memcpy(out->server_key, server, sizeof out->server_key);
        return OK;
    }
    err e = read_cert("curve-server", server, &cert, problem);
    if (e == OK)
        memcpy(out->server_key, cert.public_key, sizeof out->server_key);
    return e;
}

err curve_read(const struct config *config, struct link_curve *out_curve, bool *out_is_on,
               char out_problem[CURVE_PROBLEM_LEN])
{
    return curve_load(config_text(config, "curve-key"), config_text(config, "curve-server"),
                      out_curve, out_is_on, out_problem);
}

err curve_load(const char *key, const char *server, struct link_curve *out_curve, bool *out_is_on,
               char out_problem[CURVE_PROBLEM_LEN])
{
    struct link_curve curve = {0};
    struct cert cert;
    *out_is_on = key != NULL && server != NULL;
    if (key == NULL && server == NULL)
        return OK;
    if (!*out_is_on)
        return refuse(out_problem, "curve-key and curve-server: give both or none");
    err e = read_cert("curve-key", key, &cert, out_problem);
    if (e == OK && cert.secret_key[0] == '\0')
        e = refuse(out_problem, "curve-key %.200s: the file has no secret key", key);
    if (e == OK)
        e = read_server(server, &curve, out_problem);
    if (e != OK)
        return e;
    memcpy(curve.public_key, cert.public_key, sizeof curve.public_key);
    memcpy(curve.secret_key, cert.secret_key, sizeof curve.secret_key);
    *out_curve = curve;
    return OK;
}

const char *curve_fix(err refusal, const struct link_curve *curve)
{
    if (refusal == ERR_NO_KEY)
        return "the key of --curve-key is not allowed there, or not any more; whoever runs the "
               "broker sees by 'weft key list' which are, and allows it by 'weft key allow'";
    if (curve == NULL)
        return "it does not serve in the clear; give --curve-key and --curve-server (a key is made "
               "by 'weft key new'), or correct --broker when no broker is there";
    return "--curve-server is not its public key, or it serves in the clear; give its broker.pub, "
           "or neither --curve-key nor --curve-server, or correct --broker when no broker is there";
}
