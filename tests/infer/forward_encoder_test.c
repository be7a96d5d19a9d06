/* The BERT forward pass against the paper, written out in doubles. */
#include "infer/forward_encoder.h"

#include "tests/infer/bert.h"
#include "tests/infer/kernel.h"

enum { TOKENS = 37 };

static const struct bert_shape shapes[] = {
    {2, 64, 2, 128, 60, 50, GGUF_F32, MODEL_POOL_MEAN},
    {1, 64, 4, 96, 60, 50, GGUF_Q8_0, MODEL_POOL_MEAN},
    {2, 64, 2, 128, 60, 50, GGUF_F16, MODEL_POOL_CLS},
    {1, 64, 2, 64, 60, 50, GGUF_BF16, MODEL_POOL_MEAN},
    {2, 40, 4, 72, 60, 50, GGUF_F32, MODEL_POOL_CLS}, /* nothing fills a panel */
};

/* ---- the definition ------------------------------------------------------------ */

static void linear(double *out, const double *x, const struct gguf_tensor *weight,
                   const struct gguf_tensor *bias, size_t tokens)
{
    const size_t n = weight->rows, depth = weight->dim[0];
    double *w = bert_values(weight), *b = bert_values(bias);

    for (size_t i = 0; i < tokens; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = b[j];
            for (size_t k = 0; k < depth; k++)
                sum += w[j * depth + k] * x[i * depth + k];
            out[i * n + j] = sum;
        }
    free(w);
    free(b);
}

static void norm(double *x, const struct gguf_tensor *weight,
                 const struct gguf_tensor *bias, size_t tokens)
{
    const size_t n = weight->dim[0];
    double *w = bert_values(weight), *b = bert_values(bias);

    for (size_t i = 0; i < tokens; i++, x += n) {
        double mean = 0, variance = 0;
        for (size_t j = 0; j < n; j++)
            mean += x[j] / (double)n;
        for (size_t j = 0; j < n; j++)
            variance += (x[j] - mean) * (x[j] - mean) / (double)n;
        for (size_t j = 0; j < n; j++)
            x[j] = (x[j] - mean) / sqrt(variance + 1e-12) * w[j] + b[j];
    }
    free(w);
    free(b);
}

static void attend(double *out, const double *q, const double *k, const double *v,
                   size_t tokens, size_t width, size_t head_size)
{
    memset(out, 0, tokens * width * sizeof *out);
    for (size_t i = 0; i < tokens; i++)
        for (size_t h = 0; h < width; h += head_size) {
            double p[TOKENS], total = 0;
            for (size_t key = 0; key < tokens; key++) {
                double sum = 0;
                for (size_t d = h; d < h + head_size; d++)
                    sum += q[i * width + d] * k[key * width + d];
                p[key] = exp(sum / sqrt((double)head_size));
                total += p[key];
            }
            for (size_t key = 0; key < tokens; key++)
                for (size_t d = h; d < h + head_size; d++)
                    out[i * width + d] += p[key] / total * v[key * width + d];
        }
}

static void add_to(double *x, const double *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void layer(double *x, const struct infer_model *m, const struct bert_layer *l,
                  size_t tokens)
{
    const size_t width = m->width, n = tokens * width;
    double *buffer = calloc(tokens * (5 * width + m->ffn), sizeof *buffer);
    double *q = buffer, *k = q + n, *v = k + n, *a = v + n, *o = a + n, *inner = o + n;

    assert_non_null(buffer);
    linear(q, x, l->q, l->q_bias, tokens);
    linear(k, x, l->k, l->k_bias, tokens);
    linear(v, x, l->v, l->v_bias, tokens);
    attend(a, q, k, v, tokens, width, width / m->heads);
    linear(o, a, l->o, l->o_bias, tokens);
    add_to(x, o, n);
    norm(x, l->attn_norm, l->attn_norm_bias, tokens);
    linear(inner, x, l->up, l->up_bias, tokens);
    for (size_t i = 0; i < tokens * m->ffn; i++)
        inner[i] = 0.5 * inner[i] * (1 + erf(inner[i] / sqrt(2.0)));
    linear(o, inner, l->down, l->down_bias, tokens);
    add_to(x, o, n);
    norm(x, l->out_norm, l->out_norm_bias, tokens);
    free(buffer);
}

static void defined(double *out, const struct infer_model *m, const int32_t *id,
                    size_t tokens)
{
    const size_t width = m->width;
    double *token = bert_values(m->token_embd),
           *position = bert_values(m->position_embd);
    double *type = bert_values(m->token_types), squares = 0;
    double *x = calloc(tokens * width, sizeof *x);

    assert_non_null(x);
    for (size_t i = 0; i < tokens * width; i++)
        x[i] = token[(size_t)id[i / width] * width + i % width] + position[i] +
               type[i % width];
    norm(x, m->embd_norm, m->embd_norm_bias, tokens);
    for (size_t i = 0; i < m->layers; i++)
        layer(x, m, m->layer + i, tokens);
    for (size_t i = 1; i < tokens && m->pooling == MODEL_POOL_MEAN; i++)
        add_to(x, x + i * width, width);
    for (size_t j = 0; j < width; j++)
        squares += x[j] * x[j];
    for (size_t j = 0; j < width; j++)
        out[j] = x[j] / sqrt(squares);
    free(token);
    free(position);
    free(type);
    free(x);
}

/* ---- tests ------------------------------------------------------------------------
 */

static struct infer_session *open_session(const struct infer_model *m,
                                          enum infer_isa isa, int bits,
                                          enum infer_float_backend backend)
{
    struct infer_options options = infer_options_default();
    struct infer_session *session;
    struct infer_error err = {0};

    options.isa = isa;
    options.activations_bits = bits;
    options.float_backend = backend;
    if (infer_session_open(&session, m, &options, &err) != 0)
        fail_msg("%s", err.text);
    return session;
}

static double distance(const struct bert_shape *shape, int bits,
                       enum infer_float_backend backend)
{
    struct bert_fixture b;
    int32_t id[TOKENS];
    float out[64];
    double expected[64], most = 0;

    bert_build(&b, shape);
    bert_ids(id, TOKENS, shape->vocabulary, 3);
    struct infer_session *s = open_session(&b.model, INFER_ISA_SCALAR, bits, backend);
    const struct infer_sequence one = {id, TOKENS};
    assert_int_equal(encoder_forward(s, s->workspace, &one, 1, out), 1);
    defined(expected, &b.model, id, TOKENS);
    for (size_t i = 0; i < shape->width; i++)
        most = fmax(most, fabs((double)out[i] - expected[i]));
    infer_session_close(s);
    bert_free(&b);
    return most;
}

static void embeddings_are_those_of_the_paper(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        double most = shapes[i].type == GGUF_Q8_0 ? 1e-4 : 1e-6;
        assert_true(distance(&shapes[i], 16, INFER_FLOAT_EXACT) < most);
    }
}

