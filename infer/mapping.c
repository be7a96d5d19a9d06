/* mapping - map a file read-only, or hold a copy that looks like one.
 *
 * Opening does not block on a pipe, and only regular files are mapped: a device or
 * a pipe given as a model is refused by name. */
#include "infer/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int map_descriptor(struct mapping *out, int fd, const char *path,
                          struct infer_error *err)
{
    struct stat st;
    void *bytes;

    if (fd < 0 || fstat(fd, &st) != 0)
        return infer_fail(err, INFER_EIO, "%.150s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return infer_fail(err, INFER_EIO, "%.150s: not a regular file", path);
    if (st.st_size == 0)
        return infer_fail(err, INFER_EFORMAT, "%.150s: the file is empty", path);
    bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return infer_fail(err, INFER_EIO, "%.150s: %s", path, strerror(errno));
    *out = (struct mapping){bytes, (size_t)st.st_size, false};
    return 0;
}

int mapping_open(struct mapping *out, const char *path, struct infer_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), status;

    *out = (struct mapping){0};
    status = map_descriptor(out, fd, path, err);
    if (fd >= 0)
        close(fd);
    return status;
}

int mapping_copy(struct mapping *out, const void *bytes, size_t count,
                 struct infer_error *err)
{
    void *copy;

    *out = (struct mapping){0};
    if (posix_memalign(&copy, MAPPING_ALIGNMENT, count) != 0)
        return infer_fail(err, INFER_ENOMEM, "no memory for %zu bytes", count);
    if (count > 0)
        memcpy(copy, bytes, count);
    *out = (struct mapping){copy, count, true};
    return 0;
}

void mapping_close(struct mapping *mapping)
{
    void *bytes = (void *)(uintptr_t)mapping->bytes;

    if (mapping->is_copy)
        free(bytes);
    else if (bytes != NULL)
        munmap(bytes, mapping->size);
    *mapping = (struct mapping){0};
}
