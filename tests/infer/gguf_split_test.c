/* A model in several files is one model, or is refused by the part at fault. */
#include "tests/infer/tiny_decoder.h"

#include <sys/stat.h>
#include <unistd.h>

enum { PARTS = 3 };

struct change { /* 0, NULL and false: as it should be */
    int part;   /* from 1; the one that is changed: */
    bool missing, cut, without_keys;
    int no, count, tensors; /* added to what it should say */
    const char *key;        /* a key of this name is added */
    bool doubles;           /* its first tensor stands in the first part too */
    const char *stem;       /* of all names */
    bool first_is_bare;     /* no tensors in the first part */
};

struct folder {
    char path[64], file[PARTS][128];
};

static const struct tiny_decoder decoder = {.architecture = "llama",
                                            .type = GGUF_Q8_0,
                                            .layers = 2,
                                            .heads = 4,
                                            .kv_heads = 2,
                                            .key_size = 64};

static struct tiny_list list;

/* Tensors first to last of the list belong to part i. */
static size_t first_of(int i, const struct change *change)
{
    if (change->first_is_bare)
        return i == 0 ? 0 : (size_t)(i - 1) * list.count / (PARTS - 1);
    return (size_t)i * list.count / PARTS;
}

static void write_part(const struct folder *f, int i, const struct change *change)
{
    const bool changed = change->part == i + 1;
    struct gguf_writer w = {0};
    uint64_t state = 7 + (uint64_t)i;
    size_t first = first_of(i, change), last = first_of(i + 1, change);
    FILE *file = fopen(f->file[i], "wb");

    assert_non_null(file);
    if (i == 0)
        tiny_write_keys(&w, &decoder);
    if (!changed || !change->without_keys) {
        gguf_write_u16(&w, "split.no", (uint16_t)(i + (changed ? change->no : 0)));
        gguf_write_u16(&w, "split.count",
                       (uint16_t)(PARTS + (changed ? change->count : 0)));
        gguf_write_i32(&w, "split.tensors.count",
                       (int32_t)list.count + (changed ? change->tensors : 0));
    }
    if (changed && change->key != NULL)
        gguf_write_string(&w, change->key, "qwen2", 5);
    if (changed && change->doubles)
        first = 0;
    for (size_t t = first; t < last; t++)
        gguf_write_tensor(&w, list.tensor[t].name, list.tensor[t].type,
                          list.tensor[t].dims, list.tensor[t].dim);
    gguf_write_head(&w, file);
    for (size_t t = first; t < last; t++)
        tiny_values(file, &w, &list.tensor[t], &state);
    assert_int_equal(gguf_write_end(&w, file), 0);
    if (changed && change->cut)
        assert_int_equal(ftruncate(fileno(file), ftell(file) - 100), 0);
    fclose(file);
    if (changed && change->missing)
        unlink(f->file[i]);
}

static struct folder make_folder(const struct change *change)
{
    static char path[64];
    struct folder f;

    strcpy(path, "/tmp/split-test-XXXXXX");
    assert_non_null(mkdtemp(path));
    strcpy(f.path, path);
    list.d = &decoder;
    list.count = 0;
    tiny_add_all(&list);
    for (int i = 0; i < PARTS; i++) {
        snprintf(f.file[i], sizeof f.file[i], "%s/%s-%05d-of-%05d.gguf", path,
                 change->stem != NULL ? change->stem : "tiny", i + 1, PARTS);
        write_part(&f, i, change);
    }
    return f;
}

static void remove_folder(const struct folder *f)
{
    for (int i = 0; i < PARTS; i++)
        unlink(f->file[i]);
    assert_int_equal(rmdir(f->path), 0);
}

static void expect(const struct change *change, int open, int wanted, const char *a,
                   const char *b)
{
    struct folder f = make_folder(change);
    struct infer_model *model;
    struct infer_error err = {0};
    int status = infer_model_open(&model, f.file[open - 1], &err);

    if (status != wanted || strstr(err.text, a) == NULL || strstr(err.text, b) == NULL)
        fail_msg("status %d, wanted %d about \"%s\" and \"%s\": %s", status, wanted, a,
                 b, err.text);
    assert_null(model);
    remove_folder(&f);
}

