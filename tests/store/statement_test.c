/* Values go in and come out as they were; failures are told and leave nothing open. */
#include "store/db.h"
#include "tests/store/sample.h"

static struct store *open_store(struct sample_folder *at)
{
    struct store *store;

    assert_ok(store_open(&store, at->db, STORE_RUN, ERR));
    assert_ok(db_exec(store, "CREATE TEMP TABLE t (a) ", ERR));
    return store;
}

static int64_t is(struct store *store, const char *sql)
{
    int64_t out;

    assert_ok(db_number(store, &out, -1, sql, NULL, 0, ERR));
    return out;
}

static void each_kind_of_value_is_bound_as_itself(void **state)
{
    static const struct {
        struct db_value value;
        const char *sql;
    } kind[] = {
        {{.type = DB_IS_NULL}, "SELECT a IS NULL FROM t"},
        {{.type = DB_IS_INT, .integer = INT64_MIN},
         "SELECT typeof(a) = 'integer' AND a = -9223372036854775807 - 1 FROM t"},
        {{.type = DB_IS_REAL, .real = 0.1},
         "SELECT typeof(a) = 'real' AND a = 0.1 FROM t"},
        {{.type = DB_IS_TEXT, .data = "n\xc3\xa9", .bytes = 3},
         "SELECT typeof(a) = 'text' AND hex(a) = '6EC3A9' FROM t"},
        {{.type = DB_IS_BLOB, .data = "a\0b", .bytes = 3},
         "SELECT typeof(a) = 'blob' AND a = x'610062' FROM t"},
        {{.type = DB_IS_TEXT, .data = "", .bytes = 0},
         "SELECT typeof(a) = 'text' AND a = '' FROM t"},
    };
    struct store *store = open_store(*state);

    for (size_t i = 0; i < COUNT(kind); i++) {
        assert_ok(db_exec(store, "DELETE FROM t", ERR));
        assert_ok(db_run(store, "INSERT INTO t VALUES (?)", &kind[i].value, 1, ERR));
        assert_int_equal(is(store, kind[i].sql), 1);
    }
    assert_ok(store_close(store, ERR));
}

static void missing_values_are_null(void **state)
{
    (void)state;
    assert_int_equal(db_text(NULL).type, DB_IS_NULL);
    assert_int_equal(db_blob(NULL, 0).type, DB_IS_NULL);
    assert_int_equal(db_int_or_null(-1, -1).type, DB_IS_NULL);
    assert_int_equal(db_int_or_null(0, -1).type, DB_IS_INT);
    assert_int_equal(db_text_or_empty(NULL).type, DB_IS_TEXT);
    assert_int_equal(db_text_or_empty(NULL).bytes, 0);
}

static void a_number_that_is_not_there_is_the_one_given(void **state)
{
    struct store *store = open_store(*state);
    int64_t out;

    assert_ok(db_number(store, &out, 7, "SELECT a FROM t", NULL, 0, ERR));
    assert_int_equal(out, 7);
    assert_ok(db_number(store, &out, 7, "SELECT max(a) FROM t", NULL, 0, ERR));
    assert_int_equal(out, 7);
    assert_ok(db_number(store, &out, 7, "SELECT ?", DB_VALUES(db_int(9)), ERR));
    assert_int_equal(out, 9);
    assert_ok(store_close(store, ERR));
}

static void a_statement_is_prepared_once(void **state)
{
    static const char sql[] = "INSERT INTO t VALUES (?)";
    struct store *store = open_store(*state);
    size_t before;

    assert_ok(db_run(store, sql, DB_VALUES(db_int(1)), ERR));
    before = store->statement_count;
    for (int i = 0; i < 100; i++)
        assert_ok(db_run(store, sql, DB_VALUES(db_int(i)), ERR));
    assert_int_equal(store->statement_count, before);
    assert_ok(store_close(store, ERR));
}

static void failures_carry_the_file_and_sqlites_words(void **state)
{
    static const struct {
        const char *sql, *words;
        int status;
    } failure[] = {
        {"SELECT a FROM nowhere", "no such table", STORE_EIO},
        {"INSERT INTO run_end VALUES (99, 0, '', 0, 0, 0)", "FOREIGN KEY",
         STORE_EINVALID},
        {"INSERT INTO run_end VALUES ('x', 0, '', 0, 0, 0)", "mismatch",
         STORE_EINVALID},
        {"INSERT INTO chunk_search_data VALUES (1, 2)", "may not be modified",
         STORE_EIO},
    };
    struct store *store = open_store(*state);

    for (size_t i = 0; i < COUNT(failure); i++) {
        struct store_error err = {0};

        assert_int_equal(db_run(store, failure[i].sql, NULL, 0, &err),
                         failure[i].status);
        assert_int_equal(err.status, failure[i].status);
        if (!strstr(err.text, failure[i].words))
            fail_msg("%s: %s", failure[i].sql, err.text);
        assert_non_null(strstr(err.text, "c.db"));
        assert_int_equal(db_run(store, failure[i].sql, NULL, 0, NULL),
                         failure[i].status);
    }
    assert_ok(store_close(store, ERR));
}

static void only_objects_and_nothing_pass_as_json(void **state)
{
    struct store *store = open_store(*state);
    struct store_error err;

    assert_ok(db_check_json(store, NULL, "it", ERR));
    assert_ok(db_check_json(store, "{}", "it", ERR));
    assert_ok(db_check_json(store, "{\"a\":[1,{\"b\":null}]}", "it", ERR));
    assert_int_equal(db_check_json(store, "[]", "it", &err), STORE_EINVALID);
    assert_int_equal(db_check_json(store, "{} {}", "it", &err), STORE_EINVALID);
    assert_string_equal(err.text, "it: not a JSON object: {} {}");
    assert_ok(store_close(store, ERR));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_of_value_is_bound_as_itself),
        cmocka_unit_test(missing_values_are_null),
        TEST(a_number_that_is_not_there_is_the_one_given),
        TEST(a_statement_is_prepared_once),
        TEST(failures_carry_the_file_and_sqlites_words),
        TEST(only_objects_and_nothing_pass_as_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
