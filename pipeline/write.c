/* write - a summary in the model's words, of which only what stands is kept.
 *
 *     passage 1 ─► sentences ─► checked ─┐
 *     passage 2 ─► sentences ─► checked ─┼─► notes ─► short enough? ─► the summary
 *     ...                                │     ▲            │ no
 *     passage n ─► sentences ─► checked ─┘     └── checked ─┴─ fold: notes as a text
 *
 * Every passage of the document is read. Each written sentence is laid beside the
 * sentences it was made from (ground.c); one that the document does not bear out is
 * dropped and recorded with the reason. Folding goes on until the notes are as short
 * as the policy wants its summary; when a round leaves too little or makes nothing
 * shorter, those notes stay that rest on the document best. Where too little is left,
 * the verbatim summary is shown, and the reason with it. */
#include "pipeline/decoder.h"
#include "pipeline/ground.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS_MAX = 12 }; /* of folding */

struct note { /* a sentence that stands */
    char *text;
    size_t first, end; /* sentences of the document it rests on */
    double support;
};

struct notes {
    struct note *note;
    size_t count, capacity;
};

struct writer { /* of one document */
    struct work *work;
    const struct pipeline *run;
    const struct pipeline_decoder *decoder;
    struct ground *ground;
    size_t passages;       /* of the document */
    struct passages texts; /* to be written on in this round */
    struct notes notes;    /* what stands */
    struct notes before;   /* a fold: what it is made of */
    size_t sentences;      /* written in all */
    size_t dropped_capacity;
    bool done;
    struct pipeline_error *err;
};

static int write_fail(const struct writer *writer)
{
    return pipeline_fail(writer->err, PIPELINE_ENOMEM, "no memory for a summary");
}

/* ---- what the model writes ------------------------------------------------------ */

struct draft { /* one text to be written on, and what came of it */
    struct writer *writer;
    const struct passage *passage;
    char *text; /* UTF-8, no control characters */
    bool broken_off;
};

/* Malformed bytes become U+FFFD, control characters but line feeds a space. */
static char *text_clean(const char *text, size_t bytes)
{
    char *clean = malloc(bytes * 3 + 1);
    size_t at = 0, out = 0;
    while (clean && at < bytes) {
        size_t from = at;
        int32_t c = text_character(text, bytes, &at);
        if (c < 0) {
            memcpy(clean + out, "\xEF\xBF\xBD", 3);
            out += 3;
        } else if ((c < 0x20 && c != '\n') || c == 0x7F) {
            clean[out++] = ' ';
        } else {
            memcpy(clean + out, text + from, at - from);
            out += at - from;
        }
    }
    if (clean)
        clean[out] = '\0';
    return clean;
}

static int draft_read(struct draft *draft, const struct infer_tokens *ids)
{
    const struct writer *writer = draft->writer;
    const struct infer_model *model = writer->decoder->options.model;
    struct infer_text text = {0};
    struct infer_error why;
    size_t count = ids->count;
    bool ended = count > 0 && infer_token_is_end(model, ids->id[count - 1]);
    if (infer_detokenize(model, ids->id, count - ended, INFER_TEXT_CONTINUES, &text,
                         &why) != 0)
        return infer_refusal(writer->err, &why);
    draft->text = text_clean(text.text, text.bytes);
    draft->broken_off = !ended;
    infer_text_free(&text);
    return draft->text ? PIPELINE_OK : write_fail(writer);
}

/* The model's words on each of these texts, together. */
static int drafts_generate(struct draft *draft, size_t count, const struct frame *frame)
{
    const struct writer *writer = draft->writer;
    const struct policy_model *model = &writer->run->policy->model;
    struct infer_sampling sampling = {
        .tokens = model->sentence_tokens_max,
        .temperature = (float)model->temperature,
        .top_p = (float)model->top_p,
        .min_p = (float)model->min_p,
        .seed = model->seed,
    };
    struct infer_tokens *ids = calloc(count * 2 + 1, sizeof(*ids));
    struct infer_sequence *prompt = calloc(count + 1, sizeof(*prompt));
    struct infer_error why;
    int status = ids && prompt ? PIPELINE_OK : write_fail(writer);
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++) {
        status = frame_fill(writer->decoder, frame, draft[i].passage->text,
                            draft[i].passage->bytes, &ids[i], writer->err);
        prompt[i] = (struct infer_sequence){ids[i].id, ids[i].count};
    }
    if (status == PIPELINE_OK &&
        infer_generate(writer->decoder->options.session, prompt, count, &sampling,
                       ids + count, &why) != 0)
        status = infer_refusal(writer->err, &why);
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++)
        status = draft_read(&draft[i], &ids[count + i]);
    for (size_t i = 0; ids && i < count * 2; i++)
        infer_tokens_free(&ids[i]);
    free(ids);
    free(prompt);
    return status;
}

