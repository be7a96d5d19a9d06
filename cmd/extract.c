/* cloister extract - what the reader and the chunker make of documents, and nothing
 * else: no database, no answers. What is printed here is what a run would see. */
#include "cmd/cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    const char *format, *policy, *encoder, *password_file;
} asked;

static const struct option options[] = {
    {"format", "text|json", "visible text (default), or one JSON object a document",
     OPTION_TEXT, &asked.format, 0, 0},
    {"policy", "NAME|FILE", "limits and chunk size (default: contracts)", OPTION_TEXT,
     &asked.policy, 0, 0},
    {"encoder", "FILE", "model whose tokens chunks are counted in", OPTION_TEXT,
     &asked.encoder, 0, 0},
    {"password-file", "FILE", "passwords to try on encrypted PDFs, one a line",
     OPTION_TEXT, &asked.password_file, 0, 0},
    {0},
};

struct extract {
    struct reader reader;
    struct loaded encoder; /* zero when only text is printed */
    enum format format;
};

/* ---- JSON ----------------------------------------------------------------------- */

static json_t *flag_json(int flag)
{
    return flag < 0 ? json_null() : json_boolean(flag);
}

static json_t *metadata_json(const struct ingest_metadata *metadata)
{
    json_t *object = json_object(), *names = json_array();
    for (size_t i = 0; i < metadata->attachment_count; i++)
        json_array_append_new(names, json_or_null(metadata->attachment[i]));
    json_object_set_new(object, "title", json_or_null(metadata->title));
    json_object_set_new(object, "author", json_or_null(metadata->author));
    json_object_set_new(object, "producer", json_or_null(metadata->producer));
    json_object_set_new(object, "created", json_or_null(metadata->created));
    json_object_set_new(object, "modified", json_or_null(metadata->modified));
    json_object_set_new(object, "pages",
                        metadata->pages < 0 ? json_null()
                                            : json_integer(metadata->pages));
    json_object_set_new(object, "encrypted", flag_json(metadata->encrypted));
    json_object_set_new(object, "may_extract", flag_json(metadata->may_extract));
    json_object_set_new(object, "attachments", names);
    return object;
}

static json_t *section_json(const struct ingest_section *section)
{
    json_t *object = json_object(), *hidden = json_array();
    for (size_t i = 0; i < section->hidden_count; i++)
        json_array_append_new(hidden,
                              json_pack("{s:I,s:I,s:s}", "start",
                                        (json_int_t)section->hidden[i].start, "end",
                                        (json_int_t)section->hidden[i].end, "why",
                                        section->hidden[i].why));
    json_object_set_new(object, "section", json_integer(section->number));
    json_object_set_new(object, "kind", json_string(ingest_kind_name(section->kind)));
    json_object_set_new(object, "label", json_or_null(section->label));
    json_object_set_new(object, "title", json_or_null(section->title));
    json_object_set_new(object, "text", json_text(section->text, section->text_bytes));
    json_object_set_new(object, "hidden", hidden);
    return object;
}

static json_t *chunks_json(const struct pipeline_text *text)
{
    json_t *array = json_array();
    for (size_t i = 0; text && i < text->chunk_count; i++) {
        const struct pipeline_range *range = &text->chunk[i].range;
        json_array_append_new(array, json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "chunk",
                                               (json_int_t)i + 1, "section",
                                               (json_int_t)range->section, "start",
                                               (json_int_t)range->start, "end_section",
                                               (json_int_t)range->end_section, "end",
                                               (json_int_t)range->end, "tokens",
                                               (json_int_t)text->chunk[i].tokens));
    }
    return array;
}

static void print_json(const char *path, const struct ingest_file *file,
                       const char digest[65], const struct ending *ending,
                       const struct ingest_document *document,
                       const struct pipeline_text *text)
{
    static const struct ingest_metadata unknown = {
        .pages = -1, .encrypted = -1, .may_extract = -1};
    json_t *object = json_object(), *sections = json_array();
    bool read = file->outcome == INGEST_READ;
    for (size_t i = 0; document && i < document->section_count; i++)
        json_array_append_new(sections, section_json(&document->section[i]));
    json_set_path(object, path);
    json_object_set_new(object, "sha256", read ? json_string(digest) : json_null());
    json_object_set_new(object, "bytes",
                        read ? json_integer((json_int_t)file->bytes) : json_null());
    json_object_set_new(object, "media_type",
                        json_string(document ? document->media_type : ""));
    json_object_set_new(object, "outcome", json_string(ending->outcome));
    json_object_set_new(object, "reason", json_or_null(ending->reason));
    json_object_set_new(object, "dialect",
                        json_string(document ? document->dialect : ""));
    json_object_set_new(object, "metadata",
                        metadata_json(document ? &document->metadata : &unknown));
    json_object_set_new(object, "sections", sections);
    json_object_set_new(object, "chunks", chunks_json(text));
    json_line(object);
}

