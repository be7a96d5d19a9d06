/* replay - feed the files of tests/data/fuzz/NAME to the fuzz target NAME once.
 *
 * What a fuzzer once found is kept there, and this program, linked with the target
 * in place of the fuzzer, holds it as a test in every build. Its own name says which
 * target it is: NAME_replay. A target that does not like what it sees aborts. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* Some targets' mutators call the fuzzer's own; nothing is mutated here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
    (void)data;
    return size < max_size ? size : max_size;
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        return -1;
    size_t bytes = (size_t)ftell(file);
    uint8_t *data = malloc(bytes ? bytes : 1);
    rewind(file);
    int status = data && fread(data, 1, bytes, file) == bytes ? 0 : -1;
    if (status == 0)
        LLVMFuzzerTestOneInput(data, bytes);
    free(data);
    fclose(file);
    return status;
}

int main(int argc, char **argv)
{
    char folder[200], path[500];
    struct dirent **entry;
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    size_t name_bytes = strcspn(name, "_");
    int failed = 0;
    (void)argc;
    snprintf(folder, sizeof(folder), "tests/data/fuzz/%.*s", (int)name_bytes, name);
    int count = scandir(folder, &entry, is_input, alphasort);
    printf("1..1\n");
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, entry[i]->d_name);
        if (replay(path) != 0) {
            printf("# %s: cannot be read\n", path);
            failed++;
        }
        free(entry[i]);
    }
    if (count <= 0)
        printf("not ok 1 - %s holds nothing to replay\n", folder);
    else
        printf("%sok 1 - %d inputs in %s\n", failed ? "not " : "", count, folder);
    if (count >= 0)
        free(entry);
    return failed != 0 || count <= 0;
}
