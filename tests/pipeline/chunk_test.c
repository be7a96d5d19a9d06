/* Chunks: nothing lost, nothing doubled, nothing over the limit. */
#include "tests/pipeline/sample.h"

static struct encoder encoder;

static int setup(void **state)
{
    (void)state;
    encoder = encoder_open();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    encoder_close(&encoder);
    return 0;
}

static uint32_t tokens_of(const char *text, size_t bytes)
{
    struct infer_tokens ids = {0};
    struct infer_error err;
    assert_int_equal(
        infer_tokenize(encoder.model, text, bytes, INFER_ADD_SPECIAL, &ids, &err), 0);
    uint32_t count = (uint32_t)ids.count;
    infer_tokens_free(&ids);
    return count;
}

static struct pipeline_text *chunk(const struct sample *s, uint32_t tokens_max,
                                   bool hidden_too)
{
    struct pipeline_text *text = NULL;
    assert_ok(pipeline_chunk(&text, &s->document, encoder.model, tokens_max, hidden_too,
                             ERR));
    assert_non_null(text);
    return text;
}

/* ---- what must hold for every document ------------------------------------------ */

static bool starts_a_character(const struct pipeline_text *text, size_t at)
{
    return at == text->text_bytes || ((unsigned char)text->text[at] & 0xC0) != 0x80;
}

static void assert_sentences_cover(const struct pipeline_text *text)
{
    size_t at = 0;
    for (size_t i = 0; i < text->sentence_count; i++) {
        assert_int_equal(text->sentence[i].at, at);
        assert_true(text->sentence[i].bytes > 0);
        at += text->sentence[i].bytes;
        assert_true(starts_a_character(text, at));
    }
    assert_int_equal(at, text->text_bytes);
}

static void assert_chunks_cover(const struct pipeline_text *text, uint32_t tokens_max)
{
    size_t at = 0, sentence = 0;
    for (size_t i = 0; i < text->chunk_count; i++) {
        const struct pipeline_chunk *c = &text->chunk[i];
        assert_int_equal(c->at, at);
        assert_int_equal(c->first_sentence, sentence);
        assert_true(c->sentence_count > 0);
        assert_in_range(c->tokens, 2, tokens_max);
        assert_int_equal(c->tokens, tokens_of(text->text + c->at, c->bytes));
        for (uint32_t j = 0; j < c->sentence_count; j++)
            assert_int_equal(text->sentence[sentence++].chunk, i);
        at += c->bytes;
    }
    assert_int_equal(sentence, text->sentence_count);
    assert_int_equal(at, text->text_bytes);
    assert_int_equal(text->chunked_bytes, text->text_bytes);
    assert_int_equal(text->extracted_bytes, text->hidden_bytes + text->text_bytes);
}

/* The bytes of the sections between a range's ends, joined, are the chunk's words. */
static void assert_is_range(const struct sample *s, const struct pipeline_range *r,
                            const char *words, size_t bytes)
{
    size_t at = 0;
    for (uint32_t n = r->section; n <= r->end_section; n++) {
        const struct ingest_section *section = &s->section[n - 1];
        size_t from = n == r->section ? r->start : 0;
        size_t to = n == r->end_section ? r->end : section->text_bytes;
        assert_true(to <= section->text_bytes && from <= to && at + to - from <= bytes);
        assert_memory_equal(section->text + from, words + at, to - from);
        at += to - from;
    }
    assert_int_equal(at, bytes);
}

static void assert_sound(const struct sample *s, const struct pipeline_text *text,
                         uint32_t tokens_max)
{
    assert_sentences_cover(text);
    assert_chunks_cover(text, tokens_max);
    for (size_t i = 0; i < text->chunk_count; i++)
        assert_is_range(s, &text->chunk[i].range, text->text + text->chunk[i].at,
                        text->chunk[i].bytes);
}

/* ---- random documents ----------------------------------------------------------- */

static const char *const scraps[] = {
    "The party of the first part ",
    "shall. ",
    "Deliver the goods! ",
    "\n",
    "\n\n",
    " ",
    "Dr. No ",
    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x80\x82", /* ideographs */
    "\xd8\xb3\xd9\x84\xd8\xa7\xd9\x85 ",                /* Arabic */
    "\xf0\x9f\x93\x84",
    "caf\xc3\xa9",
    "12.",
    "(a) ",
    "x",
    ".",
    "\t",
    "\xe2\x80\x9d ",
    "supercalifragilistic",
    "Section 4. ",
    "e.g. ",
    "\xc2\xa0",
};

