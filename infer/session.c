/* session - the memory of a run: repacked weights and workspaces.
 *
 * One function lays everything out, twice: first on an arena without memory, which
 * only counts, then on the real one. So the plan cannot differ from what is taken:
 *
 *     [ layers' structs | vectors | panels of every matrix | workspaces | ... ]
 *
 * session_encoder.c and session_decoder.c say what lies in it; here are the options,
 * the parts that both use, and the opening. After open nothing allocates. */
#include "infer/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "infer/decoder.h"
#include "infer/gguf.h"

enum { BATCH_TOKENS_MIN = 16, BATCH_TOKENS_DEFAULT = 512, ALIGNMENT = 64 };

struct infer_options infer_options_default(void)
{
    return (struct infer_options){.threads = 1,
                                  .isa = INFER_ISA_BEST,
                                  .activations_bits = 16,
                                  .float_backend = INFER_FLOAT_EXACT,
                                  .batch_tokens = BATCH_TOKENS_DEFAULT,
                                  .share_prefix = true};
}

static int check_options(const struct infer_options *o, struct infer_error *err)
{
    if (o->threads < 1 || o->threads > INFER_THREADS_MAX)
        return infer_fail(err, INFER_ELIMIT, "threads %d: allowed are 1 to %d",
                          o->threads, INFER_THREADS_MAX);
    if (o->activations_bits != 16 && o->activations_bits != 8)
        return infer_fail(err, INFER_EINVALID,
                          "activations of %d bits: allowed are 16, 8",
                          o->activations_bits);
    if (o->float_backend != INFER_FLOAT_EXACT && o->float_backend != INFER_FLOAT_BLAS)
        return infer_fail(err, INFER_EINVALID, "float backend %d: 0 and 1 are known",
                          (int)o->float_backend);
    if (o->batch_tokens < BATCH_TOKENS_MIN || o->batch_tokens > INFER_BATCH_TOKENS_MAX)
        return infer_fail(err, INFER_ELIMIT, "batch of %u tokens: allowed are %d to %d",
                          o->batch_tokens, BATCH_TOKENS_MIN, INFER_BATCH_TOKENS_MAX);
    if (o->batch_sequences > INFER_BATCH_SEQUENCES_MAX)
        return infer_fail(err, INFER_ELIMIT, "batch of %u sequences: at most %d",
                          o->batch_sequences, INFER_BATCH_SEQUENCES_MAX);
    if ((int)o->kv < INFER_KV_F16 || o->kv > INFER_KV_Q8)
        return infer_fail(err, INFER_EINVALID, "KV type %d: 0 to 2 are known",
                          (int)o->kv);
    return 0;
}

static int check_model(const struct infer_model *m, struct infer_error *err)
{
    if (!m->decoder && !m->layer)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "the file holds a vocabulary and no weights");
    if (!m->decoder && m->context > INFER_BATCH_TOKENS_MAX)
        return infer_fail(err, INFER_ELIMIT,
                          "context of %u tokens: at most %d are served", m->context,
                          INFER_BATCH_TOKENS_MAX);
    return 0;
}

int session_reader(const struct format **out, const struct gguf_tensor *tensor,
                   struct infer_error *err)
{
    *out = format_find(tensor->type);
    if (*out)
        return 0;
    return infer_fail(err, INFER_EUNSUPPORTED, "tensor %s: type %s is not served",
                      tensor->name, gguf_type_name(tensor->type));
}

/* ---- parts ---------------------------------------------------------------------- */

int session_vector(float **out, struct arena *arena, const struct gguf_tensor *tensor,
                   struct infer_error *err)
{
    const struct format *format;
    size_t n, all;
    int status;

    *out = NULL;
    if (!tensor)
        return 0;
    n = (size_t)tensor->dim[0];
    all = arena_padded(n, 2 * PANEL_ROWS);
    status = session_reader(&format, tensor, err);
    *out = arena_take(arena, all, sizeof **out);
    if (status != 0 || !*out)
        return status;
    format->read(*out, tensor->data, n);
    memset(*out + n, 0, (all - n) * sizeof **out);
    return 0;
}

