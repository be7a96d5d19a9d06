/* Whether what a model wrote stands: sentences of our own with the verdict a careful
 * reader gives, and real documents against themselves and each other. */
#include "tests/pipeline/ground.h"

#include <ctype.h>
#include <glob.h>

enum { SENTENCE_BYTES_MAX = 1200, CLAIMS_MAX = 40 };

/* ---- verdicts ------------------------------------------------------------------- */

struct example {
    const char *claim;
    enum ground_verdict verdict;
};

#define STANDS(claim)        \
    {                        \
        claim, GROUND_STANDS \
    }
#define FALLS(verdict, claim)   \
    {                           \
        claim, GROUND_##verdict \
    }

static void assert_verdicts(const char *words, const struct example *example,
                            size_t count)
{
    struct ground_source source;
    source_open(&source, words);
    for (size_t i = 0; i < count; i++) {
        struct ground *ground;
        assert_ok(ground_open(&ground, source.text, ERR));
        struct ground_result result =
            source_check(ground, &source, example[i].claim, strlen(example[i].claim));
        if (result.verdict != example[i].verdict)
            fail_msg("%s, not %s, because of \"%s\": %s",
                     ground_verdict_name(result.verdict),
                     ground_verdict_name(example[i].verdict), result.what,
                     example[i].claim);
        ground_close(ground);
    }
    source_close(&source);
}

static void a_contract_bears_out_what_it_says_and_nothing_else(void **state)
{
    static const char contract[] =
        "SUPPLY AGREEMENT\n"
        "This Supply Agreement is made on March 5, 2019 between Harbor Mills Inc. and "
        "the Lindqvale Trading Company.\n"
        "The Supplier shall deliver four thousand (4,000) crates of salted herring to "
        "the Buyer on the first Monday of each month.\n"
        "The Buyer shall pay $5 million within sixty (60) days of each delivery.\n"
        "Late payments bear interest at 1.5% per month.\n"
        "Neither party may assign this Agreement without the written consent of the "
        "other party.\n"
        "Either party may terminate this Agreement upon thirty (30) days' prior written "
        "notice if the other party fails to cure a material breach.\n"
        "The Supplier grants the Buyer a non-exclusive license to use the marks in "
        "Norway.\n"
        "All taxes are borne by the Buyer, excluding taxes on the Supplier's income.\n"
        "This Agreement ends on 31 December 2024 and is governed by the laws of "
        "Norway.\n";
    static const struct example example[] = {
        STANDS(
            "The Buyer shall pay $5 million within sixty (60) days of each delivery."),
        STANDS("The Buyer pays $5,000,000 within 60 days of each delivery."),
        STANDS(
            "The agreement states that the buyer must pay five million dollars within "
            "60 days of delivery."),
        STANDS(
            "This agreement was made on 2019-03-05 between Harbor Mills Inc. and the "
            "Lindqvale Trading Company."),
        STANDS("Late payments bear interest at 1.5 percent per month."),
        STANDS("Neither party may assign the agreement without written consent."),
        STANDS("The parties may not assign this Agreement without the consent of the "
               "other party."),
        STANDS(
            "The Supplier delivers 4,000 crates of salted herring on the first Monday "
            "of each month."),
        STANDS(
            "The supplier grants a non-exclusive license to use the marks in Norway."),
        STANDS(
            "The agreement ends on December 31, 2024, and is governed by the laws of "
            "Norway."),
        STANDS("Either party may terminate upon 30 days' written notice."),
        STANDS("4,000 crates of salted herring are delivered by the Supplier."),
        FALLS(NUMBER, "The Buyer shall pay $6 million within sixty (60) days."),
        FALLS(NUMBER, "The Buyer shall pay $5 million within 90 days of delivery."),
        FALLS(NUMBER, "Late payments bear interest at 15% per month."),
        FALLS(NUMBER, "Late payments bear interest of $1.5 per month."),
        FALLS(DATE,
              "This agreement was made on 2019-03-06 between Harbor Mills Inc. and "
              "the Lindqvale Trading Company."),
        FALLS(DATE, "This Agreement ends on 31 March 2024."),
        FALLS(NAME, "This Supply Agreement is between Harbor Mills Inc. and the Oduya "
                    "Trading Company."),
        FALLS(NAME, "This Agreement is governed by the laws of Sweden."),
        FALLS(NAME, "The herring is delivered on the first Friday of each month."),
        FALLS(WORDS, "The Buyer shall inspect the herring in the warehouse of the "
                     "Supplier before it is frozen."),
        FALLS(WORDS, "The Supplier shall pay $5 million within sixty (60) days."),
        FALLS(WORDS, "The Buyer may pay $5 million within sixty (60) days of each "
                     "delivery."),
        FALLS(WORDS, "The Buyer must terminate this Agreement upon thirty (30) days' "
                     "notice to the laws of Norway."),
        FALLS(NEGATION,
              "Either party may assign this Agreement with the written consent "
              "of the other party."),
        FALLS(NEGATION, "The Buyer shall not pay $5 million within sixty (60) days of "
                        "each delivery."),
        FALLS(NEGATION, "The Supplier grants the Buyer an exclusive license to use the "
                        "marks in Norway."),
        FALLS(NEGATION, "All taxes on the Supplier's income are borne by the Buyer."),
        FALLS(REPEATS,
              "The Buyer shall pay $5 million and the Buyer shall pay $5 million "
              "and the Buyer shall pay $5 million."),
        FALLS(EMPTY, "SUPPLY AGREEMENT"),
        FALLS(EMPTY, "Supply Agreement."),
        FALLS(EMPTY, "Here is a summary:"),
        FALLS(EMPTY, "In summary, the text highlights the key points."),
        FALLS(EMPTY, "Harbor Mills Inc."),
        FALLS(UNFINISHED, "The Buyer shall pay $5 million within the"),
        FALLS(UNFINISHED,
              "The Buyer shall pay $5 million within sixty days of each..."),
        FALLS(DIALOGUE, "You shall pay $5 million within sixty (60) days."),
        FALLS(DIALOGUE, "I can see that the Buyer shall pay $5 million."),
    };
    (void)state;
    assert_verdicts(contract, example, COUNT(example));
}