/* Now and then a sentence no chunk can hold, with or without white space. */
static size_t scrap_repeats(uint64_t *random)
{
    return sample_random(random) % 20 == 0 ? 1 + sample_random(random) % 300 : 1;
}

static size_t random_text(uint64_t *random, char *out, size_t size)
{
    size_t bytes = 0, scraps_wanted = sample_random(random) % 40;
    for (size_t i = 0; i < scraps_wanted; i++) {
        const char *scrap = scraps[sample_random(random) % COUNT(scraps)];
        for (size_t k = scrap_repeats(random); k > 0; k--) {
            if (bytes + strlen(scrap) > size)
                return bytes;
            memcpy(out + bytes, scrap, strlen(scrap));
            bytes += strlen(scrap);
        }
    }
    return bytes;
}

static size_t to_character(const char *text, size_t bytes, size_t at)
{
    while (at < bytes && ((unsigned char)text[at] & 0xC0) == 0x80)
        at++;
    return at;
}

static void random_hide(struct sample *s, uint64_t *random)
{
    const struct ingest_section *section = &s->section[s->document.section_count - 1];
    size_t from = 0, bytes = section->text_bytes;
    for (uint32_t n = sample_random(random) % 4; n > 0 && from < bytes; n--) {
        size_t start = from + sample_random(random) % (bytes - from + 1);
        if (sample_random(random) % 3 == 0)
            start = from; /* at the start, or right after the gap before */
        size_t end = start + sample_random(random) % (bytes - start + 1);
        if (sample_random(random) % 4 == 0)
            end = bytes;
        start = to_character(section->text, bytes, start);
        end = to_character(section->text, bytes, end);
        if (start < end)
            sample_hide_range(s, start, end);
        from = end > from ? end : from;
    }
}

static void random_document(struct sample *s, uint64_t *random)
{
    static char text[20000];
    uint32_t sections = sample_random(random) % 7;
    for (uint32_t i = 0; i < sections; i++) {
        size_t bytes = random_text(random, text, sizeof(text));
        bool page = sample_random(random) % 3 > 0;
        sample_add(s, page ? INGEST_PAGE : INGEST_ELEMENT, text, bytes);
        random_hide(s, random);
    }
}

static void every_byte_is_in_exactly_one_sentence_and_chunk(void **state)
{
    uint64_t random = 20240601;
    (void)state;
    for (int i = 0; i < 400; i++) {
        struct sample s = {0};
        uint32_t tokens_max = 3 + sample_random(&random) % 62;
        random_document(&s, &random);
        struct pipeline_text *text = chunk(&s, tokens_max, i % 4 == 0);
        assert_sound(&s, text, tokens_max);
        pipeline_text_free(text);
        sample_free(&s);
    }
}

/* ---- packing and cutting -------------------------------------------------------- */

static void sentences_are_packed_while_they_fit(void **state)
{
    struct sample s = {0};
    (void)state;
    /* four tokens each, without the two around a chunk */
    sample_page(&s, "The sea is. The sky is. The door is. The rose is.\n");
    struct pipeline_text *text = chunk(&s, 10, false);
    assert_int_equal(text->sentence_count, 4);
    assert_int_equal(text->chunk_count, 2);
    assert_int_equal(text->chunk[0].tokens, 10);
    assert_int_equal(text->chunk[0].sentence_count, 2);
    pipeline_text_free(text);
    text = chunk(&s, 9, false); /* one token less holds one sentence less */
    assert_int_equal(text->chunk_count, 4);
    pipeline_text_free(text);
    sample_free(&s);
}

static void a_sentence_is_cut_only_when_it_alone_is_too_long(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "The sea is. The party shall deliver the goods of the buyer.\n");
    struct pipeline_text *text = chunk(&s, 12, false);
    assert_int_equal(text->sentence_count, 2);
    assert_int_equal(text->sentence[1].tokens, 10); /* fits exactly, beside two */
    assert_int_equal(text->chunk_count, 2);
    pipeline_text_free(text);
    text = chunk(&s, 11, false);
    assert_true(text->sentence_count > 2);
    assert_int_equal(text->sentence[0].bytes, strlen("The sea is. "));
    assert_sound(&s, text, 11);
    pipeline_text_free(text);
    sample_free(&s);
}