/* Reading the file has brought its pages into memory; they will not be read
 * again. Only a model that came from a file has its tensors in a mapping. */
static void forget_pages(const struct infer_model *model,
                         const struct gguf_tensor *tensor)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = ((uintptr_t)tensor->data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)tensor->data + tensor->bytes) / page * page;

    if (model->file && gguf_is_mapped(model->file) && start < end)
        madvise((void *)start, end - start, MADV_DONTNEED);
}

int session_matrix(struct matrix *out, struct arena *arena, struct infer_session *s,
                   const struct gguf_tensor *tensor, struct infer_error *err)
{
    int status = matrix_plan(out, tensor, &s->options, err);
    if (status != 0)
        return status;

    out->panel = arena_take(arena, 1, matrix_bytes(out));
    s->weight_bytes += matrix_bytes(out);
    if (tensor->bytes > s->tensor_bytes)
        s->tensor_bytes = tensor->bytes;
    if (!out->panel)
        return 0;
    status = matrix_load(out, tensor, err);
    forget_pages(s->model, tensor);
    return status;
}

struct gguf_tensor session_slice(const struct gguf_tensor *tensor, uint64_t first,
                                 uint64_t rows)
{
    const uint64_t row_bytes = tensor->bytes / tensor->rows;
    struct gguf_tensor slice = *tensor;

    slice.dims = 2;
    slice.dim[1] = slice.rows = rows;
    slice.dim[2] = slice.dim[3] = 1;
    slice.data = (const char *)tensor->data + first * row_bytes;
    slice.bytes = rows * row_bytes;
    return slice;
}

int session_check(const struct infer_session *s, const struct infer_sequence *sequence,
                  size_t index, uint32_t longest, struct infer_error *err)
{
    if (sequence->count == 0)
        return infer_fail(err, INFER_EINVALID, "sequence %zu is empty", index);
    if (sequence->count > longest)
        return infer_fail(err, INFER_ELIMIT,
                          "sequence %zu has %zu tokens: the model takes at most %u",
                          index, sequence->count, longest);
    for (size_t i = 0; i < sequence->count; i++)
        if (sequence->id[i] < 0 || (uint32_t)sequence->id[i] >= s->model->vocabulary)
            return infer_fail(err, INFER_EINVALID,
                              "sequence %zu holds token %d: allowed are 0 to %u", index,
                              sequence->id[i], s->model->vocabulary - 1);
    return 0;
}

static int lay_session(struct infer_session *s, struct arena *arena,
                       struct infer_error *err)
{
    s->weight_bytes = s->tensor_bytes = 0;
    return s->model->decoder ? session_lay_decoder(s, arena, err)
                             : session_lay_encoder(s, arena, err);
}

/* What an option leaves open is settled once, before anything is counted. */
static int settle(struct infer_options *o, const struct infer_model *m,
                  struct infer_error *err)
{
    if (!m->decoder) {
        if (o->batch_tokens < m->context)
            o->batch_tokens = m->context;
        return 0;
    }
    if (o->context_tokens == 0)
        o->context_tokens =
            m->context < INFER_CONTEXT_TOKENS ? m->context : INFER_CONTEXT_TOKENS;
    if (o->context_tokens > m->context)
        return infer_fail(err, INFER_ELIMIT,
                          "context of %u tokens: the model takes at most %u",
                          o->context_tokens, m->context);
    if (o->batch_sequences == 0)
        o->batch_sequences = INFER_BATCH_SEQUENCES;
    if (o->kv_tokens == 0) {
        uint64_t all = (uint64_t)o->batch_sequences * o->context_tokens;
        o->kv_tokens = all < UINT32_MAX ? (uint32_t)all : UINT32_MAX;
    }
    if (o->kv_tokens < o->context_tokens)
        o->kv_tokens = o->context_tokens;
    return 0;
}

