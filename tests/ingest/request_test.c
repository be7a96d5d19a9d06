/* The job a lane gets: it survives the way, and its limits mean what they say. */
#include "ingest/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct wire_frame frame;
static struct request_job job;
static struct ingest_error err;

static int send_and_receive(const struct ingest_request *request, uint64_t bytes)
{
    struct wire_cursor stream, payload;
    uint32_t type;

    assert_int_equal(request_encode(&frame, request, bytes, &err), 0);
    stream = (struct wire_cursor){.at = frame.bytes, .end = frame.bytes + frame.used};
    assert_int_equal(wire_next(&stream, &type, &payload), 1);
    assert_int_equal(type, WIRE_JOB);
    return request_decode(&payload, &job);
}

static void a_job_survives_the_way(void **state)
{
    const char *password[] = {"first", "", "zwei \xC3\xA4"};
    struct ingest_request request = ingest_request_default();

    (void)state;
    request.honour_owner = true;
    request.tiny_points = 1.5;
    request.limits.cpu_ms_per_mib = 77;
    request.password = password;
    request.password_count = 3;
    assert_int_equal(send_and_receive(&request, 123456789012), 0);
    assert_true(job.document_bytes == 123456789012);
    assert_true(job.limits.file_bytes_max == request.limits.file_bytes_max);
    assert_true(job.limits.text_bytes_max == request.limits.text_bytes_max);
    assert_true(job.limits.memory_bytes_max == request.limits.memory_bytes_max);
    assert_int_equal(job.limits.pages_max, request.limits.pages_max);
    assert_int_equal(job.limits.cpu_seconds_min, request.limits.cpu_seconds_min);
    assert_int_equal(job.limits.cpu_ms_per_page, request.limits.cpu_ms_per_page);
    assert_int_equal(job.limits.cpu_ms_per_mib, 77);
    assert_int_equal(job.limits.cpu_seconds_max, request.limits.cpu_seconds_max);
    assert_true(job.honour_owner);
    assert_true(job.tiny_points == 1.5);
    assert_int_equal(job.password_count, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(job.password[i], password[i]);
}

static void a_limit_of_zero_is_refused(void **state)
{
    struct ingest_request request = ingest_request_default();

    (void)state;
    request.limits.pages_max = 0;
    assert_int_equal(request_encode(&frame, &request, 1, &err), INGEST_EINVALID);
    assert_int_equal(request_encode(&frame, &request, 1, NULL), INGEST_EINVALID);
}

static void passwords_have_a_maximum(void **state)
{
    const char *password[REQUEST_PASSWORDS_MAX + 1];
    struct ingest_request request = ingest_request_default();

    (void)state;
    for (int i = 0; i <= REQUEST_PASSWORDS_MAX; i++)
        password[i] = "x";
    request.password = password;
    for (size_t n = REQUEST_PASSWORDS_MAX - 1; n <= REQUEST_PASSWORDS_MAX + 1; n++) {
        request.password_count = n;
        assert_int_equal(request_encode(&frame, &request, 1, &err),
                         n > REQUEST_PASSWORDS_MAX ? INGEST_EINVALID : 0);
    }
}

static void a_password_has_a_longest(void **state)
{
    char longest[REQUEST_PASSWORD_BYTES_MAX + 2];
    const char *password = longest;
    struct ingest_request request = ingest_request_default();

    (void)state;
    request.password = &password;
    request.password_count = 1;
    memset(longest, 'p', sizeof longest);
    longest[REQUEST_PASSWORD_BYTES_MAX + 1] = '\0';
    assert_int_equal(request_encode(&frame, &request, 1, &err), INGEST_EINVALID);
    assert_non_null(strstr(err.text, "256 bytes"));
    longest[REQUEST_PASSWORD_BYTES_MAX] = '\0';
    assert_int_equal(send_and_receive(&request, 1), 0);
    assert_string_equal(job.password[0], longest);
}

static void a_job_cut_short_is_none(void **state)
{
    struct ingest_request request = ingest_request_default();

    (void)state;
    assert_int_equal(request_encode(&frame, &request, 9, &err), 0);
    for (size_t cut = WIRE_HEAD_BYTES; cut < frame.used; cut++) {
        struct wire_cursor payload = {.at = frame.bytes + WIRE_HEAD_BYTES,
                                      .end = frame.bytes + cut};
        assert_int_equal(request_decode(&payload, &job), -1);
    }
}

static void the_deadline_grows_with_pages_and_bytes_to_its_maximum(void **state)
{
    struct ingest_request request = ingest_request_default();

    (void)state;
    request.limits.cpu_seconds_min = 10;
    request.limits.cpu_ms_per_page = 200;
    request.limits.cpu_ms_per_mib = 500;
    request.limits.cpu_seconds_max = 60;
    request.limits.pages_max = 100;
    assert_int_equal(send_and_receive(&request, 4 << 20), 0);
    assert_int_equal(request_cpu_ms(&job, 0), 12000);
    assert_int_equal(request_cpu_ms(&job, 10), 14000);
    assert_int_equal(request_cpu_ms(&job, UINT64_MAX), 32000); /* pages_max */
    job.document_bytes = UINT64_MAX;
    assert_int_equal(request_cpu_ms(&job, 0), 60000);
    job.document_bytes = (uint64_t)99 << 20;
    assert_int_equal(request_cpu_ms(&job, 0), 59500);
    assert_int_equal(request_cpu_ms(&job, 3), 60000);
}

static void output_never_wraps(void **state)
{
    struct ingest_limits limits = ingest_limits_default();

    (void)state;
    assert_true(request_output_max(&limits) ==
                limits.text_bytes_max + REQUEST_EXTRA_BYTES);
    limits.text_bytes_max = UINT64_MAX - 5;
    assert_true(request_output_max(&limits) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_survives_the_way),
        cmocka_unit_test(a_limit_of_zero_is_refused),
        cmocka_unit_test(passwords_have_a_maximum),
        cmocka_unit_test(a_password_has_a_longest),
        cmocka_unit_test(a_job_cut_short_is_none),
        cmocka_unit_test(the_deadline_grows_with_pages_and_bytes_to_its_maximum),
        cmocka_unit_test(output_never_wraps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
