/* tokenizer_bpe - byte-level byte pair encoding ("gpt2" in GGUF).
 *
 *     text -> pieces (pretokenizer.c) -> bytes -> merged by rank -> ids
 *
 * A merge is a pair of tokens and its rank, the place in the file's list:
 *
 *     pair    (id of "t", id of "h") -> rank 5, id of "th"
 *
 * found by the two ids in a table of its own. The tokens of single bytes are where
 * merging starts. Many vocabularies lack some byte that their authors never met
 * (0x04, say); it then has no id and leaves none, as the families' own tokenizers
 * have it, but nothing merges across it.
 *
 * A file whose merges name no tokens, or whose pairs crowd one place of the table,
 * is refused. Of a pair that stands twice the first rank counts. */
#include "infer/memo.h"
#include "infer/merge.h"
#include "infer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

struct pair {
    int32_t left, right; /* left is -1 where the slot is free */
    uint32_t rank;
    int32_t joined;
};

struct bpe {
    struct pretokenizer *pretokenizer;
    bool takes_whole;
    struct pair *pair;
    uint32_t pair_mask;
    const struct vocabulary *vocabulary;
};

enum { MERGES_MAX = 1 << 21 };

/* ---- the table of pairs ---------------------------------------------------------- */

static uint32_t place_of(const struct bpe *bpe, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;

    return (uint32_t)vocabulary_mix(key) & bpe->pair_mask;
}

static int insert_pair(struct bpe *bpe, const struct pair *pair,
                       struct infer_error *err)
{
    uint32_t at = place_of(bpe, pair->left, pair->right);

    for (int probe = 0; probe < VOCABULARY_PROBES_MAX; probe++) {
        struct pair *slot = &bpe->pair[at];

        if (slot->left < 0)
            *slot = *pair;
        if (slot->left == pair->left && slot->right == pair->right)
            return 0;
        at = (at + 1) & bpe->pair_mask;
    }
    return infer_fail(
        err, INFER_EFORMAT,
        "tokenizer.ggml.merges: entry %u cannot be put into a table, more "
        "than %d others are in its place",
        pair->rank, VOCABULARY_PROBES_MAX);
}

static bool find_pair(const void *context, const char *text,
                      const struct merge_symbol *left, const struct merge_symbol *right,
                      uint32_t *rank, int32_t *id)
{
    const struct bpe *bpe = context;
    uint32_t at;

    (void)text;
    if (left->id < 0 || right->id < 0)
        return false;
    for (at = place_of(bpe, left->id, right->id); bpe->pair[at].left >= 0;
         at = (at + 1) & bpe->pair_mask)
        if (bpe->pair[at].left == left->id && bpe->pair[at].right == right->id) {
            *rank = bpe->pair[at].rank;
            *id = bpe->pair[at].joined;
            return true;
        }
    return false;
}

/* ---- reading --------------------------------------------------------------------- */

/* "Ġt he": the first space that is not the first byte parts the two. */
static bool parse_merge(struct bpe *bpe, struct gguf_string line, char *room,
                        struct pair *out)
{
    const struct vocabulary *v = bpe->vocabulary;
    const char *space =
        line.bytes < 3 ? NULL : memchr(line.text + 1, ' ', line.bytes - 1);
    struct gguf_string left, right;
    size_t left_bytes, right_bytes;

    if (space == NULL)
        return false;
    left = (struct gguf_string){line.text, (size_t)(space - line.text)};
    right = (struct gguf_string){space + 1, line.bytes - left.bytes - 1};
    if (!vocabulary_unmap(left, room, &left_bytes) ||
        !vocabulary_unmap(right, room + left_bytes, &right_bytes))
        return false;
    out->left = vocabulary_find(v, room, left_bytes);
    out->right = vocabulary_find(v, room + left_bytes, right_bytes);
    out->joined = vocabulary_find(v, room, left_bytes + right_bytes);
    return out->left >= 0 && out->right >= 0 && out->joined >= 0;
}

static int read_merge(struct bpe *bpe, struct gguf_string line, uint32_t rank,
                      struct infer_error *err)
{
    char small[256];
    char *room = line.bytes <= sizeof small ? small : malloc(line.bytes);
    struct pair pair = {.rank = rank};
    int status;

    if (room == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a merge");
    if (parse_merge(bpe, line, room, &pair))
        status = insert_pair(bpe, &pair, err);
    else
        status = infer_fail(err, INFER_EFORMAT,
                            "tokenizer.ggml.merges: entry %u, \"%.*s\", does not join "
                            "two tokens to a third",
                            rank, (int)(line.bytes < 60 ? line.bytes : 60), line.text);
    if (room != small)
        free(room);
    return status;
}

static int read_merges(struct bpe *bpe, const struct gguf *file,
                       struct infer_error *err)
{
    static const char key[] = "tokenizer.ggml.merges";
    const struct gguf_key *merges = NULL;
    uint32_t size = 16;
    size_t at = 0;
    int status = gguf_get_array(file, key, GGUF_STRING, &merges, err);

