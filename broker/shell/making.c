// The file that says "not yet" is the first thing in the directory and the last to go.

#define _GNU_SOURCE

#include "broker/shell/making.h"

#include "broker/shell/key_dir.h"
#include "broker/shell/upkeep.h"
#include "lib/base/check.h"
#include "lib/disk/disk.h"
#include "lib/sys/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static err path_of(const char *dir, const char *name, char out[PATH_MAX])
{
    return upkeep_path(dir, name, out) ? OK : ERR_SYSTEM;
}

// --- the beginning ---

static bool is_nothing(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "lost+found") == 0;
}

static err check_empty(const char *dir)
{
    DIR *listed = opendir(dir);
    if (listed == NULL)
        return ERR_DISK;
    err e = OK;
    const struct dirent *entry;
    while (e != ERR_LOCKED && (entry = readdir(listed)) != NULL) {
        if (strcmp(entry->d_name, DISK_UNFINISHED) == 0)
            e = ERR_LOCKED;
        else if (!is_nothing(entry->d_name))
            e = ERR_CONFLICT;
    }
    (void)closedir(listed);
    return e;
}

err making_begin(struct making *making, const char *dir)
{
    char path[PATH_MAX];
    struct stat file = {0};
    bool is_new = stat(dir, &file) != 0;
    err e = path_of(dir, DISK_UNFINISHED, path);
    if (e == OK)
        e = file_make_dirs(dir);
    if (e == OK)
        e = check_empty(dir);
    if (e != OK)
        return e;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno == EEXIST ? ERR_LOCKED : ERR_DISK;
    (void)close(fd); // empty: its name is all that counts
    e = file_flush_dir(dir);
    if (e == OK)
        *making = (struct making){.dir = dir, .is_new = is_new};
    return e;
}

// --- keys ---

struct keys_copy {
    const char *from;
    const char *to;
    uint8_t *room; // KEY_DIR_QUOTAS_LEN_MAX bytes
};

static err copy_file(const struct keys_copy *copy, const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    struct stat file = {0};
    size_t len = 0;
    err e = path_of(copy->from, name, from);
    if (e == OK)
        e = path_of(copy->to, name, to);
    if (e == OK)
        e = file_read(from, copy->room, KEY_DIR_QUOTAS_LEN_MAX, &len);
    if (e == OK && stat(from, &file) != 0)
        e = ERR_DISK;
    if (e == OK)
        e = file_write(to, slice_of(copy->room, len));
    if (e == OK && chmod(to, file.st_mode & 0777) != 0)
        e = ERR_DISK;
    return e;
}

static bool is_certificate(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".pub") == 0;
}

static err copy_peers(const struct keys_copy *copy)
{
    char dir[PATH_MAX];
    err e = path_of(copy->from, "peers", dir);
    DIR *listed = e == OK ? opendir(dir) : NULL;
    if (listed == NULL)
        return e == OK && errno == ENOENT ? OK : ERR_DISK;
    const struct dirent *entry;
    while (e == OK && (entry = readdir(listed)) != NULL) {
        char name[PATH_MAX];
        if (!is_certificate(entry->d_name))
            continue;
        (void)snprintf(name, sizeof name, "peers/%s", entry->d_name);
        e = copy_file(copy, name);
        if (e == ERR_NOT_FOUND) // revoked in between
            e = OK;
    }
    (void)closedir(listed);
    return e;
}

static err copy_files(const struct keys_copy *copy)
{
    char peers[PATH_MAX];
    err e = path_of(copy->to, "peers", peers);
    if (e == OK)
        e = file_make_dirs(peers);
    if (e == OK)
        e = copy_file(copy, "broker.key");
    if (e == OK)
        e = copy_file(copy, "broker.pub");
    if (e == OK)
        e = copy_peers(copy);
    if (e != OK)
        return e;
    e = copy_file(copy, "quotas");
    return e == ERR_NOT_FOUND ? OK : e;
}

err making_copy_keys(const struct making *making, const char *keys)
{
    char secret[PATH_MAX];
    char to[PATH_MAX];
    err e = path_of(keys, "broker.key", secret);
    if (e == OK)
        e = path_of(making->dir, "keys", to);
    if (e != OK)
        return e;
    if (access(secret, F_OK) != 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_DISK;
    struct keys_copy copy = {.from = keys, .to = to, .room = malloc(KEY_DIR_QUOTAS_LEN_MAX)};
    errno = ENOMEM;
    e = copy.room != NULL ? copy_files(&copy) : ERR_SYSTEM;
    free(copy.room);
    return e == ERR_NOT_FOUND ? ERR_DISK : e; // half of a pair
}

// --- the end ---

// What a process that had the store open leaves behind.
static void remove_locks(const char *dir)
{
    static const char *const names[] = {"lock.mdb", "lock"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (path_of(dir, names[i], path) == OK)
            (void)unlink(path); // worthless, but not wrong
    }
}

err making_end(const struct making *making)
{
    char path[PATH_MAX];
    err e = path_of(making->dir, DISK_UNFINISHED, path);
    if (e != OK)
        return e;
    remove_locks(making->dir);
    e = file_flush_dir(making->dir);
    if (e == OK && unlink(path) != 0)
        e = ERR_DISK;
    return e == OK ? file_flush_dir(making->dir) : e;
}

static void remove_files(const char *dir)
{
    char path[PATH_MAX];
    DIR *listed = opendir(dir);
    if (listed == NULL)
        return;
    const struct dirent *entry;
    while ((entry = readdir(listed)) != NULL) {
        if (!is_nothing(entry->d_name) && path_of(dir, entry->d_name, path) == OK)
            (void)unlink(path); // of a directory it fails
    }
    (void)closedir(listed);
}

void making_undo(const struct making *making)
{
    static const char *const folders[] = {"keys/peers", "keys"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (path_of(making->dir, folders[i], path) != OK)
            continue;
        remove_files(path);
        (void)rmdir(path);
    }
    // The store first: without it the directory holds nothing that could be taken for one.
    if (path_of(making->dir, "data.mdb", path) == OK)
        (void)unlink(path);
    remove_files(making->dir);
    if (making->is_new)
        (void)rmdir(making->dir);
}
