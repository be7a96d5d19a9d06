/* build - from a valid tree to struct policy.
 *
 * Everything goes into one block whose size is known beforehand: no string is
 * longer than its source or the grammar's default, a prior's path than its name
 * and the policy's folder, and no element needs more than one struct and one
 * pointer. Structs are taken from the front, strings from the back:
 *
 *     | policy's structs ->            free            <- strings |
 *
 * so that nothing in here can run out of memory, and only patterns can fail. */
#include "policies/loader.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENT_BYTES_MAX = 256, SPARE_BYTES = 64 << 10, MIB = 1 << 20 };

_Static_assert(sizeof(struct policy_task) + 2 * sizeof(void *) < ELEMENT_BYTES_MAX &&
                   sizeof(struct policy_detector) + 2 * sizeof(void *) <
                       ELEMENT_BYTES_MAX &&
                   sizeof(struct policy_pattern) + 2 * sizeof(void *) <
                       ELEMENT_BYTES_MAX,
               "an element's struct fits its share of the block");

struct build {
    char *front, *back;
    const struct grammar *grammar;
    const char *path; /* the policy's file, or NULL */
    struct policy_loaded *loaded;
    struct policy_error *err;
};

/* ---- taking from the block ---- */

static void *take(struct build *build, size_t size, size_t count)
{
    void *taken = build->front;

    size = (size * count + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    assert(size <= (size_t)(build->back - build->front));
    build->front += size;
    return memset(taken, 0, size);
}

static char *take_bytes(struct build *build, size_t bytes)
{
    assert(bytes <= (size_t)(build->back - build->front));
    return build->back -= bytes;
}

static const char *take_text(struct build *build, const xmlNode *node)
{
    size_t bytes = policy_tree_text(node, NULL, 0);
    char *text = take_bytes(build, bytes + 1);

    policy_tree_text(node, text, bytes + 1);
    return text;
}

static const char *child_text(struct build *build, const xmlNode *parent,
                              const char *name)
{
    return take_text(build, policy_tree_child(parent, name));
}

/* ---- attributes ---- */

/* The value written, or the grammar's default, or NULL. node may be NULL: then
 * the whole element was left out. */
static const char *value_of(const struct build *build, const xmlNode *node,
                            const char *element, const char *name)
{
    const char *value = node ? policy_tree_value(node, name) : NULL;
    const struct grammar_attribute *attribute;

    if (value)
        return value;
    attribute = grammar_attribute_find(grammar_find(build->grammar, element), name);
    assert(attribute);
    return attribute->standard;
}

static double number_of(const struct build *build, const xmlNode *node,
                        const char *element, const char *name)
{
    return grammar_number(value_of(build, node, element, name));
}

static uint32_t count_of(const struct build *build, const xmlNode *node,
                         const char *element, const char *name)
{
    return (uint32_t)number_of(build, node, element, name);
}

static bool is_word(const struct build *build, const xmlNode *node, const char *element,
                    const char *name, const char *word)
{
    return strcmp(value_of(build, node, element, name), word) == 0;
}

/* A copy of the value, or NULL when there is neither value nor default. */
static const char *take_value(struct build *build, const xmlNode *node,
                              const char *element, const char *name)
{
    const char *value = value_of(build, node, element, name);
    size_t bytes = value ? strlen(value) + 1 : 0;

    return value ? memcpy(take_bytes(build, bytes), value, bytes) : NULL;
}

/* A text kept to the byte, or the grammar's default. parent may be NULL. */
static const char *take_exact(struct build *build, const xmlNode *parent,
                              const char *name)
{
    const xmlNode *node = parent ? policy_tree_child(parent, name) : NULL;
    const char *standard = grammar_find(build->grammar, name)->standard;
    size_t bytes = node ? policy_tree_exact(node, NULL, 0) : strlen(standard);
    char *text = take_bytes(build, bytes + 1);

    if (node)
        policy_tree_exact(node, text, bytes + 1);
    else
        memcpy(text, standard, bytes + 1);
    return text;
}

/* ---- tasks ---- */

static const char *const *take_examples(struct build *build, const xmlNode *parent,
                                        size_t *count)
{
    const char **example;
    size_t i = 0;

    *count = policy_tree_count(parent, "example");
    example = take(build, sizeof *example, *count);
    for (xmlNode *node = policy_tree_child(parent, "example"); node;
         node = policy_tree_sibling(node, "example"))
        example[i++] = take_text(build, node);
    return example;
}

static void build_label(struct build *build, struct policy_label *label,
                        const xmlNode *node)
{
    label->name = take_value(build, node, "label", "name");
    label->title = child_text(build, node, "title");
    label->answer = take_value(build, node, "label", "answer");
    label->answer = label->answer ? label->answer : label->title;
    label->description = child_text(build, node, "description");
    label->example = take_examples(build, node, &label->example_count);
}

static enum policy_pool pool_of(const struct build *build, const xmlNode *node)
{
    if (is_word(build, node, "task", "pool", "mean"))
        return POLICY_POOL_MEAN;
    return is_word(build, node, "task", "pool", "max") ? POLICY_POOL_MAX
                                                       : POLICY_POOL_TOP;
}

static void build_task(struct build *build, struct policy_task *task,
                       const xmlNode *node)
{
    struct policy_label *label;

    task->name = take_value(build, node, "task", "name");
    task->question = child_text(build, node, "question");
    task->threshold = number_of(build, node, "task", "threshold");
    task->temperature = number_of(build, node, "task", "temperature");
    task->lead_weight = number_of(build, node, "task", "lead-weight");
    task->pool = pool_of(build, node);
    task->pool_top = count_of(build, node, "task", "pool-top");
    task->evidence_max = count_of(build, node, "task", "evidence-max");
    task->model_threshold = number_of(build, node, "task", "model-threshold");
    task->model_temperature = number_of(build, node, "task", "model-temperature");
    task->model_lead_weight = number_of(build, node, "task", "model-lead-weight");
    task->label_count = policy_tree_count(node, "label");
    task->label = label = take(build, sizeof *label, task->label_count);
    for (xmlNode *child = policy_tree_child(node, "label"); child;
         child = policy_tree_sibling(child, "label"))
        build_label(build, label++, child);
}

static void build_tasks(struct build *build, struct policy *policy, const xmlNode *root)
{
    struct policy_task *task;

    policy->task_count = policy_tree_count(root, "task");
    policy->task = task = take(build, sizeof *task, policy->task_count);
    for (xmlNode *node = policy_tree_child(root, "task"); node;
         node = policy_tree_sibling(node, "task"))
        build_task(build, task++, node);
}

/* ---- detectors ---- */

static int build_pattern(struct build *build, const xmlNode *node,
                         const struct policy_pattern **out)
{
    struct policy_loaded *loaded = build->loaded;
    struct policy_pattern *pattern = &loaded->pattern[loaded->pattern_count];
    const char *element = (const char *)node->name;
    int line = policy_tree_line(node);

    pattern->phrase = policy_tree_is(node, "phrase");
    pattern->keep_case =
        !pattern->phrase && is_word(build, node, element, "case", "keep");
    if (!pattern->phrase && policy_tree_broken(node))
        return policy_fail(build->err, POLICY_EINVALID, line,
                           "the regular expression runs over a line end; write it on "
                           "one line, or as several <%s>, with \\s+ for white space",
                           element);
    pattern->source = take_text(build, node);
    *out = pattern;
    loaded->pattern_count++;
    return policy_pattern_compile(pattern, line, &loaded->pattern_bytes, build->err);
}

/* Phrases and patterns, or excludes; other children are passed over. */
static int build_patterns(struct build *build, const xmlNode *parent, bool exclude,
                          const struct policy_pattern *const **out, size_t *count)
{
    const struct policy_pattern **pattern;
    size_t all = policy_tree_count(parent, NULL);
    int status = POLICY_OK;

    *count = 0;
    *out = pattern = take(build, sizeof(void *), all);
    for (xmlNode *node = policy_tree_child(parent, NULL); node && status == POLICY_OK;
         node = policy_tree_sibling(node, NULL))
        if (!policy_tree_is(node, "title") &&
            policy_tree_is(node, "exclude") == exclude)
            status = build_pattern(build, node, &pattern[(*count)++]);
    return status;
}

static int build_pattern_detector(struct build *build, struct policy_detector *detector,
                                  const xmlNode *node)
{
    int status;

    detector->kind = POLICY_DETECTOR_PATTERN;
    detector->luhn = is_word(build, node, "pattern-detector", "luhn", "yes");
    status = build_patterns(build, node, false, &detector->pattern,
                            &detector->pattern_count);
    if (status == POLICY_OK)
        status = build_patterns(build, node, true, &detector->exclude,
                                &detector->exclude_count);
    return status;
}

static void build_meaning_detector(struct build *build,
                                   struct policy_detector *detector,
                                   const xmlNode *node)
{
    detector->kind = POLICY_DETECTOR_MEANING;
    detector->description = child_text(build, node, "description");
    detector->example = take_examples(build, node, &detector->example_count);
    detector->threshold = number_of(build, node, "meaning-detector", "threshold");
}

static int build_detector(struct build *build, struct policy_detector *detector,
                          const xmlNode *node)
{
    const char *element = (const char *)node->name;

    detector->name = take_value(build, node, element, "name");
    detector->title = child_text(build, node, "title");
    detector->mask = is_word(build, node, element, "mask", "yes");
    detector->findings_max = count_of(build, node, element, "findings-max");
    if (policy_tree_is(node, "pattern-detector"))
        return build_pattern_detector(build, detector, node);
    build_meaning_detector(build, detector, node);
    return POLICY_OK;
}

/* The shipped detector, behind the policy's own. */
static int build_command(struct build *build, struct policy *policy,
                         struct policy_detector *detector)
{
    struct policy_loaded *loaded = build->loaded;
    const struct policy_pattern **list =
        take(build, sizeof(void *), POLICY_COMMAND_PATTERNS);
    struct policy_pattern *own = &loaded->pattern[loaded->pattern_count];

    policy->detector_count++;
    loaded->pattern_count += POLICY_COMMAND_PATTERNS;
    return policy_command_build(detector, own, list, &loaded->pattern_bytes,
                                build->err);
}

static int build_detectors(struct build *build, struct policy *policy,
                           const xmlNode *root)
{
    struct policy_detector *detector;
    int status = POLICY_OK;

    detector = take(build, sizeof *detector,
                    policy_tree_count(root, "pattern-detector") +
                        policy_tree_count(root, "meaning-detector") + 1);
    policy->detector = detector;
    for (xmlNode *node = policy_tree_child(root, NULL); node && status == POLICY_OK;
         node = policy_tree_sibling(node, NULL))
        if (policy_tree_is(node, "pattern-detector") ||
            policy_tree_is(node, "meaning-detector"))
            status = build_detector(build, &detector[policy->detector_count++], node);
    if (status == POLICY_OK && is_word(build, policy_tree_child(root, "reading"),
                                       "reading", "commanding-text", "check"))
        status = build_command(build, policy, &detector[policy->detector_count]);
    return status;
}

/* ---- rules ---- */

static void build_rule(struct build *build, struct policy_rule *rule,
                       const xmlNode *node)
{
    rule->decision = take_value(build, node, "rule", "decision");
    rule->outcome = take_value(build, node, "rule", "outcome");
    rule->task = take_value(build, node, "rule", "task");
    rule->label = take_value(build, node, "rule", "label");
    rule->detector = take_value(build, node, "rule", "detector");
    rule->undecided = is_word(build, node, "rule", "undecided", "yes");
    rule->hidden = is_word(build, node, "rule", "hidden", "yes");
}

static void build_decisions(struct build *build, struct policy *policy,
                            const xmlNode *node)
{
    struct policy_rule *rule;

    policy->decision_default = take_value(build, node, "decisions", "default");
    if (!node)
        return;
    policy->rule_count = policy_tree_count(node, "rule");
    policy->rule = rule = take(build, sizeof *rule, policy->rule_count);
    for (xmlNode *child = policy_tree_child(node, "rule"); child;
         child = policy_tree_sibling(child, "rule"))
        build_rule(build, rule++, child);
}

/* ---- the rest ---- */

static uint64_t bytes_of(const struct build *build, const xmlNode *node,
                         const char *element, const char *name)
{
    return (uint64_t)(number_of(build, node, element, name) * MIB + 0.5);
}

static enum policy_hidden hidden_of(const struct build *build, const xmlNode *node)
{
    if (is_word(build, node, "reading", "hidden-text", "read"))
        return POLICY_HIDDEN_READ;
    return is_word(build, node, "reading", "hidden-text", "leave-out-all")
               ? POLICY_HIDDEN_LEAVE_OUT_ALL
               : POLICY_HIDDEN_LEAVE_OUT;
}

static enum policy_ink ink_of(const struct build *build, const xmlNode *node)
{
    if (is_word(build, node, "reading", "ink-check", "never"))
        return POLICY_INK_NEVER;
    return is_word(build, node, "reading", "ink-check", "always")
               ? POLICY_INK_ALWAYS
               : POLICY_INK_SUSPICIOUS;
}

static void build_reading(const struct build *build, struct policy *policy,
                          const xmlNode *node)
{
    policy->chunk_tokens_max = count_of(build, node, "reading", "chunk-tokens-max");
    policy->hidden_text = hidden_of(build, node);
    policy->ink = ink_of(build, node);
    policy->honour_owner =
        is_word(build, node, "reading", "owner-restriction", "honour");
    policy->tiny_points = number_of(build, node, "reading", "tiny-points");
    policy->pages_max = count_of(build, node, "reading", "pages-max");
    policy->file_bytes_max = bytes_of(build, node, "reading", "file-mib-max");
    policy->text_bytes_max = bytes_of(build, node, "reading", "text-mib-max");
    policy->cpu_seconds_max = count_of(build, node, "reading", "cpu-seconds-max");
}

static void build_limits(const struct build *build, struct policy *policy,
                         const xmlNode *node)
{
    policy->memory_bytes_max = bytes_of(build, node, "limits", "memory-mib-max");
    policy->cpu_seconds_min = count_of(build, node, "limits", "cpu-seconds-min");
    policy->cpu_ms_per_page = count_of(build, node, "limits", "cpu-ms-per-page");
    policy->cpu_ms_per_mib = count_of(build, node, "limits", "cpu-ms-per-mib");
}

static void build_summary(const struct build *build, struct policy_summary *summary,
                          const xmlNode *node)
{
    summary->wanted = node != NULL;
    if (!node)
        return;
    summary->sentences_max = count_of(build, node, "summary", "sentences-max");
    summary->bytes_max = count_of(build, node, "summary", "bytes-max");
    summary->redundancy = number_of(build, node, "summary", "redundancy");
}

/* ---- a language model ---- */

/* How much of the policy's path is its folder, the last slash included. */
static size_t folder_bytes(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;

    return slash ? (size_t)(slash + 1 - path) : 0;
}

static const char *take_beside(struct build *build, const char *name)
{
    size_t folder = folder_bytes(build->path), bytes = strlen(name) + 1;
    char *path = take_bytes(build, folder + bytes);

    if (folder)
        memcpy(path, build->path, folder);
    memcpy(path + folder, name, bytes);
    return path;
}

static void build_priors(struct build *build, struct policy_model *model,
                         const xmlNode *node)
{
    const char **prior;
    size_t i = 0;

    model->prior_count = policy_tree_count(node, "prior");
    model->prior = prior = take(build, sizeof *prior, model->prior_count);
    for (xmlNode *child = policy_tree_child(node, "prior"); child;
         child = policy_tree_sibling(child, "prior"))
        prior[i++] = take_beside(build, policy_tree_value(child, "file"));
}

static void build_model(struct build *build, struct policy_model *model,
                        const xmlNode *node)
{
    model->ask = is_word(build, node, "model", "ask", "always") ? POLICY_ASK_ALWAYS
                                                                : POLICY_ASK_UNDECIDED;
    model->chat = take_value(build, node, "model", "chat");
    model->passage_tokens_max = count_of(build, node, "model", "passage-tokens-max");
    model->sentence_tokens_max = count_of(build, node, "model", "sentence-tokens-max");
    model->system = take_exact(build, node, "system");
    model->classify = take_exact(build, node, "classify");
    model->opening = take_exact(build, node, "opening");
    model->summarize = take_exact(build, node, "summarize");
    model->fold = take_exact(build, node, "fold");
    model->neutral = take_exact(build, node, "neutral");
    model->temperature = number_of(build, node, "model", "temperature");
    model->top_p = number_of(build, node, "model", "top-p");
    model->min_p = number_of(build, node, "model", "min-p");
    model->seed = (uint64_t)number_of(build, node, "model", "seed");
    if (node)
        build_priors(build, model, node);
}

/* ---- the whole ---- */

static int build_all(struct build *build, struct policy *policy, const xmlNode *root)
{
    policy->name = take_value(build, root, "policy", "name");
    policy->title = child_text(build, root, "title");
    policy->description = child_text(build, root, "description");
    policy->revision = count_of(build, root, "policy", "revision");
    build_reading(build, policy, policy_tree_child(root, "reading"));
    build_limits(build, policy, policy_tree_child(root, "limits"));
    build_tasks(build, policy, root);
    build_summary(build, &policy->summary, policy_tree_child(root, "summary"));
    build_model(build, &policy->model, policy_tree_child(root, "model"));
    build_decisions(build, policy, policy_tree_child(root, "decisions"));
    return build_detectors(build, policy, root);
}

int policy_build(struct policy_loaded *out, const xmlNode *root,
                 const struct grammar *grammar, const struct policy_source *source,
                 struct policy_error *err)
{
    struct build build = {
        .grammar = grammar, .path = source->path, .loaded = out, .err = err};
    const xmlNode *model = policy_tree_child(root, "model");
    size_t elements = source->element_count + POLICY_COMMAND_PATTERNS;
    size_t size = elements * ELEMENT_BYTES_MAX + source->count + SPARE_BYTES;

    if (model)
        size += policy_tree_count(model, "prior") * folder_bytes(source->path);
    out->block = malloc(size);
    if (!out->block)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    build.front = out->block;
    build.back = out->block + size;
    out->pattern = take(&build, sizeof *out->pattern, elements);
    return build_all(&build, &out->policy, root);
}
