/* A checkpoint of each family becomes the model that the same weights make when they
 * are written as GGUF directly. */
#include "tests/infer/decoder_folder.h"
#include "tests/infer/decoder_run.h"

#include "infer/quant/format.h"

#include <math.h>

/* The families of decoder_run.h by their names in config.json. */
static const char *const model_types[] = {
    "llama",     "mistral", "mixtral",     "qwen2", "qwen3",
    "qwen3_moe", "gemma2",  "gemma3_text", "phi3",  "deepseek_v2"};

static const struct folder_change nothing;

static void compare(const struct infer_model *a, const struct infer_model *b,
                    const char *what)
{
    static float x[RUN_SEQUENCES][TINY_VOCABULARY], y[RUN_SEQUENCES][TINY_VOCABULARY];
    const struct infer_options o = run_options();
    struct infer_session *s = run_open(a, &o), *t = run_open(b, &o);
    struct run_prompts prompts;
    uint64_t state = 9;

    run_draw_prompts(&prompts, &state, 2, 60);
    run_logits(s, prompts.sequence, RUN_SEQUENCES, x[0]);
    run_logits(t, prompts.sequence, RUN_SEQUENCES, y[0]);
    if (memcmp(x, y, sizeof x) != 0)
        fail_msg("%s: other logits", what);
    infer_session_close(s);
    infer_session_close(t);
}

static void every_family_comes_through_bit_for_bit(void **state)
{
    (void)state;
    assert_int_equal(COUNT(model_types), COUNT(run_families));
    for (size_t i = 0; i < COUNT(run_families); i++) {
        struct infer_model *direct = tiny_model(&run_families[i]);
        struct infer_model *imported =
            folder_import(&run_families[i], model_types[i], &nothing, "F32");

        assert_string_equal(imported->architecture, run_families[i].architecture);
        compare(direct, imported, model_types[i]);
        infer_model_close(imported);
        infer_model_close(direct);
    }
}

static void a_checkpoint_in_several_files_is_one(void **state)
{
    const struct folder_change several = {.several = true};
    struct infer_model *direct = tiny_model(&run_families[2]);
    struct infer_model *imported =
        folder_import(&run_families[2], "mixtral", &several, "F32");

    (void)state;
    compare(direct, imported, "several files");
    infer_model_close(imported);
    infer_model_close(direct);
}

static void what_sees_pictures_is_left_out(void **state)
{
    const struct folder_change pictures = {
        .prefix = "language_model.model.",
        .from = "{\"model_type\":\"gemma3\"",
        .into = "{\"model_type\":\"gemma3\",\"text_config\":{\"rope_theta\":1e4",
        .more = "}"};
    struct infer_model *direct = tiny_model(&run_families[7]);
    struct infer_model *imported =
        folder_import(&run_families[7], "gemma3", &pictures, "F32");

    (void)state;
    compare(direct, imported, "gemma3 with pictures");
    infer_model_close(imported);
    infer_model_close(direct);
}

static void what_gemma_3_leaves_out_is_granted(void **state)
{
    (void)state;
    folder_refused(&run_families[7], "gemma3",
                   &(struct folder_change){.more = ",\"text_config\":{}"},
                   INFER_EFORMAT, "config.json asks for 262208 x 2304");
}

/* An output of its own where the embedding is tied is the embedding all the same. */
static void a_tied_output_is_not_written(void **state)
{
    struct tiny_decoder d = run_families[1];
    const struct folder_change tied = {.from = "\"tie_word_embeddings\":false",
                                       .into = "\"tie_word_embeddings\":true"};
    struct infer_model *model;

    (void)state;
    model = folder_import(&d, "mistral", &tied, "F32");
    assert_null(gguf_tensor_find(model->file, "output.weight"));
    infer_model_close(model);
    model = folder_import(&d, "mistral", &nothing, "F32");
    assert_non_null(gguf_tensor_find(model->file, "output.weight"));
    infer_model_close(model);
}

static void only_matrices_take_the_type_asked_for(void **state)
{
    static const struct {
        const char *word;
        enum gguf_type type;
    } types[] = {
        {"F32", GGUF_F32}, {"F16", GGUF_F16}, {"BF16", GGUF_BF16}, {"Q8_0", GGUF_Q8_0}};

    (void)state;
    for (size_t i = 0; i < COUNT(types); i++) {
        struct infer_model *model =
            folder_import(&run_families[2], "mixtral", &nothing, types[i].word);
        const struct gguf *file = model->file;

        for (size_t k = 0; k < gguf_tensor_count(file); k++) {
            const struct gguf_tensor *t = gguf_tensor_at(file, k);
            const bool plain = t->dims == 1 || strstr(t->name, "gate_inp") != NULL;
            assert_int_equal(t->type, plain ? GGUF_F32 : types[i].type);
        }
        infer_model_close(model);
    }
}

