/* request - the job a lane gets, its defaults, and the limits that follow from it.
 *
 * The frame: u64 document bytes, the limits in the order of struct ingest_limits,
 * u8 honour_owner, u64 bits of tiny_points, u8 ink, u8 passwords, each u8 bytes +
 * UTF-8. The lane trusts the conductor, yet decodes through the same cursor as all. */
#include "ingest/request.h"
#include "ingest/error.h"

#include <string.h>

struct ingest_limits ingest_limits_default(void)
{
    return (struct ingest_limits){
        .file_bytes_max = (uint64_t)512 << 20,
        .text_bytes_max = (uint64_t)64 << 20,
        .memory_bytes_max = (uint64_t)1 << 30,
        .pages_max = 20000,
        .cpu_seconds_min = 10,
        .cpu_ms_per_page = 200,
        .cpu_ms_per_mib = 500,
        .cpu_seconds_max = 600,
    };
}

struct ingest_request ingest_request_default(void)
{
    return (struct ingest_request){
        .limits = ingest_limits_default(),
        .tiny_points = 2.0,
        .ink = INGEST_INK_SUSPICIOUS,
    };
}

static bool limits_set(const struct ingest_limits *l)
{
    return l->file_bytes_max && l->text_bytes_max && l->memory_bytes_max &&
           l->pages_max && l->cpu_seconds_min && l->cpu_ms_per_page &&
           l->cpu_ms_per_mib && l->cpu_seconds_max;
}

static void put_limits(struct wire_frame *frame, const struct ingest_limits *l)
{
    wire_put_u64(frame, l->file_bytes_max);
    wire_put_u64(frame, l->text_bytes_max);
    wire_put_u64(frame, l->memory_bytes_max);
    wire_put_u32(frame, l->pages_max);
    wire_put_u32(frame, l->cpu_seconds_min);
    wire_put_u32(frame, l->cpu_ms_per_page);
    wire_put_u32(frame, l->cpu_ms_per_mib);
    wire_put_u32(frame, l->cpu_seconds_max);
}

static void get_limits(struct wire_cursor *payload, struct ingest_limits *l)
{
    l->file_bytes_max = wire_get_u64(payload);
    l->text_bytes_max = wire_get_u64(payload);
    l->memory_bytes_max = wire_get_u64(payload);
    l->pages_max = wire_get_u32(payload);
    l->cpu_seconds_min = wire_get_u32(payload);
    l->cpu_ms_per_page = wire_get_u32(payload);
    l->cpu_ms_per_mib = wire_get_u32(payload);
    l->cpu_seconds_max = wire_get_u32(payload);
}

static int put_passwords(struct wire_frame *frame, const struct ingest_request *request,
                         struct ingest_error *err)
{
    if (request->password_count > REQUEST_PASSWORDS_MAX)
        return error_set(err, INGEST_EINVALID,
                         "%zu candidate passwords given, at most %d are tried",
                         request->password_count, REQUEST_PASSWORDS_MAX);
    wire_put_u8(frame, (uint8_t)request->password_count);
    for (size_t i = 0; i < request->password_count; i++) {
        size_t bytes = strlen(request->password[i]);
        if (bytes > REQUEST_PASSWORD_BYTES_MAX)
            return error_set(err, INGEST_EINVALID,
                             "candidate password %zu has %zu bytes, at most %d fit",
                             i + 1, bytes, REQUEST_PASSWORD_BYTES_MAX);
        wire_put_u8(frame, (uint8_t)bytes);
        wire_put_bytes(frame, request->password[i], bytes);
    }
    return 0;
}

int request_encode(struct wire_frame *frame, const struct ingest_request *request,
                   uint64_t document_bytes, struct ingest_error *err)
{
    uint64_t tiny;

    if (!limits_set(&request->limits))
        return error_set(err, INGEST_EINVALID, "a limit of the request is zero");
    memcpy(&tiny, &request->tiny_points, sizeof tiny);
    wire_begin(frame, WIRE_JOB);
    wire_put_u64(frame, document_bytes);
    put_limits(frame, &request->limits);
    wire_put_u8(frame, request->honour_owner);
    wire_put_u64(frame, tiny);
    wire_put_u8(frame, (uint8_t)request->ink);
    int rc = put_passwords(frame, request, err);
    wire_end(frame);
    return rc;
}

static void get_password(struct wire_cursor *payload, char *password)
{
    size_t bytes = wire_get_u8(payload);
    const void *from = wire_get_bytes(payload, bytes);

    if (from)
        memcpy(password, from, bytes);
    password[from ? bytes : 0] = '\0';
}

int request_decode(struct wire_cursor *payload, struct request_job *job)
{
    job->document_bytes = wire_get_u64(payload);
    get_limits(payload, &job->limits);
    job->honour_owner = wire_get_u8(payload) != 0;
    uint64_t tiny = wire_get_u64(payload);
    memcpy(&job->tiny_points, &tiny, sizeof tiny);
    job->ink = wire_get_u8(payload);
    job->look_failed = false;
    job->password_count = wire_get_u8(payload);
    if (job->password_count > REQUEST_PASSWORDS_MAX || job->ink > INGEST_INK_ALWAYS)
        return -1;
    for (size_t i = 0; i < job->password_count; i++)
        get_password(payload, job->password[i]);
    return payload->bad || wire_left(payload) > 0 || !limits_set(&job->limits) ? -1 : 0;
}

uint64_t request_cpu_ms(const struct request_job *job, uint64_t pages)
{
    const struct ingest_limits *l = &job->limits;
    uint64_t most = (uint64_t)l->cpu_seconds_max * 1000;
    uint64_t mib = job->document_bytes >> 20;
    uint64_t ms = (uint64_t)l->cpu_seconds_min * 1000;

    if (pages > l->pages_max)
        pages = l->pages_max;
    ms += pages * l->cpu_ms_per_page;
    if (mib > most / l->cpu_ms_per_mib)
        return most;
    ms += mib * l->cpu_ms_per_mib;
    return ms < most ? ms : most;
}

uint64_t request_output_max(const struct ingest_limits *limits)
{
    uint64_t most = limits->text_bytes_max + REQUEST_EXTRA_BYTES;

    return most < limits->text_bytes_max ? UINT64_MAX : most;
}
