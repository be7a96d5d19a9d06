/* digest - SHA-256 (FIPS 180-4), by nettle.
 *
 * The one place that names the hash library; the rest of the program asks store.h.
 * Large files are read in pieces through one buffer. */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/sha2.h>

struct store_sha256 {
    struct sha256_ctx ctx;
};

static_assert(sizeof(struct store_digest) == SHA256_DIGEST_SIZE, "SHA-256 is 32 bytes");

enum { DIGEST_PIECE = 256 * 1024 };

struct store_sha256 *store_sha256_new(void)
{
    struct store_sha256 *sha = malloc(sizeof(*sha));

    if (sha)
        sha256_init(&sha->ctx);
    return sha;
}

void store_sha256_update(struct store_sha256 *sha, const void *data, size_t count)
{
    sha256_update(&sha->ctx, count, data);
}

void store_sha256_finish(struct store_sha256 *sha, struct store_digest *out)
{
    sha256_digest(&sha->ctx, sizeof(out->byte), out->byte);
}

void store_sha256_free(struct store_sha256 *sha)
{
    free(sha);
}

void store_digest_of(const void *data, size_t count, struct store_digest *out)
{
    struct sha256_ctx ctx;

    sha256_init(&ctx);
    sha256_update(&ctx, count, data);
    sha256_digest(&ctx, sizeof(out->byte), out->byte);
}

static int digest_fail(struct store_error *err, int status, const char *path)
{
    if (err) {
        err->status = status;
        snprintf(err->text, sizeof(err->text), "%s: cannot be read: %s", path,
                 strerror(errno));
    }
    return status;
}

static int digest_stream(int fd, void *piece, struct store_digest *out)
{
    struct sha256_ctx ctx;
    ssize_t got;

    sha256_init(&ctx);
    for (;;) {
        got = read(fd, piece, DIGEST_PIECE);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        sha256_update(&ctx, (size_t)got, piece);
    }
    sha256_digest(&ctx, sizeof(out->byte), out->byte);
    return 0;
}

int store_digest_file(const char *path, struct store_digest *out,
                      struct store_error *err)
{
    int status = STORE_OK, fd = -1;
    void *piece = malloc(DIGEST_PIECE);

    if (!piece) {
        status = digest_fail(err, STORE_ENOMEM, path);
        goto out;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        status = digest_fail(err, errno == ENOENT ? STORE_EMISSING : STORE_EIO, path);
    else if (digest_stream(fd, piece, out) != 0)
        status = digest_fail(err, STORE_EIO, path);
out:
    if (fd >= 0)
        close(fd);
    free(piece);
    return status;
}

void store_digest_hex(const struct store_digest *digest, char out[65])
{
    for (size_t i = 0; i < sizeof(digest->byte); i++)
        snprintf(out + 2 * i, 3, "%02x", digest->byte[i]);
}