static void openblas_gives_nearly_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (shapes[i].type != GGUF_Q8_0)
            assert_true(distance(&shapes[i], 16, INFER_FLOAT_BLAS) < 1e-6);
}

static void eight_bits_cost_more_than_sixteen(void **state)
{
    double eight = distance(&shapes[1], 8, INFER_FLOAT_EXACT);

    (void)state;
    assert_true(eight < 0.02);
    assert_true(eight > 10 * distance(&shapes[1], 16, INFER_FLOAT_EXACT));
}

/* Digests of what the scalar code computes: a change of these is a change of every
 * stored result, and raises INFER_ARITHMETIC_VERSION. */
static const uint64_t digests[][2] = {
    /* 16 bits, 8 bits */
    {0x500338912c49af76, 0x500338912c49af76}, {0x2b5be239eae3f1c7, 0x503987177863b30b},
    {0xe391c20699bf3765, 0xe391c20699bf3765}, {0x1b86cf74f12f2c2f, 0x1b86cf74f12f2c2f},
    {0x2db3a4f7b73794dd, 0x2db3a4f7b73794dd},
};

static uint64_t digest_of(const struct bert_shape *shape, enum infer_isa isa, int bits)
{
    struct bert_fixture b;
    int32_t id[TOKENS];
    float out[3 * 64];

    bert_build(&b, shape);
    bert_ids(id, TOKENS, shape->vocabulary, 3);
    struct infer_session *s = open_session(&b.model, isa, bits, INFER_FLOAT_EXACT);
    const struct infer_sequence three[] = {{id, 1}, {id + 1, 5}, {id + 6, TOKENS - 6}};
    assert_int_equal(encoder_forward(s, s->workspace, three, 3, out), 3);
    infer_session_close(s);
    bert_free(&b);
    return bert_digest(out, 3 * shape->width * sizeof *out);
}

static void bits_are_those_written_here_on_every_cpu(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int isa = INFER_ISA_SCALAR; isa < CPU_ISA_COUNT; isa++)
            for (int bits = 0; bits < 2 && cpu_has((enum infer_isa)isa); bits++) {
                uint64_t digest =
                    digest_of(&shapes[i], (enum infer_isa)isa, bits ? 8 : 16);
                if (digest != digests[i][bits])
                    fail_msg("shape %zu, %s, %d bits: digest 0x%016llx", i,
                             cpu_isa_name((enum infer_isa)isa), bits ? 8 : 16,
                             (unsigned long long)digest);
            }
}

static void an_overflow_is_told(void **state)
{
    struct bert_fixture b;
    int32_t id[TOKENS];
    float out[2 * 64];

    (void)state;
    bert_build(&b, &shapes[0]);
    bert_ids(id, TOKENS, shapes[0].vocabulary, 3);
    id[5] = 49;
    float *row = (float *)(uintptr_t)b.model.token_embd->data + 49 * 64;
    for (size_t i = 0; i < 64; i++)
        row[i] = i % 2 ? 3e38f : -3e38f;
    for (size_t i = 0; i < 5; i++)
        id[i] %= 49;
    struct infer_session *s =
        open_session(&b.model, INFER_ISA_SCALAR, 16, INFER_FLOAT_EXACT);
    const struct infer_sequence two[] = {{id, 5}, {id + 5, 3}};
    assert_int_equal(encoder_forward(s, s->workspace, two, 2, out), 1);
    infer_session_close(s);
    bert_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embeddings_are_those_of_the_paper),
        cmocka_unit_test(openblas_gives_nearly_the_same),
        cmocka_unit_test(eight_bits_cost_more_than_sixteen),
        cmocka_unit_test(bits_are_those_written_here_on_every_cpu),
        cmocka_unit_test(an_overflow_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
