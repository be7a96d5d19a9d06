/* record - from what was found out about a document to rows and an audit event.
 *
 * The one place where outcomes of the reader and of the pipeline become the names
 * that the database, the policies and the manual use, and where the books are
 * balanced: extracted = hidden left out + chunked, chunked = seen. Books that do
 * not balance end as model_limit with the numbers, never as ok. */
#include "pipeline/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- outcomes ------------------------------------------------------------------- */

static bool books_balance(const struct work *work)
{
    const struct pipeline_text *text = work->text;
    return !text ||
           (text->extracted_bytes == text->hidden_bytes + text->chunked_bytes &&
            text->chunked_bytes == work->seen_bytes);
}

bool work_is_blank(const struct work *work)
{
    const struct pipeline_text *text = work->text;
    return !text || strspn(text->text, " \n\t") == text->text_bytes;
}

static const char *all_hidden(const struct work *work)
{
    bool left_out = work->text && work->text->hidden_bytes > 0 && work_is_blank(work);
    return left_out ? pipeline_all_hidden(work->document, POLICY_HIDDEN_LEAVE_OUT_ALL)
                    : NULL;
}

const char *work_outcome(const struct work *work)
{
    if (work_is_duplicate(work))
        return "duplicate";
    if (!work->document)
        return ingest_outcome_name(work->file.outcome);
    if (all_hidden(work))
        return "suspect_text";
    if (work->document->outcome == INGEST_READ && !books_balance(work))
        return "model_limit";
    if (work->document->outcome == INGEST_READ && work->searched_partly)
        return "partial";
    return ingest_outcome_name(work->document->outcome);
}

static const char *work_reason(const struct work *work, char buffer[600])
{
    const struct pipeline_text *text = work->text;
    if (work_is_duplicate(work))
        snprintf(buffer, 600, "same bytes as document %lld, %.500s",
                 (long long)work->same.document, work->same.path);
    else if (!work->document)
        return work->file.reason;
    else if (all_hidden(work))
        return all_hidden(work);
    else if (!books_balance(work))
        snprintf(buffer, 600, "%zu bytes extracted, %zu hidden, %zu chunked, %zu seen",
                 text->extracted_bytes, text->hidden_bytes, text->chunked_bytes,
                 work->seen_bytes);
    else if (work->document->outcome == INGEST_READ && work->searched_partly)
        snprintf(buffer, 600, "detector %s gave up before the end of the text",
                 work->searched_partly);
    else
        return work->document->reason;
    return buffer;
}

/* ---- metadata as JSON ----------------------------------------------------------- */

static void json_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void json_member(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\":", key);
    if (text)
        json_string(out, text);
    else
        fputs("null", out);
    fputc(',', out);
}

static void json_flag(FILE *out, const char *key, int flag)
{
    fprintf(out, "\"%s\":%s,", key, flag < 0 ? "null" : flag ? "true" : "false");
}

/* The caller frees it; NULL when out of memory. */
static char *metadata_json(const struct ingest_metadata *metadata)
{
    char *json = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&json, &bytes);
    if (!out)
        return NULL;
    fputc('{', out);
    json_member(out, "title", metadata->title);
    json_member(out, "author", metadata->author);
    json_member(out, "producer", metadata->producer);
    json_member(out, "created", metadata->created);
    json_member(out, "modified", metadata->modified);
    json_flag(out, "encrypted", metadata->encrypted);
    json_flag(out, "may_extract", metadata->may_extract);
    fputs("\"attachments\":[", out);
    for (size_t i = 0; i < metadata->attachment_count; i++) {
        fputs(i ? "," : "", out);
        json_string(out, metadata->attachment[i]);
    }
    fputs("]}", out);
    if (fclose(out) != 0) {
        free(json);
        return NULL;
    }
    return json;
}

/* ---- rows ----------------------------------------------------------------------- */

struct rows { /* what the store is given, built in one go and freed in one go */
    struct store_section *section;
    struct store_hidden *hidden;
    size_t hidden_count;
    char *hidden_text; /* all hidden texts, each with its NUL */
    struct store_chunk *chunk;
    struct store_task *task;
    struct store_score *score;
    struct store_quote *evidence;
    struct store_sentence *sentence;
    struct store_dropped *dropped;
    struct store_finding *finding;
    char *masked;
    char *metadata;
};

