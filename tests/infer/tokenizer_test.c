/* The vocabulary of a file, and the special tokens around and within a text. */
#include "infer/tokenizer.h"
#include "tests/infer/tiny.h"
#include "tests/infer/vocab.h"

#include <pthread.h>

enum { UNK = 1, CLS = 2, SEP = 3, MASK = 4 };

struct fixture {
    struct infer_model *model;
    struct infer_tokens ids;
};

static int set_up(void **state)
{
    struct tiny tiny = tiny_default();
    struct fixture *f = calloc(1, sizeof *f);
    size_t count;
    char *bytes = tiny_bytes(&tiny, &count);

    assert_int_equal(model_open_memory(&f->model, bytes, count, NULL), 0);
    free(bytes);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    infer_tokens_free(&f->ids);
    infer_model_close(f->model);
    free(f);
    return 0;
}

/* wanted ends with -1; a name stands for the id of a plain token. */
static int32_t id_of(const char *name)
{
    for (int32_t i = 0; i < TINY_TOKENS; i++)
        if (strcmp(tiny_tokens[i], name) == 0)
            return i;
    fail_msg("no token %s", name);
    return -1;
}

static void expect(struct fixture *f, const char *text, unsigned flags,
                   const int32_t *wanted)
{
    size_t count = 0;

    assert_int_equal(infer_tokenize(f->model, text, strlen(text), flags, &f->ids, NULL),
                     0);
    for (; wanted[count] >= 0; count++)
        assert_true(count < f->ids.count && f->ids.id[count] == wanted[count]);
    assert_int_equal(f->ids.count, count);
}

static void special_tokens_stand_around_the_text(void **state)
{
    int32_t hello = id_of(TINY_WORD "hello");

    expect(*state, "hello", 0, (int32_t[]){hello, -1});
    expect(*state, "hello", INFER_ADD_SPECIAL, (int32_t[]){CLS, hello, SEP, -1});
    expect(*state, "", INFER_ADD_SPECIAL, (int32_t[]){CLS, SEP, -1});
}

static void special_tokens_in_a_text_are_plain_text(void **state)
{
    int32_t open = id_of(TINY_WORD "["), close = id_of(TINY_WORD "]"),
            sep = id_of(TINY_WORD "sep"), a = id_of(TINY_WORD "a");

    expect(*state, "a[SEP]", 0, (int32_t[]){a, open, sep, close, -1});
}

static void special_tokens_in_a_text_count_when_asked_for(void **state)
{
    int32_t open = id_of(TINY_WORD "["), close = id_of(TINY_WORD "]"),
            sep = id_of(TINY_WORD "sep"), a = id_of(TINY_WORD "a");
    unsigned parse = INFER_PARSE_SPECIAL;

    expect(*state, "a[SEP]a", parse, (int32_t[]){a, SEP, a, -1});
    expect(*state, "[[SEP]]", parse, (int32_t[]){open, SEP, close, -1});
    expect(*state, "[sep]", parse, (int32_t[]){open, sep, close, -1});
    expect(*state, "[MASK][UNK]", parse, (int32_t[]){MASK, UNK, -1});
    expect(*state, "[SEP]", parse | INFER_ADD_SPECIAL, (int32_t[]){CLS, SEP, SEP, -1});
    expect(*state, "[SE", parse, (int32_t[]){open, UNK, -1});
}

static void flags_that_do_not_exist_are_refused(void **state)
{
    struct fixture *f = *state;
    struct infer_error err;

    assert_int_equal(infer_tokenize(f->model, "a", 1, 8, &f->ids, &err),
                     INFER_EINVALID);
    assert_int_equal(err.status, INFER_EINVALID);
    assert_int_equal(
        infer_tokenize_parts(f->model, NULL, 0, INFER_PARSE_SPECIAL, &f->ids, &err),
        INFER_EINVALID);
}