static void logits_of(const struct infer_model *model, float out[TINY_VOCABULARY])
{
    static const int32_t id[] = {1, 70, 80, 90, 260};
    const struct infer_sequence prompt = {id, sizeof id / sizeof *id};
    struct infer_options options = infer_options_default();
    struct infer_session *session;
    struct infer_error err = {0};

    options.context_tokens = 32;
    options.batch_sequences = 1;
    if (infer_session_open(&session, model, &options, &err) != 0 ||
        infer_logits(session, &prompt, 1, out, &err) != 0)
        fail_msg("%s", err.text);
    infer_session_close(session);
}

/* The parts one after the other in one file. */
static struct infer_model *open_whole(void)
{
    struct infer_model *model = NULL;
    struct infer_error err = {0};
    struct gguf_writer w = {0};
    char *bytes = NULL;
    size_t count;
    FILE *file = open_memstream(&bytes, &count);

    tiny_write_keys(&w, &decoder);
    for (size_t t = 0; t < list.count; t++)
        gguf_write_tensor(&w, list.tensor[t].name, list.tensor[t].type,
                          list.tensor[t].dims, list.tensor[t].dim);
    gguf_write_head(&w, file);
    for (int i = 0; i < PARTS; i++) {
        uint64_t state = 7 + (uint64_t)i;
        size_t first = (size_t)i * list.count / PARTS;
        size_t last = (size_t)(i + 1) * list.count / PARTS;
        for (size_t t = first; t < last; t++)
            tiny_values(file, &w, &list.tensor[t], &state);
    }
    assert_int_equal(gguf_write_end(&w, file), 0);
    fclose(file);
    if (model_open_memory(&model, bytes, count, &err) != 0)
        fail_msg("%s", err.text);
    free(bytes);
    return model;
}

static void the_first_part_opens_all(void **state)
{
    struct folder f = make_folder(&(struct change){0});
    float split[TINY_VOCABULARY], whole[TINY_VOCABULARY];
    struct infer_model_info info, wanted;
    struct infer_model *model, *other;
    struct infer_error err = {0};
    struct stat st;
    uint64_t bytes = 0;

    (void)state;
    if (infer_model_open(&model, f.file[0], &err) != 0)
        fail_msg("%s", err.text);
    for (int i = 0; i < PARTS; i++) {
        assert_string_equal(infer_model_file(model, (size_t)i), f.file[i]);
        assert_int_equal(stat(f.file[i], &st), 0);
        bytes += (uint64_t)st.st_size;
    }
    assert_null(infer_model_file(model, PARTS));
    other = open_whole();
    assert_null(infer_model_file(other, 0));
    infer_model_info(model, &info);
    infer_model_info(other, &wanted);
    assert_int_equal(info.file_bytes, bytes);
    assert_int_equal(info.parameters, wanted.parameters);
    logits_of(model, split);
    logits_of(other, whole);
    assert_memory_equal(split, whole, sizeof split);
    infer_model_close(other);
    infer_model_close(model);
    remove_folder(&f);
}

static void the_first_part_may_hold_no_tensors(void **state)
{
    struct folder f = make_folder(&(struct change){.first_is_bare = true});
    struct infer_model_info info;
    struct infer_model *model;
    struct infer_error err = {0};

    (void)state;
    if (infer_model_open(&model, f.file[0], &err) != 0)
        fail_msg("%s", err.text);
    infer_model_info(model, &info);
    assert_int_equal(info.layers, 2);
    infer_model_close(model);
    remove_folder(&f);
}

static void a_missing_part_is_named(void **state)
{
    (void)state;
    expect(&(struct change){.part = 2, .missing = true}, 1, INFER_EIO, "part 2 of 3",
           "tiny-00002-of-00003.gguf: No such file");
    expect(&(struct change){.part = 3, .missing = true}, 1, INFER_EIO, "part 3 of 3",
           "tiny-00003-of-00003.gguf");
}

static void a_damaged_part_is_named(void **state)
{
    (void)state;
    expect(&(struct change){.part = 2, .cut = true}, 1, INFER_EFORMAT, "part 2 of 3",
           "leaves the");
    expect(&(struct change){.part = 1, .cut = true}, 1, INFER_EFORMAT, "leaves the",
           "");
}

static void a_later_part_says_which_to_open(void **state)
{
    (void)state;
    expect(&(struct change){0}, 2, INFER_EINVALID, "part 2 of a model in 3 files",
           "open the first, tiny-00001-of-00003.gguf");
    expect(&(struct change){.stem = "a.b"}, 3, INFER_EINVALID, "part 3",
           "a.b-00001-of-00003.gguf");
}