static void a_dialogue_is_told_and_not_continued(void **state)
{
    static const char dialogue[] =
        "Doctor: What brings you in today?\n"
        "Patient: I have had a dry cough for three weeks.\n"
        "Doctor: Do you have any fever or chills?\n"
        "Patient: No, I do not have any fever.\n"
        "Doctor: Are you allergic to penicillin?\n"
        "Patient: My knee also hurts when I climb the stairs.\n"
        "Doctor: I will prescribe 500 mg of amoxicillin twice a day.\n";
    static const struct example example[] = {
        STANDS("The patient has had a dry cough for three weeks."),
        STANDS("The patient has had a dry cough for 3 weeks."),
        STANDS("The patient does not have any fever."),
        STANDS("The doctor will prescribe 500 mg of amoxicillin twice a day."),
        FALLS(NUMBER, "The patient has had a dry cough for four weeks."),
        FALLS(NUMBER, "The doctor will prescribe 250 mg of amoxicillin twice a day."),
        FALLS(NEGATION, "The patient does have a fever."),
        FALLS(WORDS, "The patient is allergic to penicillin."),
        FALLS(WORDS, "The patient is recovering from a surgical procedure."),
        FALLS(DIALOGUE, "Patient: I have had a dry cough for three weeks."),
        FALLS(DIALOGUE, "I have had a dry cough for three weeks."),
        FALLS(DIALOGUE, "Does the patient have a dry cough?"),
        FALLS(DIALOGUE, "You have had a dry cough for three weeks."),
        STANDS("The patient says \"I have had a dry cough for three weeks.\""),
    };
    (void)state;
    assert_verdicts(dialogue, example, COUNT(example));
}

static void words_put_together_anew_fall(void **state)
{
    static const char report[] =
        "The harbor office repaired the northern lighthouse in the spring.\n"
        "Captain Oduya reported the wreck of the ferry to the coast guard.\n"
        "The insurers paid the fishermen for their lost nets.\n"
        "No fisherman was hurt when the ferry sank.\n";
    static const struct example example[] = {
        STANDS("The northern lighthouse was repaired by the harbor office."),
        STANDS("The insurers paid the fishermen for their lost nets, and Captain Oduya "
               "reported the wreck of the ferry."),
        STANDS("The report says that no fisherman was hurt."),
        FALLS(WORDS, "The harbor office reported the wreck to the insurers."),
        FALLS(WORDS, "The insurers repaired the ferry in the spring."),
        FALLS(WORDS,
              "The fishermen paid the insurers for their lost nets in the spring."),
        FALLS(WORDS, "The coast guard repaired the northern lighthouse."),
        FALLS(NEGATION, "A fisherman was hurt when the ferry sank."),
        FALLS(NAME, "Captain Hale reported the wreck of the ferry to the coast guard."),
        FALLS(WORDS, "Captain Oduya reported the collision of the tanker."),
    };
    (void)state;
    assert_verdicts(report, example, COUNT(example));
}