/* ---- plan, open, close ------------------------------------------------------------
 */

static int plan(struct infer_session *s, const struct infer_model *model,
                const struct infer_options *options, struct infer_error *err)
{
    struct arena counter = {0};
    int status;

    *s = (struct infer_session){.model = model, .options = *options};
    if ((status = check_options(options, err)) != 0 ||
        (status = check_model(model, err)) != 0 ||
        (status = cpu_choose(options->isa, &s->options.isa, err)) != 0)
        return status;
    if ((status = settle(&s->options, model, err)) != 0)
        return status;
    s->ops = ops_for(s->options.isa);
    s->limit = options->activations_bits == 16 ? 32767 : 127;
    if ((status = lay_session(s, &counter, err)) != 0)
        return status;
    s->memory_bytes = counter.used;
    if (counter.used == SIZE_MAX)
        return infer_fail(err, INFER_ELIMIT, "session: its size overflows an address");
    return 0;
}

/* Bytes of the file that are in memory beside the session: one matrix at a time while
 * the weights are repacked, then the tables that are read where they lie. */
static uint64_t mapped_bytes(const struct infer_session *s)
{
    const struct infer_model *m = s->model;
    uint64_t tables =
        m->token_embd->bytes + (m->position_embd ? m->position_embd->bytes : 0);

    return tables > s->tensor_bytes ? tables : s->tensor_bytes;
}

int infer_session_plan(const struct infer_model *model,
                       const struct infer_options *options, struct infer_plan *out,
                       struct infer_error *err)
{
    struct infer_session s;
    int status = plan(&s, model, options, err);

    if (status == 0)
        *out = (struct infer_plan){
            .bytes = s.memory_bytes + sizeof s + mapped_bytes(&s),
            .weight_bytes = s.weight_bytes,
            .kv_bytes = s.kv_bytes,
            .context_tokens =
                model->decoder ? s.options.context_tokens : model->context,
            .batch_tokens = s.options.batch_tokens};
    return status;
}

/* Memory that is there, not only promised: who cannot have all of it is told now, and
 * not when a long document comes. Whole pages are asked for at once, large ones where
 * the system has them; a system that does not know how is served by writing. */
static void *take_memory(size_t bytes)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    char *memory = aligned_alloc(ALIGNMENT, bytes);
    uintptr_t start = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)memory + bytes) / page * page;

    if (!memory || start >= end)
        return memory;
    madvise((void *)start, end - start, MADV_HUGEPAGE);
    if (madvise((void *)start, end - start, MADV_POPULATE_WRITE) == 0)
        return memory;
    if (errno == EINVAL) {
        memset(memory, 0, bytes);
        return memory;
    }
    free(memory);
    return NULL;
}

int infer_session_open(struct infer_session **out, const struct infer_model *model,
                       const struct infer_options *options, struct infer_error *err)
{
    struct infer_session planned, *s = NULL;
    struct arena arena = {0};
    int status = plan(&planned, model, options, err);

    *out = NULL;
    if (status != 0)
        return status;
    s = malloc(sizeof *s);
    arena.base = take_memory(planned.memory_bytes);
    if (!s || !arena.base) {
        status = infer_fail(err, INFER_ENOMEM, "session: %zu bytes cannot be had",
                            planned.memory_bytes);
        goto out;
    }
    *s = planned;
    s->memory = arena.base;
    if ((status = lay_session(s, &arena, err)) != 0)
        goto out;
    *out = s;
    return 0;
out:
    free(arena.base);
    free(s);
    return status;
}

void infer_session_close(struct infer_session *session)
{
    if (!session)
        return;
    free(session->memory);
    free(session);
}

const char *infer_session_isa(const struct infer_session *session)
{
    return cpu_isa_name(session->options.isa);
}
