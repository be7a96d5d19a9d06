/* chunk_fuzz - any text of any shape, cut into sentences and chunks.
 *
 * The first byte chooses the limit, the second whether hidden text is taken in; the
 * rest is text, in which four control characters draw the document:
 *
 *     \f  a page ends      \x1d  an element ends      \x01 ... \x02  hidden text
 *
 * Beyond memory errors it holds what results rest on: sentences cover the text,
 * chunks cover the sentences, none is over the limit or cuts a character, a chunk's
 * words are exactly the bytes of its range, and nothing extracted is missing. Built
 * with -DCANARY it fails on purpose at a sentence that runs over the end of a page
 * with a page number in between. */
#include "pipeline/internal.h"
#include "tests/pipeline/encoder.h"

enum { SECTIONS_MAX = 64, HIDDEN_MAX = 64, TEXT_BYTES_MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct drawing {
    struct ingest_document document;
    struct ingest_section section[SECTIONS_MAX];
    struct ingest_hidden hidden[HIDDEN_MAX];
    size_t hidden_count;
    char text[2 * TEXT_BYTES_MAX + 2];
    size_t text_bytes;
    size_t hides_from; /* SIZE_MAX: not inside hidden text */
};

#define MUST(condition)   \
    do {                  \
        if (!(condition)) \
            abort();      \
    } while (0)

/* ---- drawing a document --------------------------------------------------------- */

static struct ingest_section *section_now(struct drawing *d)
{
    return &d->section[d->document.section_count];
}

static void hidden_end(struct drawing *d)
{
    struct ingest_section *section = section_now(d);
    size_t end = d->text_bytes - (size_t)(section->text - d->text);
    if (d->hides_from < end) {
        d->hidden[d->hidden_count++] =
            (struct ingest_hidden){.start = d->hides_from, .end = end, .why = "tiny"};
        section->hidden_count++;
    }
    d->hides_from = SIZE_MAX;
}

/* Text ends in a line feed unless it is empty, as the reader gives it. */
static void section_end(struct drawing *d, enum ingest_kind kind)
{
    struct ingest_section *section = section_now(d);
    if (d->hides_from != SIZE_MAX)
        hidden_end(d);
    section->text_bytes = d->text_bytes - (size_t)(section->text - d->text);
    if (section->text_bytes > 0 && d->text[d->text_bytes - 1] != '\n') {
        d->text[d->text_bytes++] = '\n';
        section->text_bytes++;
    }
    d->text[d->text_bytes++] = '\0';
    section->kind = kind;
    section->number = (uint32_t)++d->document.section_count;
    if (d->document.section_count < SECTIONS_MAX) {
        section_now(d)->text = d->text + d->text_bytes;
        section_now(d)->hidden = d->hidden + d->hidden_count;
    }
}

/* How many bytes the character at the front has; 0: it is none. */
static size_t character_bytes(const uint8_t *at, size_t left)
{
    size_t bytes = at[0] < 0x80   ? 1
                   : at[0] < 0xc2 ? 0
                   : at[0] < 0xe0 ? 2
                   : at[0] < 0xf0 ? 3
                   : at[0] < 0xf5 ? 4
                                  : 0;
    if (bytes == 0 || bytes > left)
        return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return bytes;
}

static void draw_mark(struct drawing *d, uint8_t mark)
{
    if (mark == '\f')
        section_end(d, INGEST_PAGE);
    else if (mark == 0x1d)
        section_end(d, INGEST_ELEMENT);
    else if (mark == 0x02 && d->hides_from != SIZE_MAX)
        hidden_end(d);
    else if (mark == 0x01 && d->hides_from == SIZE_MAX && d->hidden_count < HIDDEN_MAX)
        d->hides_from = d->text_bytes - (size_t)(section_now(d)->text - d->text);
}

static void draw(struct drawing *d, const uint8_t *data, size_t size)
{
    *d = (struct drawing){.hides_from = SIZE_MAX};
    d->document.section = d->section;
    d->section[0].text = d->text;
    d->section[0].hidden = d->hidden;
    for (size_t i = 0; i < size && d->document.section_count < SECTIONS_MAX;) {
        size_t bytes = character_bytes(data + i, size - i);
        if (bytes == 1 && data[i] < 0x20 && data[i] != '\n' && data[i] != '\t') {
            draw_mark(d, data[i]);
        } else if (bytes > 0) {
            memcpy(d->text + d->text_bytes, data + i, bytes);
            d->text_bytes += bytes;
        }
        i += bytes ? bytes : 1;
    }
    if (d->document.section_count < SECTIONS_MAX)
        section_end(d, INGEST_PAGE);
}

/* ---- what must hold ------------------------------------------------------------- */

static void check_sentences(const struct pipeline_text *text)
{
    size_t at = 0;
    for (size_t i = 0; i < text->sentence_count; i++) {
        MUST(text->sentence[i].at == at && text->sentence[i].bytes > 0);
        at += text->sentence[i].bytes;
        MUST(((unsigned char)text->text[at] & 0xc0) != 0x80);
    }
    MUST(at == text->text_bytes);
}

static void check_range(const struct drawing *d, const struct pipeline_range *r,
                        const char *words, size_t bytes)
{
    size_t at = 0;
    for (uint32_t n = r->section; n <= r->end_section; n++) {
        const struct ingest_section *section = &d->section[n - 1];
        size_t from = n == r->section ? r->start : 0;
        size_t to = n == r->end_section ? r->end : section->text_bytes;
        MUST(from <= to && to <= section->text_bytes && at + to - from <= bytes);
        MUST(memcmp(section->text + from, words + at, to - from) == 0);
        at += to - from;
    }
    MUST(at == bytes);
}

static void check_chunks(const struct drawing *d, const struct pipeline_text *text,
                         uint32_t tokens_max)
{
    size_t at = 0, sentence = 0;
    for (size_t i = 0; i < text->chunk_count; i++) {
        const struct pipeline_chunk *c = &text->chunk[i];
        MUST(c->at == at && c->first_sentence == sentence && c->sentence_count > 0);
        MUST(c->tokens <= tokens_max);
        for (uint32_t j = 0; j < c->sentence_count; j++)
            MUST(text->sentence[sentence++].chunk == i);
        check_range(d, &c->range, text->text + c->at, c->bytes);
        at += c->bytes;
    }
    MUST(sentence == text->sentence_count && at == text->text_bytes);
    MUST(text->chunked_bytes == text->text_bytes);
    MUST(text->extracted_bytes == text->hidden_bytes + text->text_bytes);
}

/* The rules on prose read every sentence; they say what they like. */
static void read_sentences(struct pipeline_text *text)
{
    struct work work = {.text = text};
    for (size_t i = 0; i < text->sentence_count; i++)
        if (work_is_prose(&work, i))
            MUST(work_sentence(&work, i).bytes > 0);
}

#ifdef CANARY
static void check_canary(const struct pipeline_text *text)
{
    for (size_t i = 0; i < text->sentence_count; i++) {
        const struct pipeline_sentence *s = &text->sentence[i];
        struct pipeline_range r = pipeline_range_of(text, s->at, s->bytes);
        MUST(r.section == r.end_section || !memchr(text->text + s->at, '7', s->bytes));
    }
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct encoder encoder;
    static struct drawing d;
    struct pipeline_text *text;
    if (size < 2 || size > TEXT_BYTES_MAX)
        return 0;
    if (!encoder.model)
        encoder = encoder_open();
    uint32_t tokens_max = 16 + data[0] % 100; /* 16: the least a policy may ask */
    draw(&d, data + 2, size - 2);
    MUST(pipeline_chunk(&text, &d.document, encoder.model, tokens_max, data[1] & 1,
                        NULL) == PIPELINE_OK);
    check_sentences(text);
    check_chunks(&d, text, tokens_max);
    read_sentences(text);
#ifdef CANARY
    check_canary(text);
#endif
    pipeline_text_free(text);
    return 0;
}
