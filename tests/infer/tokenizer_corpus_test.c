/* Real vocabularies on real text: the reference's ids, and every language back. */
#include "tests/infer/vocab.h"

#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#define CORPUS  "../shared/corpus/"
#define VOCABS  CORPUS "tokenizer/vocab/*.gguf"
#define PROMPTS CORPUS "smollm2/prompts.jsonl"
#define SMOLLM2 "models/smollm2-135m-instruct.q4_1.gguf"
#define STORIES CORPUS "models/stories260K-f32.gguf"

static char *read_file(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    char *text;

    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    *bytes = (size_t)ftell(file);
    rewind(file);
    text = malloc(*bytes + 1);
    assert_int_equal(fread(text, 1, *bytes, file), *bytes);
    text[*bytes] = '\0';
    fclose(file);
    return text;
}

static struct tokenizer *open_tokenizer(const char *path)
{
    struct infer_error err = {0};
    struct tokenizer *t = NULL;
    struct gguf *file;

    if (gguf_open(&file, path, &err) != 0 || tokenizer_open(&t, file, &err) != 0)
        fail_msg("%s: %s", path, err.text);
    gguf_close(file);
    return t;
}

static void find(glob_t *found, const char *pattern)
{
    if (glob(pattern, 0, NULL, found) == 0)
        return;
    fprintf(stderr, "%s is absent\n", pattern);
    skip();
}

/* Texts stand apart by a line, the ids of each on one line. */
static size_t check_pair(const struct tokenizer *t, const char *name, const char *texts,
                         const char *out)
{
    static const char divider[] = "\n__ggml_vocab_test__\n";
    struct infer_tokens ids = {0};
    const char *text = texts, *end;
    size_t cases = 0;

    for (; (end = strstr(text, divider)) != NULL; text = end + strlen(divider)) {
        char *next = (char *)out;

        assert_int_equal(tokenizer_encode(t, text, (size_t)(end - text), 0, &ids, NULL),
                         0);
        for (size_t i = 0; i < ids.count; i++) {
            long id = strtol(out, &next, 10);

            if (id != ids.id[i])
                fail_msg("%s, text %zu, id %zu: %d, not %ld", name, cases, i, ids.id[i],
                         id);
            out = next;
        }
        assert_int_equal(*out, '\n');
        out++;
        cases++;
    }
    infer_tokens_free(&ids);
    return cases;
}

static void every_pair_whose_vocabulary_is_there_gives_its_ids(void **state)
{
    glob_t found;
    size_t pairs = 0;

    (void)state;
    find(&found, VOCABS);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char path[512];
        size_t bytes;
        char *texts, *out;
        struct tokenizer *t = open_tokenizer(found.gl_pathv[i]);

        snprintf(path, sizeof path, "%s.inp", found.gl_pathv[i]);
        texts = read_file(path, &bytes);
        snprintf(path, sizeof path, "%s.out", found.gl_pathv[i]);
        out = read_file(path, &bytes);
        if (texts != NULL && out != NULL) {
            assert_int_equal(check_pair(t, found.gl_pathv[i], texts, out), 46);
            pairs++;
        }
        free(texts);
        free(out);
        tokenizer_close(t);
    }
    assert_true(pairs >= 10);
    globfree(&found);
}

static void check_prompt(const struct tokenizer *t, json_t *prompt)
{
    json_t *text = json_object_get(prompt, "text"),
           *wanted = json_object_get(prompt, "tokens");
    bool parse = json_is_true(json_object_get(prompt, "parse_special"));
    struct infer_tokens ids = {0};

    assert_int_equal(tokenizer_encode(t, json_string_value(text),
                                      json_string_length(text),
                                      parse ? INFER_PARSE_SPECIAL : 0, &ids, NULL),
                     0);
    assert_int_equal(ids.count, json_array_size(wanted));
    for (size_t i = 0; i < ids.count; i++)
        assert_int_equal(ids.id[i], json_integer_value(json_array_get(wanted, i)));
    infer_tokens_free(&ids);
}

static void the_prompts_of_smollm2_give_their_ids(void **state)
{
    FILE *file = fopen(PROMPTS, "r");
    struct tokenizer *t;
    json_t *prompt;
    size_t prompts = 0;

    (void)state;
    if (file == NULL || access(SMOLLM2, R_OK) != 0) {
        fprintf(stderr, "%s is absent\n", file == NULL ? PROMPTS : SMOLLM2);
        if (file != NULL)
            fclose(file);
        skip();
    }
    t = open_tokenizer(SMOLLM2);
    while ((prompt = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        check_prompt(t, prompt);
        json_decref(prompt);
        prompts++;
    }
    assert_int_equal(prompts, 30);
    assert_true(tokenizer_is_end(t, 2));
    fclose(file);
    tokenizer_close(t);
}

/* Every language with two of the vocabularies, in turn; WordPiece forgets too much. */
static void the_universal_declaration_comes_back_in_every_language(void **state)
{
    struct tokenizer *t[64];
    glob_t vocabs, texts;
    size_t count = 0;

    (void)state;
    find(&texts, CORPUS "text/speeches/udhr2/*.txt");
    find(&vocabs, VOCABS);
    for (size_t i = 0; i < vocabs.gl_pathc && count < 63; i++)
        if (strstr(vocabs.gl_pathv[i], "bert") == NULL)
            t[count++] = open_tokenizer(vocabs.gl_pathv[i]);
    t[count++] = open_tokenizer(STORIES);
    for (size_t i = 0; i < texts.gl_pathc; i++) {
        size_t bytes;
        char *text = read_file(texts.gl_pathv[i], &bytes);

        vocab_round_trip(t[i % count], text, bytes);
        vocab_round_trip(t[(i + 5) % count], text, bytes);
        free(text);
    }
    assert_true(texts.gl_pathc > 300 && count > 10);
    while (count > 0)
        tokenizer_close(t[--count]);
    globfree(&texts);
    globfree(&vocabs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_whose_vocabulary_is_there_gives_its_ids),
        cmocka_unit_test(the_prompts_of_smollm2_give_their_ids),
        cmocka_unit_test(the_universal_declaration_comes_back_in_every_language),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
