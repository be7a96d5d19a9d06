/* import_pieces - the vocabulary of a SentencePiece model.
 *
 *     tokenizer.model   protocol buffers: field 1 of the whole, once a piece, holds
 *                       1 the text, 2 the score (float), 3 the type
 *     tokenizer.json    what was made of it: words with ids, and merges in the order
 *                       of their scores
 *
 * A piece's score decides which merge comes first. In tokenizer.json it is the place
 * of the piece's first merge, provided that all merges to one piece stand together, as
 * they do where they were made from scores; otherwise only tokenizer.model can tell. */
#include "infer/import.h"
#include "infer/vocabulary.h"

#include <stdlib.h>
#include <string.h>

/* ---- protocol buffers ----------------------------------------------------------- */

struct reader {
    const uint8_t *at, *end;
};

struct field {
    uint32_t number, wire;
    uint64_t value;       /* of numbers */
    struct reader inside; /* of bytes */
};

static bool read_varint(struct reader *r, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && r->at < r->end; shift += 7) {
        uint8_t byte = *r->at++;

        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool read_fixed(struct reader *r, size_t bytes, uint64_t *out)
{
    *out = 0;
    if ((size_t)(r->end - r->at) < bytes)
        return false;
    memcpy(out, r->at, bytes);
    r->at += bytes;
    return true;
}

/* The next field; false at what is no field. */
static bool read_field(struct reader *r, struct field *out)
{
    uint64_t head;

    if (!read_varint(r, &head) || head >> 3 > UINT32_MAX)
        return false;
    *out = (struct field){.number = (uint32_t)(head >> 3), .wire = head & 7};
    switch (out->wire) {
    case 0:
        return read_varint(r, &out->value);
    case 1:
        return read_fixed(r, 8, &out->value);
    case 2:
        if (!read_varint(r, &out->value) || out->value > (size_t)(r->end - r->at))
            return false;
        out->inside = (struct reader){r->at, r->at + out->value};
        r->at += out->value;
        return true;
    case 5:
        return read_fixed(r, 4, &out->value);
    default:
        return false;
    }
}

static int fail_model(struct infer_error *err)
{
    return infer_fail(err, INFER_EFORMAT,
                      "tokenizer.model is no SentencePiece model, or is damaged");
}

/* ---- tokenizer.model ------------------------------------------------------------ */

static int read_piece(struct import_words *words, int64_t id, struct reader piece,
                      struct infer_error *err)
{
    struct reader text = {NULL, NULL};
    int32_t type = TOKEN_NORMAL;
    uint32_t bits = 0;
    float score;
    struct field f;

    while (piece.at < piece.end) {
        if (!read_field(&piece, &f))
            return fail_model(err);
        if (f.number == 1 && f.wire == 2)
            text = f.inside;
        else if (f.number == 2 && f.wire == 5)
            bits = (uint32_t)f.value;
        else if (f.number == 3 && f.wire == 0)
            type = f.value <= TOKEN_BYTE ? (int32_t)f.value : 0;
    }
    if (text.at == NULL || type < TOKEN_NORMAL)
        return fail_model(err);
    memcpy(&score, &bits, sizeof score);
    return import_word(words, id, (const char *)text.at, (size_t)(text.end - text.at),
                       type, score, err);
}

/* The number of a field of a part, or otherwise. */
static int read_number(struct reader part, uint32_t number, uint64_t *out,
                       struct infer_error *err)
{
    struct field f;

    while (part.at < part.end) {
        if (!read_field(&part, &f))
            return fail_model(err);
        if (f.number == number && f.wire == 0)
            *out = f.value;
    }
    return 0;
}

int import_pieces_model(struct import_words *words, const char *bytes, size_t count,
                        bool *prefix, struct infer_error *err)
{
    enum { PIECE = 1, TRAINER = 2, NORMALIZER = 3, MODEL_TYPE = 3, DUMMY_PREFIX = 3 };
    struct reader r = {(const uint8_t *)bytes, (const uint8_t *)bytes + count};
    uint64_t kind = 1, dummy = 1;
    int64_t id = 0;
    struct field f;
    int status = 0;

    while (status == 0 && r.at < r.end) {
        if (!read_field(&r, &f))
            return fail_model(err);
        if (f.number == PIECE && f.wire == 2)
            status = read_piece(words, id++, f.inside, err);
        else if (f.number == TRAINER && f.wire == 2)
            status = read_number(f.inside, MODEL_TYPE, &kind, err);
        else if (f.number == NORMALIZER && f.wire == 2)
            status = read_number(f.inside, DUMMY_PREFIX, &dummy, err);
    }
    if (status == 0 && kind != 2)
        status = infer_fail(err, INFER_EUNSUPPORTED,
                            "tokenizer.model is of type %llu, supported is 2 (BPE)",
                            (unsigned long long)kind);
    *prefix = dummy != 0;
    return status;
}

/* ---- tokenizer.json ------------------------------------------------------------- */

static const char file[] = "tokenizer.json";

static bool is_byte(const char *word)
{
    return strlen(word) == 6 && strncmp(word, "<0x", 3) == 0 && word[5] == '>' &&
           strspn(word + 3, "0123456789ABCDEFabcdef") == 2;
}

static int read_vocab(struct import_words *words, json_t *model, float lowest,
                      struct infer_error *err)
{
    const char *unknown = json_string_value(json_object_get(model, "unk_token"));
    json_t *vocab = json_object_get(model, "vocab"), *id;
    const char *word;
    int status = 0;

    json_object_foreach(vocab, word, id)
    {
        int32_t type = is_byte(word) ? TOKEN_BYTE : TOKEN_NORMAL;

        if (unknown != NULL && strcmp(word, unknown) == 0)
            type = TOKEN_UNKNOWN;
        status = import_word(words, json_is_integer(id) ? json_integer_value(id) : -1,
                             word, strlen(word), type, lowest, err);
        if (status != 0)
            return status;
    }
    return 0;
}

/* The two halves of a merge as one word; to be freed. */
static char *join_merge(const json_t *merge)
{
    const char *first = json_string_value(json_array_get(merge, 0));
    const char *second = json_string_value(json_array_get(merge, 1));
    const char *both = json_string_value(merge), *space;
    char *joined = NULL;

    if (first != NULL && second != NULL)
        return asprintf(&joined, "%s%s", first, second) < 0 ? NULL : joined;
    space = both != NULL ? strchr(both, ' ') : NULL;
    if (space == NULL)
        return NULL;
    return asprintf(&joined, "%.*s%s", (int)(space - both), both, space + 1) < 0
               ? NULL
               : joined;
}

/* Merge number rank makes this word: its first one decides the score. */
static int score_merge(struct import_words *words, const json_t *vocab,
                       const char *joined, size_t rank, int64_t *last, float lowest,
                       struct infer_error *err)
{
    const json_t *found = json_object_get(vocab, joined);
    int64_t id = json_is_integer(found) ? json_integer_value(found) : -1;

    if (id < 0 || id >= words->count)
        return infer_fail(err, INFER_EFORMAT,
                          "tokenizer.json: merge %zu makes \"%.60s\", which the "
                          "vocabulary lacks",
                          rank, joined);
    if (id == *last)
        return 0;
    if (words->word[id].score > lowest)
        return infer_fail(err, INFER_EUNSUPPORTED,
                          "tokenizer.json: merges to \"%.60s\" do not stand together; "
                          "a tokenizer.model beside it would tell the order",
                          joined);
    words->word[id].score = -(float)rank;
    *last = id;
    return 0;
}

static int read_scores(struct import_words *words, const json_t *model, float lowest,
                       struct infer_error *err)
{
    const json_t *vocab = json_object_get(model, "vocab"), *merge;
    int64_t last = -1;
    size_t rank;
    int status = 0;

    json_array_foreach(json_object_get(model, "merges"), rank, merge)
    {
        char *joined = join_merge(merge);

        if (joined == NULL)
            return infer_fail(err, INFER_EFORMAT,
                              "tokenizer.json: merge %zu is no pair of words", rank);
        status = score_merge(words, vocab, joined, rank, &last, lowest, err);
        free(joined);
        if (status != 0)
            return status;
    }
    return 0;
}

/* A step before merging that writes spaces as U+2581, or puts one in front. */
static int read_step(const json_t *step, bool *prefix, struct infer_error *err)
{
    static const char mark[] = "\xe2\x96\x81";
    const char *type = json_string_value(json_object_get(step, "type"));
    const char *scheme = json_string_value(json_object_get(step, "prepend_scheme"));
    const json_t *pattern = json_object_get(step, "pattern");
    int status;

    if (type != NULL && strcmp(type, "Prepend") == 0) {
        *prefix = true;
        return checkpoint_word(step, file, "prepend", mark, false, err);
    }
    if (type != NULL && strcmp(type, "Replace") == 0) {
        status = checkpoint_word(pattern, file, "String", " ", false, err);
        return status != 0 ? status
                           : checkpoint_word(step, file, "content", mark, false, err);
    }
    if (type != NULL && strcmp(type, "Metaspace") == 0) {
        *prefix = scheme != NULL
                      ? strcmp(scheme, "never") != 0
                      : !json_is_false(json_object_get(step, "add_prefix_space"));
        return checkpoint_word(step, file, "replacement", mark, false, err);
    }
    if (type != NULL && strcmp(type, "Split") == 0) /* no space is left to cut at */
        return checkpoint_word(pattern, file, "String", " ", false, err);
    return checkpoint_refuse(err, file, "a step before merging", step,
                             "Prepend, Replace or Metaspace");
}

/* One step, or a sequence of them, or none. */
static int read_steps(const json_t *steps, const char *key, bool *prefix,
                      struct infer_error *err)
{
    const json_t *list = json_object_get(steps, key), *step;
    size_t i;
    int status = 0;

    if (steps == NULL || json_is_null(steps))
        return 0;
    if (!json_is_array(list))
        return read_step(steps, prefix, err);
    json_array_foreach(list, i, step)
    {
        status = status == 0 ? read_step(step, prefix, err) : status;
    }
    return status;
}

int import_pieces_json(struct import_words *words, const json_t *tokenizer,
                       bool *prefix, struct infer_error *err)
{
    json_t *model = json_object_get(tokenizer, "model");
    const size_t merges = json_array_size(json_object_get(model, "merges"));
    const float lowest = -(float)merges - 1;
    int status;

    *prefix = false;
    if ((status = read_steps(json_object_get(tokenizer, "normalizer"), "normalizers",
                             prefix, err)) != 0 ||
        (status = read_steps(json_object_get(tokenizer, "pre_tokenizer"),
                             "pretokenizers", prefix, err)) != 0 ||
        (status = read_vocab(words, model, lowest, err)) != 0)
        return status;
    return read_scores(words, model, lowest, err);
}