static void other_languages_are_compared_by_their_words(void **state)
{
    static const struct example german[] = {
        STANDS("Der Mieter zahlt die Miete von 1.250,50 Euro am 3.5.2021."),
        STANDS("Der Mieter zahlte die Miete von 1250,50 Euro."),
        FALLS(NUMBER, "Der Mieter zahlt die Miete von 1.350,50 Euro."),
        FALLS(DATE, "Der Mieter zahlt die Miete am 4.6.2021."),
        FALLS(NAME, "Der Mieter zahlt die Kaution von 1.250,50 Euro."),
    };
    static const struct example japanese[] = {
        STANDS(
            "\xe8\xb2\xb7\xe4\xb8\xbb\xe3\x81\xaf\xe4\xbb\xa3\xe9\x87\x91\xe3\x82\x92"
            "\xe6\x94\xaf\xe6\x89\x95\xe3\x81\x86\xe3\x80\x82"),
        FALLS(WORDS,
              "\xe5\xa3\xb2\xe4\xb8\xbb\xe3\x81\xaf\xe5\x95\x86\xe5\x93\x81\xe3\x82"
              "\x92\xe8\xbf\x94\xe3\x81\x99\xe3\x80\x82"),
    };
    (void)state;
    assert_verdicts("Der Mieter zahlt die Miete von 1.250,50 Euro am 03.05.2021.\n",
                    german, COUNT(german));
    assert_verdicts(
        "\xe8\xb2\xb7\xe4\xb8\xbb\xe3\x81\xaf\xe4\xbb\xa3\xe9\x87\x91\xe3\x82\x92"
        "\xe6\x94\xaf\xe6\x89\x95\xe3\x81\x86\xe3\x80\x82\n",
        japanese, COUNT(japanese));
}

/* ---- results -------------------------------------------------------------------- */

#define HERRING "The Supplier delivers the salted herring to the Buyer every month."
#define TAXES   "The Buyer bears the taxes and the customs of the shipment."

static void a_claim_cites_the_sentences_it_rests_on(void **state)
{
    struct ground_source source;
    struct ground *ground;
    (void)state;
    source_open(&source, "Nothing is said here.\n" HERRING "\n" TAXES "\nOr here.\n");
    assert_ok(ground_open(&ground, source.text, ERR));
    struct ground_result result = source_check(ground, &source, TAXES, strlen(TAXES));
    assert_int_equal(result.verdict, GROUND_STANDS);
    assert_int_equal(result.first, 2);
    assert_int_equal(result.end, 3);
    assert_true(result.support == 1.0);
    assert_string_equal(result.what, "");
    ground_close(ground);
    source_close(&source);
}

static void a_claim_rests_on_one_chunk_of_those_it_may_rest_on(void **state)
{
    static const char both[] = "The Supplier delivers the salted herring to the Buyer "
                               "every month, and the Buyer bears the taxes and the "
                               "customs of the shipment.";
    struct ground_source source;
    struct ground_result result;
    struct ground *ground;
    (void)state;
    source_open(&source, HERRING "\n" TAXES "\n");
    assert_ok(ground_open(&ground, source.text, ERR));
    result = source_check(ground, &source, both, strlen(both));
    assert_int_equal(result.verdict, GROUND_STANDS);
    assert_int_equal(result.end - result.first, 2);
    ground_close(ground);

    source.text->sentence[1].chunk = 1;
    assert_ok(ground_open(&ground, source.text, ERR));
    result = source_check(ground, &source, both, strlen(both));
    assert_int_equal(result.verdict, GROUND_WORDS);
    struct ground_claim claim = {
        .text = TAXES, .bytes = strlen(TAXES), .first = 0, .end = 1, .prompt = ""};
    assert_ok(ground_check(ground, &claim, &result, ERR));
    assert_int_equal(result.verdict, GROUND_WORDS);
    ground_close(ground);
    source_close(&source);
}

