/* decoder_bench - how fast a language model is, beside llama.cpp where it is found.
 *
 *     decoder_bench [--isa I] [--activations 16|8] [--threads N] [--rounds N]
 *                   [--prompt N] [--shared N] [--steps N] [--only B]
 *                   [--python "P..."] MODEL...
 *
 * For each model and instruction set of this CPU:
 *
 *     prompt     a prompt of 512 tokens, and the logits of its last one
 *     decode B   B sequences behind a prompt of 198 tokens they share, 8 tokens each;
 *                choosing the token is counted, the prompt is not
 *
 * (--only 32 or, for the prompt, --only 0: nothing else)
 *
 * with tokens per CPU-second (all threads' time, best of some rounds) and what share
 * that is of the peak, which a loop of nothing but the widest multiply instructions
 * reaches now: only the products with matrices count as work, of a prompt without the
 * one with the vocabulary.
 *
 * --python names interpreters; those that have llama_cpp run llama-peer.py, one of
 * them for each kind of build: AVX-512 beside AVX-512, AVX2 beside AVX2. In each round
 * both take turns, so that the machine's other work falls on both. A ratio stands
 * beside the one that was aimed at. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "infer/generator.h"
#include "tests/bench/peak.h"
#include "tests/bench/peer.h"

enum { TOKENS_MOST = 4096, SEQUENCES = 32, PYTHONS = 4, WIDTHS = 2 };

static const int widths[WIDTHS] = {16, 8};

struct settings {
    struct infer_options options; /* isa BEST: all but the scalar one */
    int rounds, prompt, shared, steps, bits, only; /* only: -1 for all */
    char *python[PYTHONS];
    size_t pythons;
};

struct one { /* a thing to measure: B sequences, or a prompt where B is 0 */
    int sequences;
    double seconds[WIDTHS], peer;
};

struct subject {
    const struct settings *set;
    const char *path;
    struct infer_model *model;
    struct infer_session *session[WIDTHS]; /* NULL: not asked for */
    struct peer peer;
    struct one one[4];
    double peak[WIDTHS];
};

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void stop(const char *what)
{
    fprintf(stderr, "decoder_bench: %s\n", what);
    exit(2);
}

/* ---- ours -------------------------------------------------------------------------
 */

/* Prompts of two calls differ from the first token on: nothing can be taken over. */
static double run_prompt(struct infer_session *s, int tokens)
{
    static int32_t id[TOKENS_MOST];
    static int call;
    const int vocabulary = (int)s->model->vocabulary;
    const struct infer_sequence sequence = {id, (size_t)tokens};
    float *out = malloc((size_t)vocabulary * sizeof *out);
    double seconds;

    if (!out)
        stop("no memory");
    call++;
    for (int i = 0; i < tokens; i++)
        id[i] = (7 * i + 50 + call) % vocabulary;
    seconds = cpu_seconds();
    if (infer_logits(s, &sequence, 1, out, NULL) != 0)
        stop("the prompt failed");
    seconds = cpu_seconds() - seconds;
    free(out);
    return seconds;
}

/* The shared prompt is in the cache after a first call. Each sequence has one token
 * more, its own. */
static double run_decode(struct infer_session *s, int count, int shared, int steps)
{
    static int32_t id[SEQUENCES][TOKENS_MOST];
    const struct infer_sampling one = {
        .tokens = 1, .ignore_eos = true, .top_p = 1, .seed = 1};
    struct infer_sampling many = one;
    struct infer_tokens out[SEQUENCES] = {{0}};
    struct infer_sequence prompt[SEQUENCES];
    double seconds;

    for (int i = 0; i < count; i++) {
        for (int t = 0; t < shared; t++)
            id[i][t] = (11 * t + 3) % (int)s->model->vocabulary;
        id[i][shared] = i;
        prompt[i] = (struct infer_sequence){id[i], (size_t)shared + 1};
    }
    many.tokens = (uint32_t)steps;
    if (infer_generate(s, prompt, (size_t)count, &one, out, NULL) != 0)
        stop("the first token failed");
    for (int i = 0; i < count; i++)
        out[i].count = 0;
    seconds = cpu_seconds();
    if (infer_generate(s, prompt, (size_t)count, &many, out, NULL) != 0)
        stop("decoding failed");
    seconds = cpu_seconds() - seconds;
    for (int i = 0; i < count; i++)
        infer_tokens_free(out + i);
    return seconds;
}

static double run_ours(const struct subject *s, size_t width, const struct one *one)
{
    const struct settings *set = s->set;

    if (one->sequences == 0)
        return run_prompt(s->session[width], set->prompt);
    return run_decode(s->session[width], one->sequences, set->shared, set->steps);
}

