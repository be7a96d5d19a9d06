/* SHA-256 as FIPS 180-4 has it, whole, in pieces and from a file. */
#include "tests/store/sample.h"

static void digests_are_those_of_the_standard(void **state)
{
    static const struct {
        const char *text, *hex;
    } vector[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(vector); i++) {
        struct store_digest digest;
        char hex[65];

        store_digest_of(vector[i].text, strlen(vector[i].text), &digest);
        store_digest_hex(&digest, hex);
        assert_string_equal(hex, vector[i].hex);
    }
}

static void pieces_give_the_digest_of_the_whole_and_finish_restarts(void **state)
{
    struct store_sha256 *sha = store_sha256_new();
    struct store_digest whole, pieces;

    (void)state;
    assert_non_null(sha);
    store_digest_of("abcdefghij", 10, &whole);
    for (int round = 0; round < 2; round++) {
        for (const char *c = "abcdefghij"; *c; c++)
            store_sha256_update(sha, c, 1);
        store_sha256_finish(sha, &pieces);
        assert_memory_equal(&whole, &pieces, sizeof(whole));
    }
    store_sha256_free(sha);
}

/* Longer than one piece, and not a multiple of it. */
static void a_large_file_has_the_digest_of_its_bytes(void **state)
{
    struct sample_folder *at = *state;
    struct store_digest expected, got;
    size_t bytes = 3 * 256 * 1024 + 17;
    char *data = malloc(bytes);
    FILE *out = fopen(at->db, "wb");

    assert_non_null(data);
    assert_non_null(out);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (char)(i * 31 + (i >> 9));
    assert_int_equal(fwrite(data, 1, bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
    store_digest_of(data, bytes, &expected);
    assert_ok(store_digest_file(at->db, &got, ERR));
    assert_memory_equal(&expected, &got, sizeof(got));
    free(data);
}

static void a_file_that_cannot_be_read_has_no_digest(void **state)
{
    struct sample_folder *at = *state;
    struct store_digest digest;
    struct store_error err;

    assert_int_equal(store_digest_file(at->db, &digest, &err), STORE_EMISSING);
    assert_non_null(strstr(err.text, "c.db"));
    assert_int_equal(store_digest_file(at->folder, &digest, NULL), STORE_EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(digests_are_those_of_the_standard),
        TEST(pieces_give_the_digest_of_the_whole_and_finish_restarts),
        TEST(a_large_file_has_the_digest_of_its_bytes),
        TEST(a_file_that_cannot_be_read_has_no_digest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