enum { MASKED_BYTES = 64 };

static struct store_range range_of(const struct work *work, size_t at, size_t bytes)
{
    struct pipeline_range range = pipeline_range_of(work->text, at, bytes);
    return (struct store_range){
        .section = range.section,
        .start = (int64_t)range.start,
        .end_section = range.end_section,
        .end = (int64_t)range.end,
    };
}

static struct store_quote quote_row(const struct work *work, const struct quote *quote)
{
    return (struct store_quote){
        .range = range_of(work, quote->at, quote->bytes),
        .chunk = (int64_t)quote->chunk + 1,
        .offset = (int64_t)(quote->at - work->text->chunk[quote->chunk].at),
        .bytes = (int64_t)quote->bytes,
        .weight = quote->weight,
    };
}

static void section_rows(struct rows *rows, const struct work *work)
{
    const struct ingest_document *document = work->document;
    for (size_t i = 0; i < document->section_count; i++)
        rows->section[i] = (struct store_section){
            .section = document->section[i].number,
            .kind = ingest_kind_name(document->section[i].kind),
            .label = document->section[i].label,
            .title = document->section[i].title,
            .text_bytes = (int64_t)document->section[i].text_bytes,
        };
}

static void hidden_rows(struct rows *rows, const struct work *work)
{
    char *text = rows->hidden_text;
    for (size_t i = 0; i < work->document->section_count; i++) {
        const struct ingest_section *section = &work->document->section[i];
        for (size_t j = 0; j < section->hidden_count; j++) {
            const struct ingest_hidden *hidden = &section->hidden[j];
            size_t bytes = hidden->end - hidden->start;
            memcpy(text, section->text + hidden->start, bytes);
            text[bytes] = '\0';
            rows->hidden[rows->hidden_count++] = (struct store_hidden){
                .section = section->number,
                .start = (int64_t)hidden->start,
                .end = (int64_t)hidden->end,
                .why = hidden->why,
                .text = text,
            };
            text += bytes + 1;
        }
    }
}

static void chunk_rows(struct rows *rows, const struct work *work)
{
    const struct pipeline_text *text = work->text;
    for (size_t i = 0; i < text->chunk_count; i++)
        rows->chunk[i] = (struct store_chunk){
            .chunk = (int64_t)i + 1,
            .range = range_of(work, text->chunk[i].at, text->chunk[i].bytes),
            .tokens = text->chunk[i].tokens,
            .text = text->text + text->chunk[i].at,
            .text_bytes = text->chunk[i].bytes,
        };
}

static void task_rows(struct rows *rows, const struct work *work,
                      const struct policy *policy, const char *prior)
{
    struct store_score *score = rows->score;
    struct store_quote *evidence = rows->evidence;
    for (size_t i = 0; i < work->answer_count; i++) {
        const struct policy_task *task = &policy->task[i];
        const struct answer *answer = &work->answer[i];
        rows->task[i] = (struct store_task){
            .task = task->name,
            .label = task->label[answer->label].name,
            .runner_up = task->label[answer->runner_up].name,
            .answered_by = answer->by_model ? "model" : "encoder",
            .prior = answer->by_model ? prior : NULL,
            .first_label =
                answer->by_model ? task->label[answer->first_label].name : NULL,
            .first_probability = answer->first_probability,
            .probability = answer->probability[answer->label],
            .undecided = answer->undecided,
            .commanded = answer->commanded,
            .plain_label =
                answer->plain.asked ? task->label[answer->plain.label].name : NULL,
            .plain_probability = answer->plain.probability,
            .plain_undecided = answer->plain.undecided,
            .score = score,
            .score_count = task->label_count,
            .evidence = evidence,
            .evidence_count = answer->evidence_count,
        };
        for (size_t j = 0; j < task->label_count; j++)
            *score++ = (struct store_score){
                .label = task->label[j].name,
                .score = answer->score[j],
                .probability = answer->probability[j],
            };
        for (size_t j = 0; j < answer->evidence_count; j++)
            *evidence++ = quote_row(work, &answer->evidence[j]);
    }
}