/* ---- text ----------------------------------------------------------------------- */

static void print_text(const struct ingest_document *document)
{
    for (size_t i = 0; i < document->section_count; i++) {
        const struct ingest_section *section = &document->section[i];
        size_t from = 0;
        for (size_t j = 0; j < section->hidden_count; j++) {
            if (section->hidden[j].shown)
                continue;
            fwrite(section->text + from, 1, section->hidden[j].start - from, stdout);
            from = section->hidden[j].end;
        }
        fwrite(section->text + from, 1, section->text_bytes - from, stdout);
        if (section->kind == INGEST_PAGE)
            fputc('\f', stdout);
    }
}

/* ---- one file ------------------------------------------------------------------- */

static int extract_print(struct extract *extract, const char *path,
                         const struct ingest_file *file, const char digest[65],
                         const struct ingest_document *document)
{
    struct pipeline_error why;
    struct pipeline_text *text = NULL;
    const struct policy *policy = extract->reader.policy;
    struct ending ending = reader_ending(&extract->reader, file, document);
    int status = strcmp(ending.outcome, "ok") == 0 ? EXIT_DONE : EXIT_SOME;
    if (extract->format == FORMAT_TEXT) {
        if (document)
            print_text(document);
        if (status != EXIT_DONE)
            complain("extract", "%s: %s: %s", path, ending.outcome, ending.reason);
        return status;
    }
    if (document && document->section_count > 0 &&
        pipeline_chunk(&text, document, extract->encoder.model,
                       policy->chunk_tokens_max, policy->hidden_text, &why) != 0) {
        complain("extract", "%s: %s", path, why.text);
        return EXIT_BROKEN_OFF;
    }
    print_json(path, file, digest, &ending, document, text);
    pipeline_text_free(text);
    return status;
}

static int extract_file(struct extract *extract, const char *path)
{
    struct ingest_file file = {0};
    struct ingest_document *document;
    struct store_digest sum;
    char digest[65] = "";
    int status = reader_read(&extract->reader, path, &file, &sum, &document);
    if (status < 0) {
        if (file.outcome == INGEST_READ)
            store_digest_hex(&sum, digest);
        status = extract_print(extract, path, &file, digest, document);
    }
    ingest_document_free(document);
    return status;
}

/* ---- the command ---------------------------------------------------------------- */

static int extract_open(struct extract *extract)
{
    const struct engine plain = {0};
    int status =
        reader_open(&extract->reader, "extract",
                    asked.policy ? asked.policy : "contracts", asked.password_file);
    if (status < 0 && extract->format == FORMAT_JSON)
        status = engine_load("extract", &plain,
                             asked.encoder ? asked.encoder : USUAL_ENCODER,
                             &extract->encoder);
    return status;
}

static int extract_fence(const struct extract *extract, int words, char **argv)
{
    struct ingest_grant *grant = calloc((size_t)words, sizeof(*grant));
    if (!grant)
        return EXIT_NO_START;
    for (int i = 1; i < words; i++)
        grant[i - 1].path = argv[i];
    int status =
        fence_close("extract", grant, (size_t)words - 1, extract->reader.parser);
    free(grant);
    return status;
}

static int extract_main(const struct command *self, int argc, char **argv)
{
    struct extract extract = {.format = FORMAT_TEXT};
    int words;
    int status = options_parse(self, argc, argv, &words);
    if (status < 0)
        status = format_parse("extract", asked.format, "text, json", &extract.format);
    if (status < 0 && words < 2) {
        complain("extract", "no FILE given");
        status = EXIT_USAGE;
    }
    if (status < 0)
        status = extract_open(&extract);
    if (status < 0)
        status = extract_fence(&extract, words, argv);
    int worst = status < 0 ? EXIT_DONE : status;
    for (int i = 1; status < 0 && i < words && worst != EXIT_BROKEN_OFF; i++) {
        if (ferror(stdout)) /* nobody reads on; main.c says so */
            break;
        int one = extract_file(&extract, argv[i]);
        worst = one > worst ? one : worst;
    }
    engine_close(&extract.encoder);
    reader_close(&extract.reader);
    return worst;
}

const struct command cmd_extract = {
    .name = "extract",
    .synopsis = "extract [--format text|json] [options] FILE...",
    .summary = "Print the text of documents as a run would read it.",
    .option = options,
    .details = "Text is the visible text, with a form feed after each PDF page.\n"
               "JSON adds metadata, sections with hidden ranges marked, and chunks.\n",
    .run = extract_main,
};