/* ---- theirs -----------------------------------------------------------------------
 */

static bool find_script(char *path, size_t bytes)
{
    snprintf(path, bytes, "tests/bench/llama-peer.py");
    return access(path, R_OK) == 0;
}

/* The first of the interpreters whose build is of this instruction set's kind. */
static void find_peer(struct subject *s, enum infer_isa isa)
{
    char script[256];

    for (size_t i = 0; i < s->set->pythons && find_script(script, sizeof script); i++) {
        char *argv[] = {s->set->python[i], script, (char *)(uintptr_t)s->path, NULL};
        if (!peer_open(&s->peer, argv))
            continue;
        bool wide = strstr(s->peer.name, "AVX512 = 1") != NULL;
        if (wide == (isa == INFER_ISA_AVX512))
            return;
        peer_close(&s->peer);
    }
}

static double run_theirs(struct subject *s, const struct one *one)
{
    char line[64];

    if (one->sequences == 0)
        snprintf(line, sizeof line, "prompt %d", s->set->prompt);
    else
        snprintf(line, sizeof line, "decode %d %d %d", one->sequences, s->set->shared,
                 s->set->steps);
    return peer_seconds(&s->peer, line);
}

/* ---- measuring --------------------------------------------------------------------
 */

static double better(double best, double now)
{
    return best > 0 && best < now ? best : now;
}

static void measure(struct subject *s, struct one *one)
{
    for (int round = 0; round < s->set->rounds; round++) {
        for (size_t i = 0; i < WIDTHS; i++)
            if (s->session[i])
                one->seconds[i] = better(one->seconds[i], run_ours(s, i, one));
        if (s->peer.ask)
            one->peer = better(one->peer, run_theirs(s, one));
    }
}

static double operations_of(const struct matrix *m)
{
    return 2.0 * (double)m->rows * (double)m->depth;
}

/* Of the products for one token; models with experts are not this bench's. */
static double operations(const struct subject *s, size_t width, const struct one *one)
{
    const struct generator *g = s->session[width]->generator;
    double all = one->sequences ? operations_of(&g->head) : 0;

    for (uint32_t i = 0; i < s->model->decoder->layers; i++) {
        const struct generator_layer *l = g->layer + i;
        const struct matrix *m[] = {&l->q,    &l->k,  &l->v,   &l->o,
                                    &l->gate, &l->up, &l->down};
        for (size_t k = 0; k < sizeof m / sizeof *m; k++)
            all += operations_of(m[k]);
    }
    return all;
}

/* ---- what was aimed at ------------------------------------------------------------
 */

static bool has_type(const struct infer_model *m, const char *name)
{
    struct infer_model_info info;

    infer_model_info(m, &info);
    for (size_t i = 0; i < info.type_count; i++)
        if (strcmp(info.types[i].name, name) == 0)
            return true;
    return false;
}

/* Times llama.cpp, with 16 and with 8 bits; 0: nothing was said. */
static double aim(const struct subject *s, const struct one *one, bool wide,
                  size_t width)
{
    static const double decode[2][WIDTHS] = {{1.7, 2}, {2, 2.5}};
    static const double prompt[3][2][WIDTHS] = {
        {{1.4, 1.4}, {1.5, 2.5}}, /* Q8_0: AVX2, AVX-512 */
        {{1.6, 2}, {1.5, 2.5}},   /* Q4_K_M */
        {{3, 4}, {2, 3}},         /* Q4_1 */
    };
    const int kind = has_type(s->model, "Q4_1") ? 2 : has_type(s->model, "Q4_K");

    if (one->sequences == 0)
        return prompt[kind][wide][width];
    return one->sequences == SEQUENCES ? decode[wide][width] : 0;
}

/* ---- printing ---------------------------------------------------------------------
 */

static void print_row(const struct subject *s, const struct one *one, size_t width)
{
    const bool wide = s->session[width]->options.isa == INFER_ISA_AVX512;
    const int tokens = one->sequences ? one->sequences * s->set->steps : s->set->prompt;
    const double rate = tokens / one->seconds[width];
    const double target = aim(s, one, wide, width);
    char name[32];

    snprintf(name, sizeof name, one->sequences ? "decode %d" : "prompt %d",
             one->sequences ? one->sequences : s->set->prompt);
    printf("  %-10s %2d bits %7.1f tokens/CPU-s %4.0f %% of %4.0f Gop/s", name,
           widths[width], rate,
           100e-9 * rate * operations(s, width, one) / s->peak[width], s->peak[width]);
    if (one->peer > 0) {
        printf("   llama.cpp %6.1f, ratio %5.2f", tokens / one->peer,
               one->peer / one->seconds[width]);
        if (target > 0)
            printf(" (aim %.1f)", target);
    }
    printf("\n");
    fflush(stdout);
}