static void finding_rows(struct rows *rows, const struct work *work,
                         const struct policy *policy)
{
    for (size_t i = 0; i < work->finding_count; i++) {
        const struct finding *finding = &work->finding[i];
        const struct policy_detector *detector = &policy->detector[finding->detector];
        char *masked = rows->masked + i * MASKED_BYTES;
        policy_mask(work->text->text + finding->quote.at, finding->quote.bytes, masked,
                    MASKED_BYTES);
        rows->finding[i] = (struct store_finding){
            .detector = detector->name,
            .score = finding->quote.weight,
            .masked = detector->mask ? masked : NULL,
            .quote = quote_row(work, &finding->quote),
        };
    }
}

/* What was written, or else the document's own words; and what was dropped. */
static void summary_rows(struct rows *rows, const struct work *work)
{
    for (size_t i = 0; i < work->written_count; i++)
        rows->sentence[i] = (struct store_sentence){
            .kind = "written",
            .written = work->written[i].text,
            .quote = quote_row(work, &work->written[i].source),
        };
    for (size_t i = 0; i < work->summary_count && work->written_count == 0; i++)
        rows->sentence[i] = (struct store_sentence){
            .kind = "verbatim",
            .quote = quote_row(work, &work->summary[i]),
        };
    for (size_t i = 0; i < work->dropped_count; i++)
        rows->dropped[i] = (struct store_dropped){
            .why = work->dropped[i].why,
            .what = work->dropped[i].what,
            .text = work->dropped[i].text,
        };
}

static int rows_reserve(struct rows *rows, const struct work *work,
                        const struct policy *policy)
{
    size_t hidden = 0, hidden_bytes = 0, scores = 0, evidence = 0;
    size_t chunks = work->text ? work->text->chunk_count : 0;
    for (size_t i = 0; i < work->document->section_count; i++)
        for (size_t j = 0; j < work->document->section[i].hidden_count; j++, hidden++)
            hidden_bytes += work->document->section[i].hidden[j].end -
                            work->document->section[i].hidden[j].start + 1;
    for (size_t i = 0; i < work->answer_count; i++) {
        scores += policy->task[i].label_count;
        evidence += work->answer[i].evidence_count;
    }
    rows->section = calloc(work->document->section_count + 1, sizeof(*rows->section));
    rows->hidden = calloc(hidden + 1, sizeof(*rows->hidden));
    rows->hidden_text = calloc(hidden_bytes + 1, 1);
    rows->chunk = calloc(chunks + 1, sizeof(*rows->chunk));
    rows->task = calloc(work->answer_count + 1, sizeof(*rows->task));
    rows->score = calloc(scores + 1, sizeof(*rows->score));
    rows->evidence = calloc(evidence + 1, sizeof(*rows->evidence));
    rows->sentence =
        calloc(work->summary_count + work->written_count + 1, sizeof(*rows->sentence));
    rows->dropped = calloc(work->dropped_count + 1, sizeof(*rows->dropped));
    rows->finding = calloc(work->finding_count + 1, sizeof(*rows->finding));
    rows->masked = calloc(work->finding_count + 1, MASKED_BYTES);
    rows->metadata = metadata_json(&work->document->metadata);
    return rows->section && rows->hidden && rows->hidden_text && rows->chunk &&
                   rows->task && rows->score && rows->evidence && rows->sentence &&
                   rows->dropped && rows->finding && rows->masked && rows->metadata
               ? PIPELINE_OK
               : PIPELINE_ENOMEM;
}

static void rows_free(struct rows *rows)
{
    free(rows->section);
    free(rows->hidden);
    free(rows->hidden_text);
    free(rows->chunk);
    free(rows->task);
    free(rows->score);
    free(rows->evidence);
    free(rows->sentence);
    free(rows->dropped);
    free(rows->finding);
    free(rows->masked);
    free(rows->metadata);
}