static void what_was_taken_is_not_said_again(void **state)
{
    struct ground_source source;
    struct ground *ground;
    (void)state;
    source_open(&source, HERRING "\n" TAXES "\n");
    assert_ok(ground_open(&ground, source.text, ERR));
    const char *again =
        "Every month, the Supplier delivers salted herring to the Buyer.";
    assert_int_equal(source_check(ground, &source, HERRING, strlen(HERRING)).verdict,
                     GROUND_STANDS);
    assert_int_equal(source_check(ground, &source, again, strlen(again)).verdict,
                     GROUND_REPEATS);
    assert_int_equal(source_check(ground, &source, TAXES, strlen(TAXES)).verdict,
                     GROUND_STANDS);
    ground_close(ground);
    source_close(&source);
}

static void the_word_to_blame_is_told(void **state)
{
    static const char claim[] = "The Supplier delivers the salted herring to Oduya.";
    struct ground_source source;
    struct ground *ground;
    char name[400] = "The Supplier delivers the salted herring to X";
    (void)state;
    source_open(&source, HERRING "\n");
    assert_ok(ground_open(&ground, source.text, ERR));
    assert_string_equal(source_check(ground, &source, claim, strlen(claim)).what,
                        "Oduya");
    for (int i = 0; i < 60; i++) /* cut at a character: 1 + 47 * 2 bytes */
        strcat(name, "\xc3\xbc");
    strcat(name, ".");
    struct ground_result result = source_check(ground, &source, name, strlen(name));
    assert_int_equal(result.verdict, GROUND_NAME);
    assert_int_equal(strlen(result.what), 95);
    ground_close(ground);
    source_close(&source);
}

static enum ground_verdict check_with(const struct ground_source *source,
                                      const char *words, const char *prompt,
                                      bool broken_off)
{
    struct ground *ground;
    struct ground_result result;
    struct ground_claim claim = {.text = words,
                                 .bytes = strlen(words),
                                 .end = source->text->sentence_count,
                                 .prompt = prompt,
                                 .broken_off = broken_off};
    assert_ok(ground_open(&ground, source->text, ERR));
    assert_ok(ground_check(ground, &claim, &result, ERR));
    ground_close(ground);
    return result.verdict;
}

static void the_prompt_is_no_source(void **state)
{
    static const char prompt[] =
        "Summarize the text below in two or three plain sentences "
        "for a reader of contracts.";
    struct ground_source source;
    (void)state;
    source_open(&source, HERRING "\n" TAXES "\n");
    assert_int_equal(check_with(&source,
                                "Below are two or three plain sentences about it.",
                                prompt, false),
                     GROUND_PROMPT);
    assert_int_equal(check_with(&source, HERRING, HERRING, false), GROUND_STANDS);
    source_close(&source);
}

static void a_prompt_may_change_between_claims(void **state)
{
    static const char words[] = "Two or three plain sentences are given below.";
    static const char *const prompt[] = {"Write two or three plain sentences.", "",
                                         "Sum up.",
                                         "Write two or three plain sentences."};
    struct ground_source source;
    struct ground *ground;
    struct ground_result result;
    (void)state;
    source_open(&source, HERRING "\n");
    assert_ok(ground_open(&ground, source.text, ERR));
    for (size_t i = 0; i < COUNT(prompt); i++) {
        struct ground_claim claim = {
            .text = words, .bytes = strlen(words), .end = 1, .prompt = prompt[i]};
        assert_ok(ground_check(ground, &claim, &result, ERR));
        assert_int_equal(result.verdict, i % 3 ? GROUND_NUMBER : GROUND_PROMPT);
    }
    ground_close(ground);
    source_close(&source);
}

static void where_the_model_was_stopped_a_sentence_may_go_on(void **state)
{
    static const char paid[] = "The Buyer pays a fee of $5.";
    struct ground_source source;
    (void)state;
    source_open(&source, "The Buyer pays a fee of $5 a crate.\n" TAXES "\n");
    assert_int_equal(check_with(&source, paid, "", false), GROUND_STANDS);
    assert_int_equal(check_with(&source, paid, "", true), GROUND_UNFINISHED);
    assert_int_equal(check_with(&source, TAXES, "", true), GROUND_STANDS);
    source_close(&source);
}

