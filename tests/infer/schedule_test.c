/* Many sequences through one model: who is admitted when, what is asked of the work,
 * and that the cache is empty afterwards. The work here counts and computes nothing
 * of its own. */
#include "tests/infer/decoder_run.h"

#include "infer/schedule.h"

enum { JOBS = 7, EVENTS = 400 };

struct event {
    char what; /* start, logits, more */
    size_t index;
    uint32_t token;
};

struct book {
    int32_t id[JOBS][RUN_LONGEST];
    uint32_t count[JOBS], more[JOBS]; /* more: tokens to go on by */
    size_t jobs, next, events, free_least;
    struct event event[EVENTS];
    const struct kv *kv;
};

static void note(struct book *b, char what, size_t index, uint32_t token)
{
    assert_true(b->events < EVENTS);
    b->event[b->events++] = (struct event){what, index, token};
    if (b->kv->free_count < b->free_least)
        b->free_least = b->kv->free_count;
}

static bool start(void *context, struct strand *strand)
{
    struct book *b = context;

    if (b->next == b->jobs)
        return false;
    strand->index = b->next;
    strand->id = b->id[b->next];
    strand->count = b->count[b->next];
    strand->reserve = strand->count + b->more[b->next];
    strand->wanted = strand->count - 1;
    note(b, 's', b->next++, 0);
    return true;
}

static void logits(void *context, struct strand *strand, uint32_t token,
                   const float *row)
{
    assert_true(row[0] == row[0]);
    note(context, 'l', strand->index, token);
}

static bool more(void *context, struct strand *strand)
{
    struct book *b = context;

    note(b, 'm', strand->index, strand->count);
    if (strand->count == b->count[strand->index] + b->more[strand->index])
        return false;
    strand->own = 5;
    strand->id = &strand->own;
    strand->base = strand->wanted = strand->count++;
    return true;
}

static struct book *book_open(size_t jobs, uint32_t same)
{
    static struct book b;
    uint64_t seed = 8;

    b = (struct book){.jobs = jobs, .free_least = SIZE_MAX};
    for (size_t i = 0; i < jobs; i++) {
        b.count[i] = 20 + 10 * (uint32_t)i;
        b.more[i] = 3;
        for (uint32_t k = 0; k < b.count[i]; k++)
            b.id[i][k] = k < same ? (int32_t)k + 9
                                  : (int32_t)(tiny_random(&seed) % TINY_VOCABULARY);
    }
    return &b;
}