    if (status != 0)
        return status;
    if (merges->count > MERGES_MAX)
        return infer_fail(err, INFER_EFORMAT, "%s has %llu entries, allowed are %d",
                          key, (unsigned long long)merges->count, MERGES_MAX);
    while (size < 2 * merges->count)
        size *= 2;
    bpe->pair = malloc(size * sizeof *bpe->pair);
    if (bpe->pair == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for %llu merges",
                          (unsigned long long)merges->count);
    for (uint32_t i = 0; i < size; i++)
        bpe->pair[i].left = -1;
    bpe->pair_mask = size - 1;
    for (uint32_t i = 0; status == 0 && i < merges->count; i++)
        status = read_merge(bpe, gguf_array_next(merges, &at), i, err);
    return status;
}

static int bpe_open(struct tokenizer *t, const struct gguf *file,
                    struct infer_error *err)
{
    static const char key[] = "tokenizer.ggml.pre";
    struct gguf_string name = {"", 0};
    struct bpe *bpe = calloc(1, sizeof *bpe);
    int status = 0;

    if (bpe == NULL)
        return infer_fail(err, INFER_ENOMEM, "no memory for a tokenizer");
    t->own = bpe;
    bpe->vocabulary = &t->vocabulary;
    if (gguf_find(file, key) != NULL)
        status = gguf_get_string(file, key, &name, err);
    if (status == 0)
        status = pretokenizer_open(&bpe->pretokenizer, name, err);
    if (status == 0)
        status = read_merges(bpe, file, err);
    if (status == 0) {
        bpe->takes_whole = pretokenizer_takes_whole(bpe->pretokenizer);
        if (pretokenizer_opens(bpe->pretokenizer))
            t->opening = t->bos;
    }
    return status;
}

static void bpe_close(struct tokenizer *t)
{
    struct bpe *bpe = t->own;

    if (bpe == NULL)
        return;
    pretokenizer_close(bpe->pretokenizer);
    free(bpe->pair);
    free(bpe);
}

/* ---- text to ids ----------------------------------------------------------------- */

struct work { /* what the pieces of one text share */
    struct merger merger;
    struct memo *memo;
};

/* Room for as many ids as the piece has bytes has been made. */
static int merge_piece(const struct bpe *bpe, struct work *work, const char *piece,
                       size_t bytes, struct infer_tokens *out)
{
    struct merger *merger = &work->merger;
    size_t start = out->count;

    if (merger_begin(merger, bytes) != 0)
        return INFER_ENOMEM;
    for (size_t i = 0; i < bytes; i++)
        merger_add(merger, i, 1, bpe->vocabulary->byte_id[(uint8_t)piece[i]]);
    merger_run(merger, find_pair, bpe, piece);
    for (uint32_t at = 0; at != MERGE_NONE; at = merger->symbol[at].next)
        if (merger->symbol[at].id >= 0)
            out->id[out->count++] = merger->symbol[at].id;
    memo_keep(work->memo, piece, bytes, out->id + start, out->count - start);
    return 0;
}

static int encode_piece(const struct bpe *bpe, struct work *work, const char *piece,
                        size_t bytes, struct infer_tokens *out)
{
    int32_t whole = -1;

    if (tokenizer_reserve(out, bytes) != 0)
        return INFER_ENOMEM;
    if (memo_find(work->memo, piece, bytes, out))
        return 0;
    if (bpe->takes_whole)
        whole = vocabulary_find(bpe->vocabulary, piece, bytes);
    if (whole < 0)
        return merge_piece(bpe, work, piece, bytes, out);
    out->id[out->count++] = whole;
    memo_keep(work->memo, piece, bytes, &whole, 1);
    return 0;
}

static int bpe_encode(struct tokenizer_run *run, const char *text, size_t bytes)
{
    const struct bpe *bpe = run->tokenizer->own;
    struct pretokenizer_pieces pieces = {0};
    struct work work = {.memo = memo_open(bytes)};
    size_t start = 0;
    int status = pretokenizer_split(bpe->pretokenizer, text, bytes, &pieces);

    for (size_t i = 0; status == 0 && i < pieces.count; i++) {
        status =
            encode_piece(bpe, &work, text + start, pieces.end[i] - start, run->out);
        start = pieces.end[i];
    }
    merger_free(&work.merger);
    memo_close(work.memo);
    pretokenizer_pieces_free(&pieces);
    return status;
}

const struct tokenizer_kind tokenizer_bpe = {.name = "gpt2",
                                             .form = VOCABULARY_BYTES,
                                             .open = bpe_open,
                                             .encode = bpe_encode,
                                             .close = bpe_close};