static void a_long_sentence_is_cut_at_white_space(void **state)
{
    struct sample s = {0};
    char words[6000] = "";
    (void)state;
    for (int i = 0; i < 200; i++)
        strcat(words, "the notice of termination ");
    sample_page(&s, words);
    struct pipeline_text *text = chunk(&s, 40, false);
    assert_true(text->sentence_count > 5);
    for (size_t i = 1; i < text->sentence_count; i++)
        assert_int_equal(text->text[text->sentence[i].at - 1], ' ');
    assert_sound(&s, text, 40);
    pipeline_text_free(text);
    sample_free(&s);
}

static void text_without_white_space_is_cut_between_characters(void **state)
{
    struct sample s = {0};
    char text_in[30001] = "";
    (void)state;
    for (size_t i = 0; i < 10000; i++)
        memcpy(text_in + 3 * i, "\xe6\x97\xa5", 3);
    sample_page(&s, text_in);
    struct pipeline_text *text = chunk(&s, 64, false);
    assert_sound(&s, text, 64);
    assert_int_equal(text->sentence[0].bytes % 3, 0);
    assert_true(text->chunk_count <= 200); /* pieces are not needlessly small */
    pipeline_text_free(text);
    sample_free(&s);
}

static void words_that_grow_together_do_not_exceed_the_limit(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_element(&s, "aab");   /* 3 tokens: a ##a ##b */
    sample_element(&s, "shall"); /* 1 token, but 5 more behind "aab" */
    struct pipeline_text *text = chunk(&s, 10, false);
    assert_int_equal(text->chunk_count, 1);
    assert_int_equal(text->chunk[0].tokens, 10);
    pipeline_text_free(text);
    text = chunk(&s, 9, false);
    assert_int_equal(text->chunk_count, 2);
    assert_sound(&s, text, 9);
    pipeline_text_free(text);
    sample_free(&s);
}

static void a_gap_left_by_hidden_text_ends_a_chunk(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "The sea is the [ignore all] sky.\n");
    sample_hide(&s, "[ignore all] ");
    struct pipeline_text *text = chunk(&s, 64, false);
    assert_int_equal(text->chunk_count, 2);
    assert_int_equal(text->chunk[0].range.end, strlen("The sea is the "));
    assert_sound(&s, text, 64);
    pipeline_text_free(text);
    text = chunk(&s, 64, true);
    assert_int_equal(text->chunk_count, 1);
    pipeline_text_free(text);
    sample_free(&s);
}

static void a_document_that_is_all_hidden_has_no_chunk(void **state)
{
    struct sample s = {0};
    (void)state;
    sample_page(&s, "All of it.\n");
    sample_hide(&s, "All of it.\n");
    struct pipeline_text *text = chunk(&s, 64, false);
    assert_int_equal(text->chunk_count, 0);
    assert_int_equal(text->sentence_count, 0);
    assert_int_equal(text->hidden_bytes, text->extracted_bytes);
    pipeline_text_free(text);
    sample_free(&s);
}

static void the_limit_is_never_more_than_the_model_takes(void **state)
{
    struct sample s = {0};
    char words[6000] = "";
    (void)state;
    for (int i = 0; i < 200; i++)
        strcat(words, "the notice. ");
    sample_page(&s, words);
    struct pipeline_text *text = chunk(&s, 8192, false);
    assert_sound(&s, text, ENCODER_CONTEXT);
    pipeline_text_free(text);
    sample_free(&s);
}

static void a_limit_without_room_for_text_is_refused(void **state)
{
    struct sample s = {0};
    struct pipeline_text *text;
    struct pipeline_error err;
    (void)state;
    sample_page(&s, "The sea.\n");
    assert_int_equal(pipeline_chunk(&text, &s.document, encoder.model, 2, false, &err),
                     PIPELINE_EINFER);
    assert_null(text);
    assert_non_null(strstr(err.text, "chunks of 2 tokens"));
    text = chunk(&s, 3, false);
    assert_sound(&s, text, 3);
    pipeline_text_free(text);
    sample_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_in_exactly_one_sentence_and_chunk),
        cmocka_unit_test(sentences_are_packed_while_they_fit),
        cmocka_unit_test(a_sentence_is_cut_only_when_it_alone_is_too_long),
        cmocka_unit_test(a_long_sentence_is_cut_at_white_space),
        cmocka_unit_test(text_without_white_space_is_cut_between_characters),
        cmocka_unit_test(words_that_grow_together_do_not_exceed_the_limit),
        cmocka_unit_test(a_gap_left_by_hidden_text_ends_a_chunk),
        cmocka_unit_test(a_document_that_is_all_hidden_has_no_chunk),
        cmocka_unit_test(the_limit_is_never_more_than_the_model_takes),
        cmocka_unit_test(a_limit_without_room_for_text_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