/* ---- sentence by sentence ------------------------------------------------------- */

static int note_keep(struct writer *writer, const struct ground_claim *claim,
                     const struct ground_result *result)
{
    struct notes *notes = &writer->notes;
    if (notes->count == notes->capacity) {
        size_t capacity = notes->capacity ? notes->capacity * 2 : 16;
        struct note *bigger = realloc(notes->note, capacity * sizeof(*bigger));
        if (!bigger)
            return write_fail(writer);
        notes->note = bigger;
        notes->capacity = capacity;
    }
    char *text = strndup(claim->text, claim->bytes);
    if (!text)
        return write_fail(writer);
    notes->note[notes->count++] =
        (struct note){text, result->first, result->end, result->support};
    return PIPELINE_OK;
}

static int note_drop(struct writer *writer, const struct ground_claim *claim,
                     const struct ground_result *result)
{
    struct work *work = writer->work;
    if (work->dropped_count == writer->dropped_capacity) {
        size_t capacity = work->dropped_count ? work->dropped_count * 2 : 16;
        struct dropped *bigger = realloc(work->dropped, capacity * sizeof(*bigger));
        if (!bigger)
            return write_fail(writer);
        work->dropped = bigger;
        writer->dropped_capacity = capacity;
    }
    struct dropped *dropped = &work->dropped[work->dropped_count];
    dropped->text = strndup(claim->text, claim->bytes);
    dropped->why = ground_verdict_name(result->verdict);
    memcpy(dropped->what, result->what, sizeof(dropped->what));
    if (!dropped->text)
        return write_fail(writer);
    work->dropped_count++;
    return PIPELINE_OK;
}

static int piece_check(const struct draft *draft, const struct ground_piece *piece,
                       const char *prompt, bool is_last)
{
    struct writer *writer = draft->writer;
    struct ground_result result;
    struct ground_claim claim = {
        .text = draft->text + piece->at,
        .bytes = piece->bytes,
        .first = draft->passage->first,
        .end = draft->passage->end,
        .prompt = prompt,
        .broken_off = draft->broken_off && is_last,
    };
    int status = ground_check(writer->ground, &claim, &result, writer->err);
    if (status != PIPELINE_OK)
        return status;
    return result.verdict == GROUND_STANDS ? note_keep(writer, &claim, &result)
                                           : note_drop(writer, &claim, &result);
}

/* Cut into sentences, each laid beside the document. */
static int draft_check(const struct draft *draft, const char *prompt)
{
    size_t bytes = strlen(draft->text); /* as many sentences, at most */
    struct ground_piece *piece = calloc(bytes + 1, sizeof(*piece));
    if (!piece)
        return write_fail(draft->writer);
    size_t count = ground_cut(draft->text, bytes, piece, bytes);
    draft->writer->sentences += count;
    int status = PIPELINE_OK;
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++)
        status = piece_check(draft, &piece[i], prompt, i + 1 == count);
    free(piece);
    return status;
}

/* Texts through the model, and what it writes through the check. */
static int drafts_write(struct draft *draft, size_t count, const struct frame *frame,
                        bool *whole)
{
    char *prompt;
    int status = PIPELINE_OK;
    if (asprintf(&prompt, "%s\n%s", frame->before, frame->after) < 0)
        return write_fail(draft->writer);
    for (size_t at = 0; at < count && status == PIPELINE_OK && *whole;
         at += SLICE_PASSAGES) {
        size_t slice = count - at < SLICE_PASSAGES ? count - at : SLICE_PASSAGES;
        *whole = !pipeline_must_stop(draft->writer->run);
        if (*whole)
            status = drafts_generate(draft + at, slice, frame);
    }
    for (size_t i = 0; i < count && status == PIPELINE_OK && *whole; i++)
        status = draft_check(&draft[i], prompt);
    free(prompt);
    return status;
}

/* ---- folding -------------------------------------------------------------------- */

static void notes_free(struct notes *notes)
{
    for (size_t i = 0; i < notes->count; i++)
        free(notes->note[i].text);
    free(notes->note);
    *notes = (struct notes){0};
}

static bool notes_fit(const struct notes *notes, const struct policy_summary *asked)
{
    size_t bytes = 0;
    for (size_t i = 0; i < notes->count; i++)
        bytes += strlen(notes->note[i].text);
    return notes->count <= asked->sentences_max && bytes <= asked->bytes_max;
}

