// The main() of a fuzzer without libFuzzer: runs each file of the directories named on the command
// line through it once. Keeps found inputs found, in every build.

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *why, const char *path)
{
    fprintf(stderr, "replay: %s: %s\n", why, path);
    exit(2);
}

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || stat(path, &info) != 0)
        give_up("cannot read", path);
    size_t size = (size_t)info.st_size;
    // Exactly the size of the input, so that the sanitizer sees a read past its end.
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL || fread(data, 1, size, file) != size)
        give_up("cannot read", path);
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static uint64_t replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        give_up("no corpus", folder);
    uint64_t count = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] == '.')
            continue;
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            give_up("path too long", entry->d_name);
        replay_file(path);
        count++;
    }
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    uint64_t count = 0;
    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    printf("%" PRIu64 " inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