static float float_of_top(uint16_t top)
{
    const uint32_t bits = (uint32_t)top << 16;
    float value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static float float_of_half(uint16_t half)
{
    return format_half(&half);
}

/* Neither neighbour is nearer, and at the same distance stored is the even one. */
static void expect_nearest(float value, uint16_t stored, float (*read)(uint16_t))
{
    const float off = fabsf(read(stored) - value);

    for (int step = -1; step <= 1; step += 2) {
        const uint16_t neighbour = (uint16_t)(stored + step);
        const float other = fabsf(read(neighbour) - value);
        if ((stored & 0x7fff) != 0 &&
            (off > other || (off == other && stored % 2 != 0)))
            fail_msg("%a is stored as %a", (double)value, (double)read(stored));
    }
}

static void floats_round_to_the_nearest(void **state)
{
    struct infer_model *wide = tiny_model(&run_families[0]);
    struct infer_model *half =
        folder_import(&run_families[0], "llama", &nothing, "F16");
    struct infer_model *top =
        folder_import(&run_families[0], "llama", &nothing, "BF16");
    const float *value = wide->token_embd->data;

    (void)state;
    for (size_t i = 0; i < TINY_WIDTH * TINY_VOCABULARY; i++) {
        expect_nearest(value[i], ((const uint16_t *)half->token_embd->data)[i],
                       float_of_half);
        expect_nearest(value[i], ((const uint16_t *)top->token_embd->data)[i],
                       float_of_top);
    }
    infer_model_close(top);
    infer_model_close(half);
    infer_model_close(wide);
}

static char *contents(const char *path, size_t *bytes)
{
    FILE *file = fopen(path, "rb");
    char *text = malloc(32 << 20);

    assert_non_null(file);
    *bytes = fread(text, 1, 32 << 20, file);
    fclose(file);
    return text;
}

static void the_same_folder_gives_the_same_bytes(void **state)
{
    struct decoder_folder a, b;
    char *x, *y;
    size_t x_bytes, y_bytes;

    (void)state;
    folder_make(&a, &run_families[5], "qwen3_moe", &nothing);
    folder_make(&b, &run_families[5], "qwen3_moe", &nothing);
    assert_int_equal(infer_import(a.path, a.out, "Q8_0", NULL), 0);
    assert_int_equal(infer_import(b.path, b.out, "Q8_0", NULL), 0);
    x = contents(a.out, &x_bytes);
    y = contents(b.out, &y_bytes);
    assert_int_equal(x_bytes, y_bytes);
    assert_memory_equal(x, y, x_bytes);
    free(x);
    free(y);
    folder_remove(&a);
    folder_remove(&b);
}

static void tensors_must_be_those_of_the_family(void **state)
{
    const struct tiny_decoder *d = &run_families[0];

    (void)state;
    folder_refused(
        d, "llama",
        &(struct folder_change){.renamed = "model.layers.1.self_attn.k_proj.weight"},
        INFER_EFORMAT, "model.layers.1.self_attn.k_proj.weight is missing");
    folder_refused(d, "llama", &(struct folder_change){.left_out = "model.norm.weight"},
                   INFER_EFORMAT, "model.norm.weight is missing");
    folder_refused(d, "qwen2", &nothing, INFER_EFORMAT, "attn_q.bias is missing");
    folder_refused(&run_families[3], "qwen3", &nothing, INFER_EFORMAT,
                   "q_norm.weight is missing");
    folder_refused(&run_families[4], "llama", &nothing, INFER_EUNSUPPORTED,
                   "k_norm.weight has no place");
    folder_refused(d, "llama",
                   &(struct folder_change){.from = "\"intermediate_size\":512",
                                           .into = "\"intermediate_size\":500"},
                   INFER_EFORMAT, "config.json asks for 500 x 256");
    folder_refused(d, "llama",
                   &(struct folder_change){.from = "\"tie_word_embeddings\":true",
                                           .into = "\"tie_word_embeddings\":false"},
                   INFER_EFORMAT, "lm_head.weight is missing");
    folder_refused(d, "llama",
                   &(struct folder_change){.from = "\"num_hidden_layers\":2",
                                           .into = "\"num_hidden_layers\":1000000"},
                   INFER_EFORMAT, "too few for 1000000 layers");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_family_comes_through_bit_for_bit),
        cmocka_unit_test(a_checkpoint_in_several_files_is_one),
        cmocka_unit_test(what_sees_pictures_is_left_out),
        cmocka_unit_test(what_gemma_3_leaves_out_is_granted),
        cmocka_unit_test(a_tied_output_is_not_written),
        cmocka_unit_test(only_matrices_take_the_type_asked_for),
        cmocka_unit_test(floats_round_to_the_nearest),
        cmocka_unit_test(the_same_folder_gives_the_same_bytes),
        cmocka_unit_test(tensors_must_be_those_of_the_family),
    };

    (void)argc;
    run_patiently(argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