static void a_document_without_sentences_bears_out_nothing(void **state)
{
    struct ground_source source;
    (void)state;
    source_open(&source, "");
    assert_int_equal(check_with(&source, TAXES, "", false), GROUND_NAME);
    assert_int_equal(check_with(&source, "", "", false), GROUND_EMPTY);
    source_close(&source);
}

/* Bytes of any kind, as claim and as document: no crash, and always a verdict. */
static void any_bytes_get_a_verdict(void **state)
{
    uint64_t seed = 5;
    (void)state;
    for (int round = 0; round < 300; round++) {
        static const char *const part[] = {"\xff",
                                           "\xe2\x80",
                                           "$",
                                           "5",
                                           ",",
                                           ".",
                                           " not ",
                                           "March ",
                                           "\n",
                                           "\xf0\x9f\x98\x80",
                                           "II",
                                           "'",
                                           "\xe6\x97\xa5",
                                           "the ",
                                           "hundred ",
                                           "-"};
        char words[200] = "";
        for (int i = 0; i < 40; i++)
            strcat(words, part[sample_random(&seed) % COUNT(part)]);
        struct ground_source source;
        struct ground_piece piece[CLAIMS_MAX];
        source_open(&source, words);
        size_t count = ground_cut(words, strlen(words), piece, CLAIMS_MAX);
        struct ground *ground;
        assert_ok(ground_open(&ground, source.text, ERR));
        for (size_t i = 0; i < count; i++) {
            struct ground_result result =
                source_check(ground, &source, words + piece[i].at, piece[i].bytes);
            assert_in_range(result.verdict, GROUND_STANDS, GROUND_EMPTY);
            assert_true(result.end <= source.text->sentence_count);
        }
        ground_close(ground);
        source_close(&source);
    }
}

static void every_verdict_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(ground_verdict_name(GROUND_STANDS), "stands");
    assert_string_equal(ground_verdict_name(GROUND_NEGATION), "negation");
    assert_string_equal(ground_verdict_name(GROUND_EMPTY), "empty");
}

/* ---- real documents ------------------------------------------------------------- */

static char *slurp(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size_t bytes = (size_t)ftell(file);
    rewind(file);
    char *text = calloc(bytes + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, bytes, file), bytes);
    fclose(file);
    return text;
}

struct tally {
    size_t sentences, stand;
    size_t swapped, fall;     /* a number or a name exchanged */
    size_t strange, believed; /* of another document */
    char other[SENTENCE_BYTES_MAX];
};

static enum ground_verdict verdict_on(const struct ground_source *source,
                                      const char *words)
{
    return check_with(source, words, "", false);
}

/* Put `word` for the bytes [from, end) of a sentence and count whether it falls. */
static void swap(struct tally *tally, const struct ground_source *source,
                 const char *words, size_t from, size_t end, const char *word,
                 enum ground_verdict wanted)
{
    char swapped[SENTENCE_BYTES_MAX + 16];
    snprintf(swapped, sizeof(swapped), "%.*s%s%s", (int)from, words, word, words + end);
    enum ground_verdict verdict = verdict_on(source, swapped);
    bool falls = verdict == wanted || verdict == GROUND_DATE; /* "March Quixwell" */
    tally->swapped++;
    tally->fall += falls;
    if (!falls)
        print_message("%s: %s\n", ground_verdict_name(verdict), swapped);
}

/* The first number that stands alone: "(60) days", not "4.2" or "A1". */
static void swap_number(struct tally *tally, const struct ground_source *source,
                        const char *words)
{
    for (size_t i = 1, end; words[i]; i = end) {
        for (end = i; isdigit((unsigned char)words[end]);)
            end++;
        bool alone = !isalnum((unsigned char)words[i - 1]) &&
                     !strchr(".,", words[i - 1]) && !isalpha((unsigned char)words[end]);
        if (end > i && alone) {
            swap(tally, source, words, i, end, "9731", GROUND_NUMBER);
            return;
        }
        end += end == i;
    }
}

