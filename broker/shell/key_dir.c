// Names become file names: check_name() lets no slash through.

#include "broker/shell/key_dir.h"

#include "lib/base/check.h"
#include "lib/base/scope.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"
#include "proto/check.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char suffix[] = ".pub";
enum { SUFFIX_LEN = sizeof suffix - 1 };

static err path_of(const char *dir, const char *name, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    errno = ENAMETOOLONG;
    return len > 0 && len < PATH_MAX ? OK : ERR_SYSTEM;
}

static err peer_path(const char *dir, const char *name, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/peers/%s%s", dir, name, suffix);
    errno = ENAMETOOLONG;
    return len > 0 && len < PATH_MAX ? OK : ERR_SYSTEM;
}

// --- the lock and the broker's own pair ---

err key_dir_lock(const char *dir, int *out_lock)
{
    char peers[PATH_MAX];
    err e = path_of(dir, "peers", peers);
    if (e == OK)
        e = file_make_dirs(peers);
    return e == OK ? file_lock_within(dir, KEY_DIR_LOCK_MS, out_lock) : e;
}

void key_dir_unlock(int lock)
{
    file_unlock(lock);
}

err key_dir_own(const char *dir, struct cert *out_cert)
{
    char secret[PATH_MAX];
    char public[PATH_MAX];
    struct cert cert;
    err e = path_of(dir, "broker.key", secret);
    if (e == OK)
        e = path_of(dir, "broker.pub", public);
    if (e == OK)
        e = cert_read(secret, &cert);
    if (e == ERR_NOT_FOUND) {
        cert_make(&cert);
        memcpy(cert.name, "broker", sizeof "broker");
        cert.created_at = clock_wall_ms();
        e = cert_write(secret, &cert, true);
    }
    if (e == OK && cert.secret_key[0] == '\0')
        e = ERR_DAMAGED;
    // Also when the secret one is older: whoever has lost the public one gets it again.
    if (e == OK)
        e = cert_write(public, &cert, false);
    if (e == OK)
        *out_cert = cert;
    return e;
}

// --- allowed keys ---

bool key_dir_is_sound(const struct cert *cert)
{
    uint32_t scopes = 0;
    return check_name(slice_of_text(cert->name)) &&
           (check_name(slice_of_text(cert->tenant)) ||
            strcmp(cert->tenant, KEY_DIR_EVERY_TENANT) == 0) &&
           scope_read(slice_of_text(cert->scopes), &scopes);
}

err key_dir_put(const char *dir, const struct cert *cert)
{
    char path[PATH_MAX];
    CHECK(key_dir_is_sound(cert));
    err e = peer_path(dir, cert->name, path);
    return e == OK ? cert_write(path, cert, false) : e;
}

err key_dir_peek(const char *dir, const char *name, struct cert *out_cert)
{
    char path[PATH_MAX];
    err e = peer_path(dir, name, path);
    return e == OK ? cert_read(path, out_cert) : e;
}

err key_dir_drop(const char *dir, const char *name)
{
    char path[PATH_MAX];
    err e = peer_path(dir, name, path);
    if (e == OK && unlink(path) != 0)
        e = errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    return e;
}

static void skip(struct key_list *list, const char *file)
{
    list->skipped_count++;
    (void)slice_to_text(slice_of_text(file), list->skipped, sizeof list->skipped);
}

// A file that vanishes meanwhile was not there.
static err read_peer(const char *peers, const char *file, struct key_list *list)
{
    char path[PATH_MAX];
    struct cert cert;
    size_t len = strlen(file);
    if (len <= SUFFIX_LEN || strcmp(file + len - SUFFIX_LEN, suffix) != 0)
        return OK;
    err e = path_of(peers, file, path);
    if (e == OK)
        e = cert_read(path, &cert);
    if (e == ERR_NOT_FOUND)
        return OK;
    if (list->count + list->skipped_count == KEY_DIR_COUNT_MAX)
        return ERR_FULL;
    bool is_sound = e == OK && key_dir_is_sound(&cert) && strlen(cert.name) == len - SUFFIX_LEN &&
                    memcmp(cert.name, file, len - SUFFIX_LEN) == 0;
    if (is_sound)
        list->items[list->count++] = cert;
    else
        skip(list, file);
    return OK;
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct cert *)a)->public_key, ((const struct cert *)b)->public_key);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cert *)a)->name, ((const struct cert *)b)->name);
}