static void the_name_must_lead_to_the_others(void **state)
{
    struct folder f = make_folder(&(struct change){0});
    struct infer_model *model;
    struct infer_error err = {0};
    char path[128];

    (void)state;
    snprintf(path, sizeof path, "%s/other.gguf", f.path);
    assert_int_equal(rename(f.file[0], path), 0);
    assert_int_equal(infer_model_open(&model, path, &err), INFER_EINVALID);
    assert_non_null(strstr(err.text, "must end in -00001-of-00003.gguf"));
    unlink(path);
    remove_folder(&f);
}

static void numbers_that_disagree_are_refused(void **state)
{
    (void)state;
    expect(&(struct change){.part = 2, .no = 1}, 1, INFER_EFORMAT,
           "tiny-00002-of-00003.gguf says it is part 3", "its name says 2");
    expect(&(struct change){.part = 2, .no = 5}, 1, INFER_EFORMAT,
           "tiny-00002-of-00003.gguf", "does not say which part");
    expect(&(struct change){.part = 3, .count = 1}, 1, INFER_EFORMAT,
           "tiny-00003-of-00003.gguf counts 4 parts", "");
    expect(&(struct change){.part = 3, .tensors = -1}, 1, INFER_EFORMAT,
           "tiny-00003-of-00003.gguf counts 3 parts", "tensors");
    expect(&(struct change){.part = 1, .count = -PARTS}, 1, INFER_EFORMAT,
           "split.count is 0", "1 to 1024");
    expect(&(struct change){.part = 1, .count = 1022}, 1, INFER_EFORMAT,
           "split.count is 1025", "");
    expect(&(struct change){.part = 1, .no = 3}, 1, INFER_EFORMAT, "split.no is 3",
           "0 to 2");
    expect(&(struct change){.part = 2, .without_keys = true}, 1, INFER_EFORMAT,
           "tiny-00002-of-00003.gguf", "does not say which part");
}

static void a_part_of_another_model_is_refused(void **state)
{
    (void)state;
    expect(&(struct change){.part = 2, .key = "general.architecture"}, 1, INFER_EFORMAT,
           "tiny-00002-of-00003.gguf is a part of another model",
           "another value of key general.architecture");
    expect(&(struct change){.part = 3, .key = "general.basename"}, 1, INFER_EFORMAT,
           "tiny-00003-of-00003.gguf is a part of another model",
           "no key general.basename");
}

static void a_tensor_in_two_parts_is_refused(void **state)
{
    struct folder f;
    struct infer_model *model;
    struct infer_error err = {0};
    const struct change change = {.part = 2, .doubles = true};

    (void)state;
    expect(&change, 1, INFER_EFORMAT, "split.tensors.count is", "hold");
    /* the sum made right, the tensors still stand twice */
    f = make_folder(&change);
    size_t doubled = first_of(1, &change);
    for (int i = 0; i < PARTS; i++) {
        struct change counted = {.part = i + 1, .tensors = (int)doubled};
        counted.doubles = i == 1;
        write_part(&f, i, &counted);
    }
    assert_int_equal(infer_model_open(&model, f.file[0], &err), INFER_EFORMAT);
    assert_non_null(strstr(err.text, "stands twice"));
    remove_folder(&f);
}

static void parts_cannot_be_had_from_memory(void **state)
{
    struct folder f = make_folder(&(struct change){0});
    FILE *file = fopen(f.file[0], "rb");
    struct infer_model *model;
    struct infer_error err = {0};
    static char bytes[8 << 20];
    size_t count = fread(bytes, 1, sizeof bytes, file);

    (void)state;
    fclose(file);
    assert_int_equal(model_open_memory(&model, bytes, count, &err), INFER_EINVALID);
    assert_non_null(strstr(err.text, "3 files cannot be had from memory"));
    remove_folder(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_part_opens_all),
        cmocka_unit_test(the_first_part_may_hold_no_tensors),
        cmocka_unit_test(a_missing_part_is_named),
        cmocka_unit_test(a_damaged_part_is_named),
        cmocka_unit_test(a_later_part_says_which_to_open),
        cmocka_unit_test(the_name_must_lead_to_the_others),
        cmocka_unit_test(numbers_that_disagree_are_refused),
        cmocka_unit_test(a_part_of_another_model_is_refused),
        cmocka_unit_test(a_tensor_in_two_parts_is_refused),
        cmocka_unit_test(parts_cannot_be_had_from_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
