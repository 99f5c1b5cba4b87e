// Errors, ids and bodies.

#include "worker/sdk/weft/weft.h"

#include "lib/sys/clock.h"
#include "lib/sys/mint.h"
#include "proto/check.h"
#include "worker/sdk/sdk_private.h"

const char *weft_version(void)
{
    return WEFT_SDK_VERSION;
}

const char *weft_error_slug(int number)
{
    return err_slug(err_from_number((uint32_t)number));
}

bool weft_error_may_retry(int number)
{
    return err_may_retry(err_from_number((uint32_t)number));
}

struct weft_body weft_json(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    return (struct weft_body){.content = WEFT_CONTENT_JSON, .data = text, .len = len};
}

struct weft_body weft_text(const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    enum weft_content content = len > 0 ? WEFT_CONTENT_TEXT : WEFT_CONTENT_NONE;
    return (struct weft_body){.content = content, .data = text, .len = len};
}

static bool read_origin(const char *tenant, const char *queue, struct origin *out_origin)
{
    *out_origin = (struct origin){.tenant = slice_of_text(tenant != NULL ? tenant : "default"),
                                  .queue = slice_of_text(queue != NULL ? queue : "default")};
    return check_name(out_origin->tenant) && check_name(out_origin->queue);
}

int weft_id_of_key(const char *tenant, const char *queue, const char *key,
                   char out_id[WEFT_ID_SIZE])
{
    struct origin origin;
    if (!read_origin(tenant, queue, &origin) || key == NULL || !check_key(slice_of_text(key)))
        return ERR_BAD_FIELD;
    struct id id = mint_keyed(&origin, slice_of_text(key));
    id_to_text(&id, out_id);
    return OK;
}

int weft_id_new(const char *tenant, const char *queue, char out_id[WEFT_ID_SIZE])
{
    struct origin origin;
    if (!read_origin(tenant, queue, &origin))
        return ERR_BAD_FIELD;
    struct id id = mint_fresh(clock_wall_ms(), &origin);
    id_to_text(&id, out_id);
    return OK;
}

// --- shared inside the library ---

int weft_private_fail(struct weft_error *error, err number, const char *text)
{
    if (error == NULL)
        return (int)number;
    error->number = (int)number;
    (void)slice_to_text(slice_of_text(text != NULL ? text : err_text(number)), error->text,
                        sizeof error->text);
    return (int)number;
}

bool weft_private_read(const void *given, void *out, size_t size)
{
    memset(out, 0, size);
    size_t given_size = 0;
    if (given == NULL)
        return true;
    memcpy(&given_size, given, sizeof given_size);
    memcpy(out, given, given_size < size ? given_size : size);
    for (size_t i = size; i < given_size; i++) {
        if (((const uint8_t *)given)[i] != 0)
            return false;
    }
    return given_size >= sizeof given_size;
}

struct slice weft_private_slice(const char *text)
{
    return text != NULL ? slice_of_text(text) : slice_of(NULL, 0);
}

bool weft_private_id(const char *text, struct id *out_id)
{
    return text != NULL && id_from_text(slice_of_text(text), out_id) == OK;
}