static void open_sessions(struct subject *s, enum infer_isa isa)
{
    struct infer_options options = s->set->options;
    struct infer_error err;

    options.isa = isa;
    options.context_tokens = 1024;
    options.kv_tokens = 2048 + SEQUENCES * 64;
    options.batch_tokens = 512;
    for (size_t i = 0; i < WIDTHS; i++) {
        s->session[i] = NULL;
        options.activations_bits = widths[i];
        if (s->set->bits && s->set->bits != widths[i])
            continue;
        if (infer_session_open(&s->session[i], s->model, &options, &err) != 0)
            stop(err.text);
        s->peak[i] =
            peak_measure(isa, widths[i] == 16 ? ACTIVATION_INT16 : ACTIVATION_BYTE);
    }
}

static void run_isa(struct subject *s, enum infer_isa isa)
{
    open_sessions(s, isa);
    find_peer(s, isa);
    printf("%s, %s, %d thread%s\n  beside %s\n", s->path, cpu_isa_name(isa),
           s->set->options.threads, s->set->options.threads == 1 ? "" : "s",
           s->peer.ask ? s->peer.name
                       : "nothing: no llama_cpp of this kind (LLAMA_PYTHON)");
    for (size_t k = 0; k < sizeof s->one / sizeof *s->one; k++) {
        if (s->set->only >= 0 && s->set->only != s->one[k].sequences)
            continue;
        measure(s, s->one + k);
        for (size_t i = 0; i < WIDTHS; i++)
            if (s->session[i])
                print_row(s, s->one + k, i);
    }
    peer_close(&s->peer);
    for (size_t i = 0; i < WIDTHS; i++)
        infer_session_close(s->session[i]);
}

static void run_model(const char *path, const struct settings *set)
{
    struct infer_error err;
    struct infer_model *model;

    if (infer_model_open(&model, path, &err) != 0)
        stop(err.text);
    if (!model->decoder)
        stop("an encoder generates nothing");
    for (int isa = INFER_ISA_SCALAR + 1; isa < CPU_ISA_COUNT; isa++) {
        struct subject s = {.set = set,
                            .path = path,
                            .model = model,
                            .one = {{.sequences = 0},
                                    {.sequences = 1},
                                    {.sequences = 8},
                                    {.sequences = SEQUENCES}}};
        if (cpu_has((enum infer_isa)isa) &&
            (set->options.isa == INFER_ISA_BEST || (int)set->options.isa == isa))
            run_isa(&s, (enum infer_isa)isa);
    }
    infer_model_close(model);
}

/* ---- options ----------------------------------------------------------------------
 */

static void set_number(int *out, const char *value, int most)
{
    *out = atoi(value);
    if (*out < 1 || *out > most)
        stop("a number is out of range");
}

static void set_option(struct settings *set, const char *name, char *value)
{
    struct infer_error err;

    if (!value)
        stop("an option lacks its value");
    if (strcmp(name, "--isa") == 0) {
        if (infer_isa_parse(value, &set->options.isa, &err) != 0)
            stop(err.text);
    } else if (strcmp(name, "--activations") == 0) {
        set_number(&set->bits, value, 16);
    } else if (strcmp(name, "--threads") == 0) {
        set_number(&set->options.threads, value, INFER_THREADS_MAX);
    } else if (strcmp(name, "--rounds") == 0) {
        set_number(&set->rounds, value, 100);
    } else if (strcmp(name, "--prompt") == 0) {
        set_number(&set->prompt, value, 512);
    } else if (strcmp(name, "--shared") == 0) {
        set_number(&set->shared, value, 480);
    } else if (strcmp(name, "--steps") == 0) {
        set_number(&set->steps, value, 30);
    } else if (strcmp(name, "--only") == 0) {
        set->only = atoi(value);
    } else if (strcmp(name, "--python") == 0) {
        for (char *p = strtok(value, " "); p && set->pythons < PYTHONS;
             p = strtok(NULL, " "))
            set->python[set->pythons++] = p;
    } else {
        stop("unknown option");
    }
}

int main(int argc, char **argv)
{
    struct settings set = {.options = infer_options_default(),
                           .rounds = 3,
                           .only = -1,
                           .prompt = 512,
                           .shared = 198,
                           .steps = 8};

    signal(SIGPIPE, SIG_IGN); /* a peer that is gone has no answer, and that is all */
    set.options.isa = INFER_ISA_BEST;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            set_option(&set, argv[i], argv[i + 1]);
            i++;
        } else {
            run_model(argv[i], &set);
        }
    }
    return 0;
}