// Whose would it be?
static void drop_twins(struct key_list *list)
{
    uint32_t kept = 0;
    qsort(list->items, list->count, sizeof *list->items, by_key);
    for (uint32_t i = 0; i < list->count; i++) {
        bool is_twin = (i > 0 && by_key(&list->items[i - 1], &list->items[i]) == 0) ||
                       (i + 1 < list->count && by_key(&list->items[i], &list->items[i + 1]) == 0);
        if (is_twin)
            skip(list, list->items[i].name);
        // The one before is compared with, so the list is only marked here.
        list->items[i].secret_key[0] = is_twin ? '!' : '\0';
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (list->items[i].secret_key[0] == '\0')
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
    qsort(list->items, list->count, sizeof *list->items, by_name);
}

static err read_peers(const char *dir, struct key_list *list)
{
    char peers[PATH_MAX];
    err e = path_of(dir, "peers", peers);
    DIR *folder = e == OK ? opendir(peers) : NULL;
    if (folder == NULL)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM;
    for (struct dirent *entry = readdir(folder); e == OK && entry != NULL; entry = readdir(folder))
        e = read_peer(peers, entry->d_name, list);
    (void)closedir(folder); // was only read
    if (e == OK)
        drop_twins(list);
    return e;
}

// --- quotas: a line each, "TENANT REQUESTS BYTES OPEN" ---

static bool take_number(const char **text, char end, uint64_t *out)
{
    char *after = NULL;
    errno = 0;
    if ((*text)[0] < '0' || (*text)[0] > '9')
        return false;
    *out = strtoull(*text, &after, 10);
    bool is_good = errno == 0 && *after == end && *out <= KEY_DIR_QUOTA_MAX;
    *text = after + 1;
    return is_good;
}

static bool read_line(const char **text, struct key_quota *out)
{
    struct slice tenant = slice_of(*text, strcspn(*text, " \n"));
    if (!check_name(tenant) || (*text)[tenant.len] != ' ')
        return false;
    (void)slice_to_text(tenant, out->tenant, sizeof out->tenant); // fits: check_name()
    *text += tenant.len + 1;
    return take_number(text, ' ', &out->requests) && take_number(text, ' ', &out->bytes) &&
           take_number(text, '\n', &out->open) && out->open <= KEY_DIR_OPEN_MAX;
}

static err read_quotas(const char *dir, struct key_list *list)
{
    char path[PATH_MAX];
    size_t len = 0;
    char *text = malloc(KEY_DIR_QUOTAS_LEN_MAX + 1);
    if (text == NULL)
        return ERR_NO_MEMORY;
    err e = path_of(dir, "quotas", path);
    if (e == OK)
        e = file_read(path, text, KEY_DIR_QUOTAS_LEN_MAX, &len);
    text[len] = '\0';
    for (const char *at = text; e == OK && *at != '\0';) {
        bool is_good = list->quota_count < KEY_DIR_QUOTA_COUNT_MAX &&
                       read_line(&at, &list->quotas[list->quota_count]);
        list->quota_count += is_good;
        e = is_good ? OK : ERR_DAMAGED;
    }
    free(text);
    return e == ERR_NOT_FOUND ? OK : e;
}

err key_dir_put_quotas(const char *dir, const struct key_list *list)
{
    char path[PATH_MAX];
    size_t len = 0;
    char *text = malloc(KEY_DIR_QUOTAS_LEN_MAX + 1);
    if (text == NULL)
        return ERR_NO_MEMORY;
    for (uint32_t i = 0; i < list->quota_count; i++) {
        const struct key_quota *quota = &list->quotas[i];
        int put = snprintf(text + len, KEY_DIR_QUOTAS_LEN_MAX - len,
                           "%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", quota->tenant,
                           quota->requests, quota->bytes, quota->open);
        CHECK(put > 0 && len + (size_t)put < KEY_DIR_QUOTAS_LEN_MAX);
        len += (size_t)put;
    }
    err e = path_of(dir, "quotas", path);
    if (e == OK)
        e = file_write(path, slice_of(text, len));
    free(text);
    return e;
}

// --- all of it ---

void key_dir_free(struct key_list *list)
{
    free(list->items);
    free(list->quotas);
    *list = (struct key_list){0};
}

err key_dir_read(const char *dir, struct key_list *out_list)
{
    struct key_list list = {
        .items = calloc(KEY_DIR_COUNT_MAX, sizeof *list.items),
        .quotas = calloc(KEY_DIR_QUOTA_COUNT_MAX, sizeof *list.quotas),
    };
    err e = list.items != NULL && list.quotas != NULL ? OK : ERR_NO_MEMORY;
    if (e == OK)
        e = read_peers(dir, &list);
    if (e == OK)
        e = read_quotas(dir, &list);
    if (e == OK)
        *out_list = list;
    else
        key_dir_free(&list);
    return e;
}
