// A small text file, read whole.

#include "gateway/shell/token_file.h"

#include "lib/base/check.h"
#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const char head[] = "weft-tokens 1\n";

enum {
    HEAD_LEN = sizeof head - 1,
    FILE_LEN_MAX = HEAD_LEN + (TOKEN_COUNT_MAX + TOKEN_QUOTA_COUNT_MAX) * TOKEN_LINE_LEN_MAX,
};

static bool path_of(const char *dir, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/list", dir);
    errno = ENAMETOOLONG;
    return len > 0 && len < PATH_MAX;
}

err token_file_look(const char *dir, struct token_stamp *out_stamp)
{
    char path[PATH_MAX];
    struct stat info;
    if (!path_of(dir, path))
        return ERR_SYSTEM;
    if (stat(path, &info) == 0) {
        *out_stamp = (struct token_stamp){.inode = info.st_ino,
                                          .changed_s = info.st_mtim.tv_sec,
                                          .changed_ns = info.st_mtim.tv_nsec,
                                          .len = info.st_size};
        return OK;
    }
    if (errno != ENOENT && errno != ENOTDIR)
        return ERR_SYSTEM;
    *out_stamp = (struct token_stamp){0};
    return ERR_NOT_FOUND;
}

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct token *)a)->hash, ((const struct token *)b)->hash, TOKEN_HASH_LEN);
}

static err read_line(struct token_list *list, struct slice line)
{
    bool is_quota = token_is_quota(line);
    if (is_quota ? list->quota_count == TOKEN_QUOTA_COUNT_MAX : list->count == TOKEN_COUNT_MAX)
        return ERR_DAMAGED;
    err e = is_quota ? token_read_quota(line, &list->quotas[list->quota_count])
                     : token_read(line, &list->items[list->count]);
    if (e == OK && is_quota)
        list->quota_count++;
    else if (e == OK)
        list->count++;
    return e;
}

static err read_lines(struct token_list *list, struct slice text)
{
    if (text.len < HEAD_LEN || memcmp(text.data, head, HEAD_LEN) != 0)
        return ERR_DAMAGED;
    text = slice_of(text.data + HEAD_LEN, text.len - HEAD_LEN);
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        if (end == NULL)
            return ERR_DAMAGED;
        size_t len = (size_t)(end - text.data);
        err e = read_line(list, slice_of(text.data, len));
        if (e != OK)
            return e;
        text = slice_of(end + 1, text.len - len - 1);
    }
    qsort(list->items, list->count, sizeof *list->items, by_hash);
    return OK;
}

void token_file_free(struct token_list *list)
{
    free(list->items);
    free(list->quotas);
    free(list->text);
    *list = (struct token_list){0};
}

err token_file_new(struct token_list *out_list)
{
    *out_list = (struct token_list){
        .items = calloc(TOKEN_COUNT_MAX, sizeof *out_list->items),
        .quotas = calloc(TOKEN_QUOTA_COUNT_MAX, sizeof *out_list->quotas),
        .text = malloc(FILE_LEN_MAX),
    };
    bool is_there = out_list->items != NULL && out_list->quotas != NULL && out_list->text != NULL;
    return is_there ? OK : ERR_NO_MEMORY;
}

err token_file_read(const char *dir, struct token_list *out_list)
{
    char path[PATH_MAX];
    size_t len = 0;
    struct token_list list;
    err e = token_file_new(&list);
    if (e == OK && !path_of(dir, path))
        e = ERR_SYSTEM;
    if (e == OK)
        e = file_read(path, list.text, FILE_LEN_MAX, &len);
    if (e == ERR_TOO_LARGE)
        e = ERR_DAMAGED;
    if (e == OK)
        e = read_lines(&list, slice_of(list.text, len));
    if (e == OK) {
        *out_list = list;
        return OK;
    }
    token_file_free(&list);
    return e;
}

err token_file_lock(const char *dir, int *out_lock)
{
    err e = file_make_dirs(dir);
    return e == OK ? file_lock_within(dir, TOKEN_FILE_LOCK_MS, out_lock) : e;
}

void token_file_unlock(int lock)
{
    file_unlock(lock);
}

err token_file_write(const char *dir, const struct token_list *list)
{
    char path[PATH_MAX];
    struct bytes_out out = {.data = malloc(FILE_LEN_MAX), .cap = FILE_LEN_MAX};
    CHECK(list->count <= TOKEN_COUNT_MAX);
    if (out.data == NULL)
        return ERR_NO_MEMORY;
    bytes_put(&out, head, HEAD_LEN);
    for (uint32_t i = 0; i < list->count; i++)
        token_put(&out, &list->items[i]);
    for (uint32_t i = 0; i < list->quota_count; i++)
        token_put_quota(&out, &list->quotas[i]);
    CHECK(!out.full);
    err e = path_of(dir, path) ? file_write(path, slice_of(out.data, out.len)) : ERR_SYSTEM;
    free(out.data);
    return e;
}
