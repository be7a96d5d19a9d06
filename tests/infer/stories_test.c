/* The smallest real language model, stories260K, tells the story that its makers
 * documented: their file from reading to the last letter. */
#include "tests/infer/decoder_run.h"

#define MODEL "../shared/corpus/models/stories260K-f32.gguf"

static const char story[] =
    "Once upon a time, there was a little girl named Lily. She loved to play outside "
    "in the park. One day, she saw a big, red ball. She wanted to play with it, but it "
    "was too high.\n"
    "Lily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn't know "
    "what to do. She said, \"I want to play with your ball, but I can't find it.\"\n"
    "Lily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't "
    "know what to do.\"\n"
    "Lily didn't want to help her mom, so she said, \"I'm sorry, mom. I didn't know "
    "what to do.\" Her mom said, \"Don't worry, Lily. We can help you.";

/* To be released by the caller. */
static void tell(const struct infer_model *model, const struct infer_options *o,
                 struct infer_text *out)
{
    const struct infer_sampling sampling = {.tokens = 256, .top_p = 1};
    struct infer_session *session = run_open(model, o);
    struct infer_tokens prompt = {0}, text = {0};
    struct infer_error err = {0};

    assert_int_equal(infer_tokenize(model, "", 0, INFER_ADD_SPECIAL, &prompt, NULL), 0);
    assert_int_equal(prompt.count, 1);
    assert_int_equal(prompt.id[0], infer_token_bos(model));
    struct infer_sequence one = {prompt.id, prompt.count};
    if (infer_generate(session, &one, 1, &sampling, &text, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(infer_detokenize(model, text.id, text.count, 0, out, NULL), 0);
    infer_tokens_free(&prompt);
    infer_tokens_free(&text);
    infer_session_close(session);
}

static void the_documented_story_is_told_in_every_cache(void **state)
{
    struct infer_model *model = NULL;
    struct infer_error err = {0};

    (void)state;
    if (access(MODEL, R_OK) != 0) {
        fprintf(stderr, "skipped: %s is not there\n", MODEL);
        skip();
    }
    if (infer_model_open(&model, MODEL, &err) != 0)
        fail_msg("%s", err.text);
    for (int kv = INFER_KV_F16; kv <= INFER_KV_F32; kv++) {
        struct infer_options o = infer_options_default();
        struct infer_text text = {0};
        o.kv = (enum infer_kv)kv;
        tell(model, &o, &text);
        assert_true(text.bytes >= sizeof story - 1);
        text.text[sizeof story - 1] = '\0';
        assert_string_equal(text.text, story);
        infer_text_free(&text);
    }
    infer_model_close(model);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_story_is_told_in_every_cache),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
