// The lock first: what is read before it could be another's.

#include "worker/duty/home.h"

#include "lib/sys/blake.h"
#include "lib/sys/clock.h"
#include "lib/sys/file.h"

#include <errno.h>
#include <limits.h>

static err refuse(err result, const char *dir, const char *sentence, char out_why[HOME_WHY_LEN])
{
    int number = errno;
    (void)snprintf(out_why, HOME_WHY_LEN, "%s: %s (%s)", dir, sentence,
                   result == ERR_SYSTEM || result == ERR_DISK ? strerror(number)
                                                              : err_slug(result));
    return result;
}

static err make_id(const char *path, struct id *out_id)
{
    uint64_t random = 0;
    blake_random(&random, sizeof random);
    struct id id = id_v7(clock_wall_ms(), (uint16_t)(random >> 52), random);
    char text[ID_TEXT_LEN + 2];
    id_to_text(&id, text);
    text[ID_TEXT_LEN] = '\n';
    err written = file_write(path, slice_of(text, ID_TEXT_LEN + 1));
    if (written == OK)
        *out_id = id;
    return written;
}

static err read_id(const char *path, struct id *out_id)
{
    char text[ID_TEXT_LEN + 2];
    size_t len = 0;
    err read = file_read(path, text, sizeof text, &len);
    if (read == ERR_NOT_FOUND)
        return make_id(path, out_id);
    if (read == ERR_TOO_LARGE)
        return ERR_DAMAGED;
    if (read != OK)
        return read;
    if (len > 0 && text[len - 1] == '\n')
        len--;
    return id_from_text(slice_of(text, len), out_id) == OK ? OK : ERR_DAMAGED;
}

err home_open(const char *dir, struct home *out_home, char out_why[HOME_WHY_LEN])
{
    struct home home = {0};
    char id_path[PATH_MAX];
    (void)snprintf(home.journal, sizeof home.journal, "%s/journal", dir);
    (void)snprintf(home.running, sizeof home.running, "%s/running", dir);
    (void)snprintf(id_path, sizeof id_path, "%s/worker-id", dir);
    err made = file_make_dirs(dir);
    if (made != OK)
        return refuse(made, dir, "the directory cannot be made; choose another with --data",
                      out_why);
    err locked = file_lock(dir, &home.lock);
    if (locked == ERR_LOCKED)
        return refuse(locked, dir, "another process holds it; give this one a --data of its own",
                      out_why);
    if (locked != OK)
        return refuse(locked, dir, "it cannot be locked", out_why);
    err read = read_id(id_path, &home.worker_id);
    if (read != OK) {
        file_unlock(home.lock);
        return refuse(read, id_path, "no worker id; remove the file to get a new one", out_why);
    }
    *out_home = home;
    return OK;
}

void home_close(struct home *home)
{
    file_unlock(home->lock);
}
