/* Frames: what is written is read back, and nothing else is believed. */
#include "ingest/wire.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct wire_frame frame;

static struct wire_cursor whole(void)
{
    return (struct wire_cursor){.at = frame.bytes, .end = frame.bytes + frame.used};
}

static void what_is_written_is_read_back(void **state)
{
    struct wire_cursor payload, stream;
    uint32_t type;

    (void)state;
    wire_begin(&frame, WIRE_TEXT);
    wire_put_u8(&frame, 200);
    wire_put_u32(&frame, 0xFEDCBA98);
    wire_put_u64(&frame, 0x0123456789ABCDEF);
    wire_put_bytes(&frame, "text", 4);
    wire_end(&frame);
    stream = whole();
    assert_int_equal(wire_next(&stream, &type, &payload), 1);
    assert_int_equal(type, WIRE_TEXT);
    assert_int_equal(wire_get_u8(&payload), 200);
    assert_int_equal(wire_get_u32(&payload), 0xFEDCBA98);
    assert_true(wire_get_u64(&payload) == 0x0123456789ABCDEF);
    assert_memory_equal(wire_get_bytes(&payload, 4), "text", 4);
    assert_int_equal(wire_left(&payload), 0);
    assert_int_equal(wire_left(&stream), 0);
    assert_int_equal(wire_next(&stream, &type, &payload), 0);
}

static void reading_behind_the_end_is_bad_and_stays_so(void **state)
{
    struct wire_cursor cursor = {.at = (const uint8_t *)"abc"};

    (void)state;
    cursor.end = cursor.at + 3;
    assert_int_equal(wire_get_u32(&cursor), 0);
    assert_true(cursor.bad);
    assert_int_equal(wire_get_u8(&cursor), 0);
    assert_null(wire_get_bytes(&cursor, 1));
}

static void a_frame_takes_its_maximum_and_no_byte_more(void **state)
{
    static uint8_t bytes[WIRE_PAYLOAD_MAX + 1];

    (void)state;
    for (size_t count = WIRE_PAYLOAD_MAX - 1; count <= WIRE_PAYLOAD_MAX + 1; count++) {
        wire_begin(&frame, WIRE_TEXT);
        wire_put_bytes(&frame, bytes, count);
        assert_int_equal(frame.overflow, count > WIRE_PAYLOAD_MAX);
    }
}

static void a_frame_cut_short_waits_for_the_rest(void **state)
{
    struct wire_cursor payload, stream;
    uint32_t type;

    (void)state;
    wire_begin(&frame, WIRE_END);
    wire_put_bytes(&frame, "reason", 6);
    wire_end(&frame);
    for (size_t cut = 0; cut < frame.used; cut++) {
        stream = whole();
        stream.end = stream.at + cut;
        assert_int_equal(wire_next(&stream, &type, &payload), 0);
        assert_ptr_equal(stream.at, frame.bytes);
    }
}

static void a_frame_beyond_the_maximum_is_refused_at_its_head(void **state)
{
    uint8_t head[WIRE_HEAD_BYTES] = {WIRE_TEXT};
    struct wire_cursor payload, stream = {.at = head, .end = head + sizeof head};
    uint32_t type;

    (void)state;
    for (uint32_t bytes = WIRE_PAYLOAD_MAX; bytes <= WIRE_PAYLOAD_MAX + 1; bytes++) {
        for (int i = 0; i < 4; i++)
            head[4 + i] = (uint8_t)(bytes >> (8 * i));
        assert_int_equal(wire_next(&stream, &type, &payload),
                         bytes > WIRE_PAYLOAD_MAX ? -1 : 0);
    }
}

static void writing_to_nobody_fails(void **state)
{
    (void)state;
    assert_int_equal(wire_write(-1, "x", 1), -1);
    assert_int_equal(wire_write(-1, "", 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(reading_behind_the_end_is_bad_and_stays_so),
        cmocka_unit_test(a_frame_takes_its_maximum_and_no_byte_more),
        cmocka_unit_test(a_frame_cut_short_waits_for_the_rest),
        cmocka_unit_test(a_frame_beyond_the_maximum_is_refused_at_its_head),
        cmocka_unit_test(writing_to_nobody_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
