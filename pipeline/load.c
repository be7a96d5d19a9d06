/* load - what a run and its plan do alike: hash a file on its way into a lane, know a
 * failure when they see one, and know when to stop. */
#include "pipeline/internal.h"

#include <string.h>
#include <time.h>

static void hash_bytes(void *arg, const void *data, size_t count)
{
    store_sha256_update(arg, data, count);
}

int pipeline_load(struct ingest_parser *parser, int lane, const char *path,
                  uint64_t file_bytes_max, struct ingest_file *file,
                  struct store_digest *digest, struct pipeline_error *err)
{
    struct ingest_error why;
    struct store_sha256 *sha = store_sha256_new();
    if (!sha)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for a digest");
    int status =
        ingest_load(parser, lane, path, file_bytes_max, hash_bytes, sha, file, &why);
    store_sha256_finish(sha, digest);
    store_sha256_free(sha);
    return status == INGEST_OK ? PIPELINE_OK
                               : pipeline_fail(err, PIPELINE_EPARSER, "%s", why.text);
}

bool outcome_is_failure(const char *outcome)
{
    return strcmp(outcome, "ok") != 0 && strcmp(outcome, "duplicate") != 0;
}

bool found_calls_again(const struct pipeline *run, const struct store_found *found)
{
    bool locked = strcmp(found->carried, "encrypted") == 0;
    return found->run != run->run_id &&
           ((run->retry_failed && outcome_is_failure(found->carried)) ||
            (run->password_count > 0 && locked));
}

/* ---- when to stop --------------------------------------------------------------- */

static int64_t clock_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool is_canceled(const struct pipeline *run)
{
    return run->cancel && *run->cancel;
}

bool pipeline_must_stop(const struct pipeline *run)
{
    return is_canceled(run) || (run->deadline_ms && clock_ms() >= run->deadline_ms);
}

enum pipeline_end pipeline_why_stopped(const struct pipeline *run)
{
    return is_canceled(run) ? PIPELINE_CANCELED : PIPELINE_OUT_OF_TIME;
}