/* Notes as a document of their own, cut into passages as one; what is written on them
 * may rest on anything in the document. */
static int notes_cut(struct writer *writer, const struct notes *notes)
{
    struct passages *out = &writer->texts;
    struct pipeline_text text = {.sentence_count = notes->count};
    size_t bytes = 0, at = 0;
    for (size_t i = 0; i < notes->count; i++)
        bytes += strlen(notes->note[i].text) + 1;
    text.text = malloc(bytes + 1);
    text.sentence = calloc(notes->count + 1, sizeof(*text.sentence));
    text.text_bytes = bytes;
    int status = text.text && text.sentence ? PIPELINE_OK : write_fail(writer);
    for (size_t i = 0; i < notes->count && status == PIPELINE_OK; i++) {
        size_t own = strlen(notes->note[i].text);
        memcpy(text.text + at, notes->note[i].text, own);
        text.text[at + own] = ' ';
        text.sentence[i].at = at;
        text.sentence[i].bytes = own + 1;
        at += own + 1;
    }
    if (status == PIPELINE_OK)
        status = passages_make(out, writer->decoder, &text, NULL, true, writer->err);
    for (size_t i = 0; status == PIPELINE_OK && i < out->count; i++) {
        out->passage[i].first = 0;
        out->passage[i].end = writer->work->text->sentence_count;
    }
    free(text.text);
    free(text.sentence);
    return status;
}

/* Make the notes so far the texts of another round, which may say again what they say.
 */
static int fold_begin(struct writer *writer)
{
    writer->before = writer->notes;
    writer->notes = (struct notes){0};
    passages_free(&writer->texts);
    ground_forget(writer->ground);
    return notes_cut(writer, &writer->before);
}

/* A summary of one sentence says too little of more than one passage, unless the policy
 * wants no more. */
static bool is_enough(size_t sentences, size_t passages,
                      const struct policy_summary *asked)
{
    return sentences >= (passages > 1 && asked->sentences_max > 1 ? 2u : 1u);
}

/* A fold that leaves too little, or makes nothing shorter, is of no use: the notes are
 * what they were, and this was the last round. */
static void fold_end(struct writer *writer)
{
    const struct policy_summary *asked = &writer->run->policy->summary;
    if (writer->notes.count < writer->before.count &&
        is_enough(writer->notes.count, writer->passages, asked)) {
        notes_free(&writer->before);
    } else {
        notes_free(&writer->notes);
        writer->notes = writer->before;
        writer->before = (struct notes){0};
        writer->done = true;
    }
}

/* The weakest goes, the later one of equals. */
static void notes_shorten(struct notes *notes, const struct policy_summary *asked)
{
    while (notes->count > 0 && !notes_fit(notes, asked)) {
        size_t weakest = 0;
        for (size_t i = 1; i < notes->count; i++)
            if (notes->note[i].support <= notes->note[weakest].support)
                weakest = i;
        free(notes->note[weakest].text);
        notes->count--;
        memmove(&notes->note[weakest], &notes->note[weakest + 1],
                (notes->count - weakest) * sizeof(*notes->note));
    }
}

/* ---- the summary ---------------------------------------------------------------- */

static struct quote source_of(const struct work *work, const struct note *note)
{
    struct quote from = work_sentence(work, note->first);
    struct quote to = work_sentence(work, note->end - 1);
    from.bytes = to.at + to.bytes - from.at;
    from.weight = note->support;
    return from;
}

static int summary_take(struct writer *writer)
{
    struct work *work = writer->work;
    struct notes *notes = &writer->notes;
    const struct policy_summary *asked = &writer->run->policy->summary;
    size_t standing = notes->count;
    notes_shorten(notes, asked);
    if (!is_enough(notes->count, writer->passages, asked)) {
        snprintf(work->summary_reason, sizeof(work->summary_reason),
                 "of %zu written sentences %zu stand, too few for a summary: the "
                 "document's own words are shown instead",
                 writer->sentences, standing);
        return PIPELINE_OK;
    }
    work->written = calloc(notes->count, sizeof(*work->written));
    if (!work->written)
        return write_fail(writer);
    for (size_t i = 0; i < notes->count; i++) {
        work->written[i].text = notes->note[i].text;
        work->written[i].source = source_of(work, &notes->note[i]);
        notes->note[i].text = NULL;
    }
    work->written_count = notes->count;
    return PIPELINE_OK;
}

/* ---- many documents together ---------------------------------------------------- */