static void a_cut_keeps_the_closing_token(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(
        infer_tokenize(f->model, "a b c", 5, INFER_ADD_SPECIAL, &f->ids, NULL), 0);
    assert_int_equal(f->ids.count, 5);
    assert_false(infer_tokens_cut(f->model, &f->ids, 5));
    assert_true(infer_tokens_cut(f->model, &f->ids, 4));
    assert_int_equal(f->ids.count, 4);
    assert_int_equal(f->ids.id[2], id_of(TINY_WORD "b"));
    assert_int_equal(f->ids.id[3], SEP);
    assert_true(infer_tokens_cut(f->model, &f->ids, 1));
    assert_int_equal(f->ids.id[0], SEP);
    assert_true(infer_tokens_cut(f->model, &f->ids, 0));
    assert_int_equal(f->ids.count, 0);
}

static void ids_are_replaced_and_grow(void **state)
{
    struct fixture *f = *state;
    size_t bytes = 100000;
    char *text = malloc(bytes);

    for (size_t i = 0; i < bytes; i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    assert_int_equal(infer_tokenize(f->model, text, bytes, 0, &f->ids, NULL), 0);
    assert_int_equal(f->ids.count, bytes / 2);
    assert_int_equal(f->ids.id[bytes / 2 - 1], id_of(TINY_WORD "a"));
    assert_int_equal(infer_tokenize(f->model, text, 1, 0, &f->ids, NULL), 0);
    assert_int_equal(f->ids.count, 1);
    free(text);
}

/* A file that gives no id for a special token is read when the vocabulary has it. */
static void a_special_token_is_found_by_name(void **state)
{
    struct tiny tiny = tiny_default();
    struct infer_model *model;
    size_t count;
    char *bytes;

    (void)state;
    tiny.leave_out = "tokenizer.ggml.cls_token_id";
    bytes = tiny_bytes(&tiny, &count);
    assert_int_equal(model_open_memory(&model, bytes, count, NULL), 0);
    assert_int_equal(model->tokenizer->opening, CLS);
    infer_model_close(model);
    free(bytes);
}

static void a_tokenizer_of_another_kind_is_named(void **state)
{
    struct gguf_writer w = {0};
    struct tokenizer *tokenizer;
    struct infer_error err;
    struct gguf *file;
    char *bytes = NULL;
    size_t count;
    FILE *stream = open_memstream(&bytes, &count);

    (void)state;
    gguf_write_string(&w, "tokenizer.ggml.model", "rwkv", 4);
    gguf_write_head(&w, stream);
    assert_int_equal(gguf_write_end(&w, stream), 0);
    fclose(stream);
    assert_int_equal(gguf_open_memory(&file, bytes, count, NULL), 0);
    assert_int_equal(tokenizer_open(&tokenizer, file, &err), INFER_EUNSUPPORTED);
    assert_null(tokenizer);
    assert_non_null(strstr(err.text, "rwkv"));
    gguf_close(file);
    free(bytes);
}

/* "h" and "i" merge, a space stays with what follows. */
static const struct vocab_token chat_tokens[] = {
    {"<|x|>", TOKEN_CONTROL, 0}, {"h", TOKEN_NORMAL, 0}, {"i", TOKEN_NORMAL, 0},
    {"hi", TOKEN_NORMAL, 0},     {"<", TOKEN_NORMAL, 0}, {"|", TOKEN_NORMAL, 0},
    {"x", TOKEN_NORMAL, 0},      {">", TOKEN_NORMAL, 0},
};

static const char *const chat_merges[] = {"h i", NULL};

static const struct vocab chat = {.model = "gpt2",
                                  .pre = "gpt-2",
                                  .token = chat_tokens,
                                  .tokens = sizeof chat_tokens / sizeof *chat_tokens,
                                  .merge = chat_merges};

static void expect_parts(const struct infer_part *part, size_t count,
                         const int32_t *wanted, size_t ids)
{
    struct tokenizer *t = vocab_open(&chat, NULL);
    struct infer_tokens got = {0};

    assert_int_equal(tokenizer_encode_parts(t, part, count, 0, &got, NULL), 0);
    assert_int_equal(got.count, ids);
    assert_memory_equal(got.id, wanted, ids * sizeof *wanted);
    infer_tokens_free(&got);
    tokenizer_close(t);
}

static void a_document_between_markup_cannot_add_to_it(void **state)
{
    static const struct infer_part part[] = {
        {"<|x|>", 5, true}, {"h<|x|>", 6, false}, {"<|x|>h", 6, true}};

    (void)state;
    expect_parts(part, 3, (int32_t[]){0, 1, 4, 5, 6, 5, 7, 0, 1}, 9);
}

static void markup_does_not_begin_in_a_document(void **state)
{
    static const struct infer_part before[] = {{"<|", 2, false}, {"x|>", 3, true}};
    static const struct infer_part after[] = {{"<|x", 3, true}, {"|>", 2, false}};

    (void)state;
    expect_parts(before, 2, (int32_t[]){4, 5, 6, 5, 7}, 5);
    expect_parts(after, 2, (int32_t[]){4, 5, 6, 5, 7}, 5);
}

static void plain_text_merges_across_parts(void **state)
{
    static const struct infer_part part[] = {
        {"<|x|>h", 6, true}, {"", 0, false}, {"i", 1, false}};

    (void)state;
    expect_parts(part, 3, (int32_t[]){0, 3}, 2);
    expect_parts(part, 0, NULL, 0);
}

static void parts_are_made_valid_each_for_itself(void **state)
{
    static const struct infer_part part[] = {
        {"h\xff", 2, false}, {"<|x|>", 5, true}, {"\xffi", 2, false}};

    (void)state;
    expect_parts(part, 3, (int32_t[]){1, 0, 2}, 3); /* U+FFFD has no tokens here */
}

/* ---- texts that go on ------------------------------------------------------------ */

#define LOW "\xe2\x96\x81" /* U+2581, the space */

/* A space stands before every text, and before "a" it is one token with it. */
static const struct vocab_token piece_tokens[] = {
    {"<unk>", TOKEN_UNKNOWN, 0}, {"<s>", TOKEN_CONTROL, 0},
    {"</s>", TOKEN_CONTROL, 0},  {"[X]", TOKEN_CONTROL, 0},
    {LOW, TOKEN_NORMAL, -9},     {"a", TOKEN_NORMAL, -9},
    {"b", TOKEN_NORMAL, -9},     {LOW "a", TOKEN_NORMAL, -1},
    {"ab", TOKEN_NORMAL, -2},
};

static const struct vocab pieces = {.model = "llama",
                                    .token = piece_tokens,
                                    .tokens =
                                        sizeof piece_tokens / sizeof *piece_tokens,
                                    .number = {{"tokenizer.ggml.bos_token_id", 1},
                                               {"tokenizer.ggml.eos_token_id", 2},
                                               {"tokenizer.ggml.unknown_token_id", 0}}};

static void a_text_that_goes_on_gets_no_space_in_front(void **state)
{
    const unsigned on = INFER_CONTINUES;
    struct vocab unigram = pieces;
    struct tokenizer *t = vocab_open(&pieces, NULL);

    (void)state;
    vocab_expect(t, &pieces, "a", 0, LOW "a");
    vocab_expect(t, &pieces, "a", on, "a");
    vocab_expect(t, &pieces, " a", on, LOW "a");
    vocab_expect(t, &pieces, "ab a", on, "ab|" LOW "a");
    vocab_expect(t, &pieces, "", on, "");
    vocab_expect(t, &pieces, "a", on | INFER_ADD_SPECIAL, "<s>|a");
    tokenizer_close(t);
    unigram.model = "t5";
    t = vocab_open(&unigram, NULL);
    vocab_expect(t, &unigram, "a", 0, LOW "a");
    vocab_expect(t, &unigram, "a", on, "a");
    tokenizer_close(t);
}

/* What comes behind a special token begins a text, whatever came before that. */
static void a_text_behind_markup_gets_its_space_all_the_same(void **state)
{
    const unsigned on = INFER_CONTINUES | INFER_PARSE_SPECIAL;
    struct tokenizer *t = vocab_open(&pieces, NULL);

    (void)state;
    vocab_expect(t, &pieces, "[X]a", on, "[X]|" LOW "a");
    vocab_expect(t, &pieces, "b[X]a", on, "b|[X]|" LOW "a");
    tokenizer_close(t);
}

static void parts_that_go_on_get_no_space_in_front(void **state)
{
    static const struct infer_part part[] = {
        {"a", 1, false}, {"b", 1, true}, {"[X]", 3, true}, {"a", 1, false}};
    static const int32_t fresh[] = {7, 6, 3, 7}, on[] = {8, 3, 7};
    struct tokenizer *t = vocab_open(&pieces, NULL);
    struct infer_tokens got = {0};

    (void)state;
    assert_int_equal(tokenizer_encode_parts(t, part, 4, 0, &got, NULL), 0);
    assert_int_equal(got.count, 4);
    assert_memory_equal(got.id, fresh, sizeof fresh);
    assert_int_equal(tokenizer_encode_parts(t, part, 4, INFER_CONTINUES, &got, NULL),
                     0);
    assert_int_equal(got.count, 3);
    assert_memory_equal(got.id, on, sizeof on);
    infer_tokens_free(&got);
    tokenizer_close(t);
}

/* A prompt in two pieces is the prompt in one, where a plain token ends between them;
 * behind a special one the second piece begins a text and must not go on. */
static void two_pieces_are_the_whole(void **state)
{
    static const char *const piece[][2] = {
        {"ab", " a b"}, {"", "ab a"}, {"ab a", ""}, {"b a", "[X]b"}};
    struct tokenizer *t = vocab_open(&pieces, NULL);
    struct infer_tokens whole = {0}, front = {0}, tail = {0};

    (void)state;
    for (size_t i = 0; i < sizeof piece / sizeof *piece; i++) {
        const char *a = piece[i][0], *b = piece[i][1];
        const struct infer_part both[] = {{a, strlen(a), true}, {b, strlen(b), true}};
        unsigned on = *a != '\0' ? INFER_CONTINUES : 0;

        assert_int_equal(
            tokenizer_encode_parts(t, both, 2, INFER_ADD_SPECIAL, &whole, NULL), 0);
        assert_int_equal(
            tokenizer_encode_parts(t, both, 1, INFER_ADD_SPECIAL, &front, NULL), 0);
        assert_int_equal(tokenizer_encode_parts(t, both + 1, 1, on, &tail, NULL), 0);
        assert_int_equal(whole.count, front.count + tail.count);
        if (front.count > 0)
            assert_memory_equal(whole.id, front.id, front.count * sizeof *front.id);
        if (tail.count > 0)
            assert_memory_equal(whole.id + front.count, tail.id,
                                tail.count * sizeof *tail.id);
    }
    infer_tokens_free(&whole);
    infer_tokens_free(&front);
    infer_tokens_free(&tail);
    tokenizer_close(t);
}

/* Families without a space in front do not change. */
static void going_on_changes_nothing_elsewhere(void **state)
{
    struct tokenizer *t = vocab_open(&chat, NULL);
    int32_t hello = id_of(TINY_WORD "hello");

    vocab_expect(t, &chat, "hi<|x|>", INFER_CONTINUES, "hi|<|||x|||>");
    vocab_expect(t, &chat, "<|x|>hi", INFER_CONTINUES | INFER_PARSE_SPECIAL,
                 "<|x|>|hi");
    tokenizer_close(t);
    expect(*state, "hello", INFER_CONTINUES, (int32_t[]){hello, -1});
    expect(*state, "hello", INFER_CONTINUES | INFER_ADD_SPECIAL,
           (int32_t[]){CLS, hello, SEP, -1});
}

struct sharer {
    const struct tokenizer *tokenizer;
    pthread_t thread;
    size_t wrong;
};

static void *share(void *context)
{
    static const char text[] = "hi<|x|>h i hihi\xc3";
    struct sharer *s = context;
    struct infer_tokens ids = {0};

    for (int i = 0; i < 2000; i++) {
        int status =
            tokenizer_encode(s->tokenizer, text, sizeof text - 1, 0, &ids, NULL);

        s->wrong += status != 0 || ids.count != 10 || ids.id[0] != 3 || ids.id[9] != 3;
    }
    infer_tokens_free(&ids);
    return NULL;
}

static void threads_share_a_tokenizer(void **state)
{
    struct tokenizer *t = vocab_open(&chat, NULL);
    struct sharer sharer[4];

    (void)state;
    for (int i = 0; i < 4; i++) {
        sharer[i] = (struct sharer){.tokenizer = t};
        assert_int_equal(pthread_create(&sharer[i].thread, NULL, share, &sharer[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(sharer[i].thread, NULL);
        assert_int_equal(sharer[i].wrong, 0);
    }
    tokenizer_close(t);
}

enum { ANY_TOKENS = 24, ANY_MERGES = 12, ANY_ROUNDS = 20000 };

struct any { /* a vocabulary drawn at random, often damaged */
    uint64_t seed;
    char text[ANY_TOKENS][12], line[ANY_MERGES][12];
    struct vocab_token token[ANY_TOKENS];
    const char *merge[ANY_MERGES + 1];
    struct vocab vocab;
};

static unsigned draw(struct any *any, unsigned below)
{
    any->seed = any->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (unsigned)(any->seed >> 33) % below;
}

static void draw_text(struct any *any, char *out, size_t parts)
{
    static const char *const part[] = {"a", "b",        "c",       " ",    "<",
                                       "|", "\xc4\xa0", TINY_WORD, "\xff", "\xc3"};

    out[0] = '\0';
    for (size_t n = draw(any, (unsigned)parts + 1); n > 0; n--)
        strcat(out, part[draw(any, draw(any, 9) == 0 ? 10 : 3)]);
}

static void draw_token(struct any *any, int i)
{
    struct vocab_token *token = &any->token[i];

    draw_text(any, any->text[i], 3);
    token->text = any->text[i];
    token->type = draw(any, 300) == 0 ? (int32_t)draw(any, 9) - 1
                  : draw(any, 5) == 0 ? 1 + (int32_t)draw(any, 5)
                                      : TOKEN_NORMAL;
    token->score = (float)draw(any, 7) - 5;
    if (draw(any, 12) == 0) {
        snprintf(any->text[i], sizeof any->text[i], "<0x%02X>", draw(any, 256));
        token->type = TOKEN_BYTE;
    }
    if (i < 3) { /* letters, so that some merges name tokens */
        snprintf(any->text[i], sizeof any->text[i], "%c", 'a' + i);
        token->type = TOKEN_NORMAL;
    }
}

static void draw_vocab(struct any *any)
{
    static const char *const model[] = {"gpt2", "llama", "t5", "bert"};
    size_t merges = draw(any, 3);

    for (int i = 0; i < ANY_TOKENS; i++)
        draw_token(any, i);
    for (size_t i = 0; i < merges; i++) {
        int left = (int)draw(any, 3), right = (int)draw(any, 3);

        snprintf(any->line[i], sizeof any->line[i], "%c %c", 'a' + left, 'a' + right);
        snprintf(any->text[3 + i], sizeof any->text[3 + i], "%c%c", 'a' + left,
                 'a' + right);
        any->token[3 + i].type = TOKEN_NORMAL;
        any->merge[i] = any->line[i];
    }
    any->merge[merges] = NULL;
    any->vocab = (struct vocab){
        .model = model[draw(any, 4)],
        .token = any->token,
        .tokens = 4 + draw(any, ANY_TOKENS - 4),
        .merge = any->merge,
        .number = {{"tokenizer.ggml.bos_token_id", draw(any, 9)},
                   {"tokenizer.ggml.eos_token_id", draw(any, 9)},
                   {"tokenizer.ggml.unknown_token_id", draw(any, 9)}},
        .flag = {{"tokenizer.ggml.add_space_prefix", draw(any, 2) == 0},
                 {"tokenizer.ggml.remove_extra_whitespaces", draw(any, 2) == 0}}};
}

/* Ids lie in the vocabulary, and the same text has the same ones. */
static void check_any(struct any *any, const struct tokenizer *t)
{
    struct infer_tokens ids = {0}, again = {0};
    struct infer_text back = {0};
    char text[64];

    for (unsigned flags = 0; flags < 4; flags++) {
        draw_text(any, text, 15);
        assert_int_equal(tokenizer_encode(t, text, strlen(text), flags, &ids, NULL), 0);
        assert_int_equal(tokenizer_encode(t, text, strlen(text), flags, &again, NULL),
                         0);
        assert_int_equal(ids.count, again.count);
        for (size_t i = 0; i < ids.count; i++) {
            assert_int_equal(ids.id[i], again.id[i]);
            assert_in_range(ids.id[i], 0, t->count - 1);
        }
        assert_int_equal(tokenizer_decode(t, ids.id, ids.count, flags, &back, NULL), 0);
    }
    infer_tokens_free(&ids);
    infer_tokens_free(&again);
    infer_text_free(&back);
}

static void any_vocabulary_is_refused_in_words_or_works(void **state)
{
    struct any *any = calloc(1, sizeof *any);
    size_t opened = 0;

    (void)state;
    any->seed = 20;
    for (int round = 0; round < ANY_ROUNDS; round++) {
        struct infer_error err = {0};
        struct tokenizer *t;

        draw_vocab(any);
        t = vocab_open(&any->vocab, &err);
        if (t == NULL) {
            assert_int_equal(err.status, INFER_EFORMAT);
            assert_true(strlen(err.text) > 10);
            continue;
        }
        check_any(any, t);
        tokenizer_close(t);
        opened++;
    }
    assert_true(opened > ANY_ROUNDS / 100 && opened < ANY_ROUNDS);
    free(any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(special_tokens_stand_around_the_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(special_tokens_in_a_text_are_plain_text, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(special_tokens_in_a_text_count_when_asked_for,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(flags_that_do_not_exist_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_cut_keeps_the_closing_token, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(ids_are_replaced_and_grow, set_up, tear_down),
        cmocka_unit_test(a_special_token_is_found_by_name),
        cmocka_unit_test(a_tokenizer_of_another_kind_is_named),
        cmocka_unit_test(a_document_between_markup_cannot_add_to_it),
        cmocka_unit_test(markup_does_not_begin_in_a_document),
        cmocka_unit_test(plain_text_merges_across_parts),
        cmocka_unit_test(parts_are_made_valid_each_for_itself),
        cmocka_unit_test(a_text_that_goes_on_gets_no_space_in_front),
        cmocka_unit_test(a_text_behind_markup_gets_its_space_all_the_same),
        cmocka_unit_test(parts_that_go_on_get_no_space_in_front),
        cmocka_unit_test(two_pieces_are_the_whole),
        cmocka_unit_test_setup_teardown(going_on_changes_nothing_elsewhere, set_up,
                                        tear_down),
        cmocka_unit_test(threads_share_a_tokenizer),
        cmocka_unit_test(any_vocabulary_is_refused_in_words_or_works),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