static void run_book(struct book *b, const struct infer_options *o, uint32_t prefix)
{
    struct run run = run_start(run_families, GGUF_F32, o);
    const struct work work = {b, start, logits, more};
    struct infer_error err = {0};
    struct generator *g = run.session->generator;

    b->kv = &g->kv;
    if (schedule_run(run.session, &work, b->id[0], prefix, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(g->kv.free_count + g->prefix.pages, g->kv.pages);
    run_end(&run);
}

/* Which event number this is; EVENTS when there was none. */
static size_t when(const struct book *b, char what, size_t index, uint32_t token)
{
    for (size_t i = 0; i < b->events; i++)
        if (b->event[i].what == what && b->event[i].index == index &&
            (what != 'l' || b->event[i].token == token))
            return i;
    return EVENTS;
}

/* Every wanted token's logits once and in order, nobody else's. */
static void check_logits(const struct book *b)
{
    uint32_t next[JOBS];
    size_t seen = 0, wanted = 0;

    for (size_t i = 0; i < b->jobs; i++) {
        next[i] = b->count[i] - 1;
        wanted += 1 + b->more[i];
    }
    for (size_t i = 0; i < b->events; i++)
        if (b->event[i].what == 'l') {
            assert_int_equal(b->event[i].token, next[b->event[i].index]);
            next[b->event[i].index]++;
            seen++;
        }
    assert_int_equal(seen, wanted);
}

/* ---- running ------------------------------------------------------------------ */

static void every_sequence_comes_to_its_end(void **state)
{
    static const uint32_t pieces[] = {0, 1, 7};

    (void)state;
    for (size_t i = 0; i < COUNT(pieces); i++)
        for (uint32_t sequences = 1; sequences < 10; sequences += 4) {
            struct infer_options o = run_options();
            struct book *b = book_open(JOBS, 0);
            o.piece_tokens = pieces[i];
            o.batch_sequences = sequences;
            run_book(b, &o, 0);
            check_logits(b);
        }
}

static void a_finished_place_is_taken_at_once(void **state)
{
    struct infer_options o = run_options();
    struct book *b = book_open(4, 0);

    (void)state;
    o.batch_sequences = 2;
    b->more[0] = 1;
    b->more[1] = 20;
    run_book(b, &o, 0);
    check_logits(b);
    /* number 2 began, and was read, long before number 1 was done */
    assert_true(when(b, 's', 2, 0) > when(b, 'l', 0, b->count[0]));
    assert_true(when(b, 's', 2, 0) < when(b, 'l', 1, b->count[1] + 3));
    assert_true(when(b, 'l', 2, b->count[2] - 1) < when(b, 'l', 1, b->count[1] + 8));
}

/* Reading a long text must not hold up those that generate. */
static void those_that_generate_go_first(void **state)
{
    struct infer_options o = run_options();
    struct book *b = book_open(2, 0);

    (void)state;
    o.batch_tokens = 16;
    o.batch_sequences = 2;
    b->count[0] = 4;
    b->more[0] = 6;
    b->count[1] = 100;
    for (uint32_t k = 0; k < 100; k++)
        b->id[1][k] = (int32_t)k;
    run_book(b, &o, 0);
    check_logits(b);
    assert_true(when(b, 'l', 0, 9) < when(b, 'l', 1, 99));
}

/* ---- the cache ---------------------------------------------------------------- */

static void whoever_finds_no_room_waits(void **state)
{
    struct infer_options o = run_options();
    struct book *b = book_open(JOBS, 0);

    (void)state;
    o.batch_sequences = 8;
    o.context_tokens = o.kv_tokens = 96; /* the longest alone has 83 */
    o.share_prefix = false;
    run_book(b, &o, 0);
    check_logits(b);
    assert_true(when(b, 's', 6, 0) > when(b, 'l', 0, b->count[0] + 2));
}

static void a_shared_prefix_is_computed_and_kept_once(void **state)
{
    struct infer_options o = run_options();
    struct book *b = book_open(4, 0);
    size_t alone, shared;

    (void)state;
    o.kv_tokens = 512;
    for (size_t i = 0; i < 4; i++)
        b->count[i] = 70;
    run_book(b, &o, 0);
    alone = b->free_least;
    b = book_open(4, 64);
    for (size_t i = 0; i < 4; i++) {
        b->count[i] = 70;
        for (uint32_t k = 0; k < 70; k++)
            b->id[i][k] = k < 64 ? (int32_t)k : (int32_t)(i + k);
    }
    run_book(b, &o, 64);
    shared = b->free_least;
    check_logits(b);
    /* four sequences of five pages, or four pages and one for each */
    assert_int_equal(shared - alone, 4 * 5 - (4 + 4));
}

static void a_prefix_is_what_all_begin_with(void **state)
{
    static const int32_t a[] = {1, 2, 3, 4, 5}, b[] = {1, 2, 3, 9}, c[] = {1, 2};
    static const int32_t d[] = {2, 2, 3};
    const struct infer_sequence all[] = {{a, 5}, {b, 4}, {c, 2}, {d, 3}};
    const struct infer_sequence twice[] = {{a, 5}, {a, 5}};

    (void)state;
    assert_int_equal(schedule_prefix(all, 0), 0);
    assert_int_equal(schedule_prefix(all, 1),
                     4); /* the last token's logits are needed */
    assert_int_equal(schedule_prefix(all, 2), 3);
    assert_int_equal(schedule_prefix(all, 3), 1);
    assert_int_equal(schedule_prefix(all, 4), 0);
    assert_int_equal(schedule_prefix(twice, 2), 4);
}

/* ---- refusals ----------------------------------------------------------------- */

static void what_is_too_long_is_refused_by_its_number(void **state)
{
    struct infer_options o = run_options();
    struct run run = run_start(run_families, GGUF_F32, &o);
    static int32_t id[300];
    struct infer_sequence two[] = {{id, 10}, {id, 250}};
    struct infer_error err;

    (void)state;
    assert_int_equal(schedule_check(run.session, two, 2, 6, &err), 0);
    assert_int_equal(schedule_check(run.session, two, 2, 7, &err), INFER_ELIMIT);
    assert_string_equal(err.text,
                        "sequence 1 has 250 tokens and 7 more may follow: the "
                        "session's context is 256");
    two[1].count = 257;
    assert_int_equal(schedule_check(run.session, two, 2, 0, &err), INFER_ELIMIT);
    two[1].count = 0;
    assert_int_equal(schedule_check(run.session, two, 2, 0, &err), INFER_EINVALID);
    two[1].count = 5;
    id[3] = -1;
    assert_int_equal(schedule_check(run.session, two, 2, 0, &err), INFER_EINVALID);
    run_end(&run);
}

static void more_than_the_cache_holds_is_refused(void **state)
{
    struct infer_options o = run_options();
    struct book *b = book_open(1, 0);
    const struct work work = {b, start, logits, more};
    struct infer_error err;

    (void)state;
    o.context_tokens = o.kv_tokens = 96;
    struct run run = run_start(run_families, GGUF_F32, &o);
    b->kv = &run.session->generator->kv;
    b->more[0] = 5000;
    assert_int_equal(schedule_run(run.session, &work, b->id[0], 0, &err), INFER_ELIMIT);
    assert_non_null(strstr(err.text, "5020 tokens"));
    assert_int_equal(b->kv->free_count, b->kv->pages);
    run_end(&run);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sequence_comes_to_its_end),
        cmocka_unit_test(a_finished_place_is_taken_at_once),
        cmocka_unit_test(those_that_generate_go_first),
        cmocka_unit_test(whoever_finds_no_room_waits),
        cmocka_unit_test(a_shared_prefix_is_computed_and_kept_once),
        cmocka_unit_test(a_prefix_is_what_all_begin_with),
        cmocka_unit_test(what_is_too_long_is_refused_by_its_number),
        cmocka_unit_test(more_than_the_cache_holds_is_refused),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