static int writer_open(struct writer *writer, struct work *work,
                       const struct pipeline *run, struct pipeline_error *err)
{
    *writer =
        (struct writer){.work = work, .run = run, .decoder = run->decoder, .err = err};
    work_unwrite(work);
    writer->done = !work->chunk_vector; /* no memory for it: nothing was read */
    if (writer->done)
        return PIPELINE_OK;
    int status = passages_make(&writer->texts, run->decoder, work->text,
                               work->commanding, true, err);
    writer->passages = writer->texts.count;
    if (status == PIPELINE_OK)
        status = ground_open(&writer->ground, work->text, err);
    return status;
}

static void writer_close(struct writer *writer)
{
    ground_close(writer->ground);
    notes_free(&writer->notes);
    notes_free(&writer->before);
    passages_free(&writer->texts);
}

/* One round of all writers that are not done. */
static int writers_round(struct writer *writer, size_t count, const struct frame *frame,
                         bool *whole)
{
    size_t texts = 0;
    for (size_t i = 0; i < count; i++)
        texts += writer[i].done ? 0 : writer[i].texts.count;
    struct draft *draft = calloc(texts + 1, sizeof(*draft)), *end = draft;
    if (!draft)
        return write_fail(writer);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; !writer[i].done && j < writer[i].texts.count; j++)
            *end++ = (struct draft){.writer = &writer[i],
                                    .passage = &writer[i].texts.passage[j]};
    int status = texts > 0 ? drafts_write(draft, texts, frame, whole) : PIPELINE_OK;
    for (size_t i = 0; i < texts; i++)
        free(draft[i].text);
    free(draft);
    return status;
}

/* The summary is as short as it is to be, or goes into another round. */
static int writer_go_on(struct writer *writer)
{
    if (!writer->done)
        writer->done = notes_fit(&writer->notes, &writer->run->policy->summary);
    return writer->done ? PIPELINE_OK : fold_begin(writer);
}

static int writers_write(struct writer *writer, size_t count,
                         const struct pipeline_decoder *decoder, bool *whole)
{
    int status = writers_round(writer, count, &decoder->summarize, whole);
    for (int round = 0; round < ROUNDS_MAX && status == PIPELINE_OK && *whole;
         round++) {
        bool more = false;
        for (size_t i = 0; i < count && status == PIPELINE_OK; i++) {
            status = writer_go_on(&writer[i]);
            more |= !writer[i].done;
        }
        if (!more || status != PIPELINE_OK)
            break;
        status = writers_round(writer, count, &decoder->fold, whole);
        for (size_t i = 0; i < count && status == PIPELINE_OK && *whole; i++)
            if (!writer[i].done)
                fold_end(&writer[i]);
    }
    return status;
}

int works_write(struct work *const *work, size_t count, const struct pipeline *run,
                bool *whole, struct pipeline_error *err)
{
    *whole = true;
    if (!run->policy->summary.wanted)
        return PIPELINE_OK;
    struct writer *writer = calloc(count, sizeof(*writer));
    if (!writer)
        return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for summaries");
    int status = PIPELINE_OK;
    for (size_t i = 0; i < count && status == PIPELINE_OK; i++)
        status = writer_open(&writer[i], work[i], run, err);
    if (status == PIPELINE_OK)
        status = writers_write(writer, count, run->decoder, whole);
    for (size_t i = 0; i < count && status == PIPELINE_OK && *whole; i++)
        if (writer[i].passages > 0)
            status = summary_take(&writer[i]);
    for (size_t i = 0; i < count; i++)
        writer_close(&writer[i]);
    free(writer);
    return status;
}

/* ---- a rehearsal ---------------------------------------------------------------- */

int work_rehearse_writing(struct work *work, const struct pipeline *run,
                          struct rehearsal *out, struct pipeline_error *err)
{
    struct passages texts;
    struct draft draft[REHEARSED_MAX];
    struct writer writer = {
        .work = work, .run = run, .decoder = run->decoder, .err = err};
    *out = (struct rehearsal){0};
    if (!run->policy->summary.wanted)
        return PIPELINE_OK;
    int status = passages_make(&texts, run->decoder, work->text, NULL, true, err);
    if (status != PIPELINE_OK)
        return status;
    out->passages = texts.count;
    out->tried = texts.count < REHEARSED_MAX ? texts.count : (size_t)REHEARSED_MAX;
    for (size_t i = 0; i < out->tried; i++)
        draft[i] = (struct draft){.writer = &writer, .passage = &texts.passage[i]};
    if (out->tried > 0)
        status = drafts_generate(draft, out->tried, &run->decoder->summarize);
    for (size_t i = 0; i < out->tried; i++)
        free(draft[i].text);
    passages_free(&texts);
    return status;
}