static int rows_fill(struct rows *rows, const struct work *work,
                     const struct pipeline *run)
{
    const struct policy *policy = run->policy;
    int status = rows_reserve(rows, work, policy);
    if (status != PIPELINE_OK)
        return status;
    section_rows(rows, work);
    hidden_rows(rows, work);
    if (work->text) {
        chunk_rows(rows, work);
        task_rows(rows, work, policy,
                  run->decoder ? pipeline_decoder_prior(run->decoder) : NULL);
        finding_rows(rows, work, policy);
        summary_rows(rows, work);
    }
    return PIPELINE_OK;
}

/* ---- the document --------------------------------------------------------------- */

static void document_fill_text(struct store_document *out, const struct work *work)
{
    if (!work->text)
        return;
    out->extracted_bytes = (int64_t)work->text->extracted_bytes;
    out->hidden_bytes = (int64_t)work->text->hidden_bytes;
    out->chunked_bytes = (int64_t)work->text->chunked_bytes;
    out->seen_bytes = (int64_t)work->seen_bytes;
    out->chunk_count = work->text->chunk_count;
}

static void document_fill(struct store_document *out, const struct work *work,
                          const struct rows *rows)
{
    const struct ingest_document *document = work->document;
    out->media_type = document->media_type;
    out->dialect = document->dialect;
    out->metadata = rows->metadata;
    out->pages = document->metadata.pages;
    out->parse_ms = document->cpu_ms;
    out->section = rows->section;
    out->section_count = document->section_count;
    out->hidden = rows->hidden;
    out->hidden_count = rows->hidden_count;
    out->chunk = rows->chunk;
    out->task = rows->task;
    out->task_count = work->answer_count;
    out->sentence = rows->sentence;
    out->sentence_count =
        work->written_count ? work->written_count : work->summary_count;
    out->dropped = rows->dropped;
    out->dropped_count = work->dropped_count;
    out->summary_reason = work->summary_reason;
    out->finding = rows->finding;
    out->finding_count = work->finding_count;
    document_fill_text(out, work);
}

int work_record(const struct work *work, const struct pipeline *run,
                struct pipeline_error *err)
{
    char reason[600];
    struct rows rows = {0};
    struct store_error why;
    struct store_document row = {
        .path = work->path,
        .has_digest = work->has_digest,
        .digest = work->digest,
        .bytes = work->has_digest ? (int64_t)work->file.bytes : -1,
        .modified_ns = work->file.modified_ns,
        .media_type = "",
        .dialect = "",
        .pages = -1,
        .outcome = work_outcome(work),
        .reason = work_reason(work, reason),
        .duplicate_of = work_is_duplicate(work) ? work->same.document : 0,
        .decision = work->decision,
    };
    int status = PIPELINE_OK;
    if (work->document) {
        status = rows_fill(&rows, work, run);
        if (status != PIPELINE_OK)
            status = pipeline_fail(err, status, "no memory for the rows of a document");
        else
            document_fill(&row, work, &rows);
    }
    if (status == PIPELINE_OK &&
        store_commit(run->store, run->run_id, &row, NULL, &why))
        status = pipeline_fail(err, PIPELINE_ESTORE, "%s", why.text);
    rows_free(&rows);
    return status;
}

void pipeline_request(const struct policy *policy, const char *const *password,
                      size_t password_count, struct ingest_request *out)
{
    *out = ingest_request_default();
    out->limits.pages_max = policy->pages_max;
    out->limits.file_bytes_max = policy->file_bytes_max;
    out->limits.text_bytes_max = policy->text_bytes_max;
    out->limits.memory_bytes_max = policy->memory_bytes_max;
    out->limits.cpu_seconds_min = policy->cpu_seconds_min;
    out->limits.cpu_ms_per_page = policy->cpu_ms_per_page;
    out->limits.cpu_ms_per_mib = policy->cpu_ms_per_mib;
    out->limits.cpu_seconds_max = policy->cpu_seconds_max;
    out->honour_owner = policy->honour_owner;
    out->tiny_points = policy->tiny_points;
    out->ink = (enum ingest_ink)policy->ink;
    out->password = password;
    out->password_count = password_count;
}