/* The first word that begins with a capital behind a small one. */
static void swap_name(struct tally *tally, const struct ground_source *source,
                      const char *words)
{
    for (size_t i = 2, end; words[i]; i++) {
        if (!isupper((unsigned char)words[i]) || words[i - 1] != ' ' ||
            !islower((unsigned char)words[i - 2]) ||
            !islower((unsigned char)words[i + 1]))
            continue;
        for (end = i; isalpha((unsigned char)words[end]);)
            end++;
        swap(tally, source, words, i, end, "Quixwell", GROUND_NAME);
        return;
    }
}

/* A whole sentence of prose that is not a numbered heading. */
static bool quotable(const struct ground_source *source, size_t i,
                     char out[SENTENCE_BYTES_MAX])
{
    struct work work = {.text = source->text};
    struct quote quote = work_sentence(&work, i);
    if (!work_is_prose(&work, i) || quote.bytes + 1 > SENTENCE_BYTES_MAX)
        return false;
    memcpy(out, source->text->text + quote.at, quote.bytes);
    out[quote.bytes] = '\0';
    return out[quote.bytes - 1] == '.';
}

static void try_document(struct tally *tally, const char *path)
{
    enum { EVERY = 40 };
    char *text = slurp(path), words[SENTENCE_BYTES_MAX];
    struct ground_source source;
    source_open(&source, text);
    if (tally->other[0]) {
        tally->strange++;
        bool believed = verdict_on(&source, tally->other) == GROUND_STANDS;
        tally->believed += believed;
        if (believed)
            print_message("not from %s: %s\n", path, tally->other);
    }
    for (size_t i = 0; i < source.text->sentence_count; i++) {
        if (i % EVERY != 7 || !quotable(&source, i, words))
            continue;
        enum ground_verdict verdict = verdict_on(&source, words);
        tally->sentences++;
        tally->stand += verdict == GROUND_STANDS;
        if (verdict != GROUND_STANDS) {
            print_message("%s: %s\n", ground_verdict_name(verdict), words);
            continue;
        }
        swap_number(tally, &source, words);
        swap_name(tally, &source, words);
        strcpy(tally->other, words);
    }
    source_close(&source);
    free(text);
}

static void real_prose_stands_on_itself_and_not_elsewhere(void **state)
{
    struct tally tally = {0};
    glob_t found = {0};
    (void)state;
    if (glob("../shared/corpus/pdf/contracts/*.txt", 0, NULL, &found) != 0) {
        fprintf(stderr,
                "no ../shared/corpus/pdf/contracts: not compared with contracts\n");
        skip();
    }
    for (size_t i = 0; i < found.gl_pathc; i++)
        try_document(&tally, found.gl_pathv[i]);
    globfree(&found);
    print_message("%zu of %zu sentences stand, %zu of %zu swapped fall, "
                  "%zu of %zu strange ones stand\n",
                  tally.stand, tally.sentences, tally.fall, tally.swapped,
                  tally.believed, tally.strange);
    assert_true(tally.sentences >= 100);
    assert_true(tally.stand * 100 >=
                tally.sentences * 98); /* the rest: long headings */
    assert_true(tally.swapped >= 100);
    assert_int_equal(tally.fall, tally.swapped);
    assert_true(tally.believed * 20 <=
                tally.strange); /* some clauses all contracts have */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_contract_bears_out_what_it_says_and_nothing_else),
        cmocka_unit_test(a_dialogue_is_told_and_not_continued),
        cmocka_unit_test(words_put_together_anew_fall),
        cmocka_unit_test(other_languages_are_compared_by_their_words),
        cmocka_unit_test(a_claim_cites_the_sentences_it_rests_on),
        cmocka_unit_test(a_claim_rests_on_one_chunk_of_those_it_may_rest_on),
        cmocka_unit_test(what_was_taken_is_not_said_again),
        cmocka_unit_test(the_word_to_blame_is_told),
        cmocka_unit_test(the_prompt_is_no_source),
        cmocka_unit_test(a_prompt_may_change_between_claims),
        cmocka_unit_test(where_the_model_was_stopped_a_sentence_may_go_on),
        cmocka_unit_test(a_document_without_sentences_bears_out_nothing),
        cmocka_unit_test(any_bytes_get_a_verdict),
        cmocka_unit_test(every_verdict_has_a_name),
        cmocka_unit_test(real_prose_stands_on_itself_and_not_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
