/* check - what a policy must keep that a grammar cannot say.
 *
 * Names are unique where they are looked up, rules name what exists and can be
 * reached, and nothing is so numerous that a run would drown in it. Patterns are
 * checked when they are compiled, in build.c. */
#include "policies/loader.h"

#include <string.h>

enum { NAMES_MAX = 512, ANSWER_BYTES_MAX = 4 * 200 + 1 };

static const struct {
    const char *parent, *child;
    size_t max;
} count_max[] = {
    {"policy", "task", 32},
    {"policy", "pattern-detector", 256},
    {"policy", "meaning-detector", 256},
    {"task", "label", 256},
    {"label", "example", 64},
    {"meaning-detector", "example", 64},
    {"pattern-detector", "phrase", 256},
    {"pattern-detector", "pattern", 256},
    {"pattern-detector", "exclude", 64},
    {"decisions", "rule", 256},
    {"model", "prior", 16},
};

static int check_counts(const xmlNode *node, struct policy_error *err)
{
    for (size_t i = 0; i < sizeof count_max / sizeof *count_max; i++) {
        size_t count;

        if (!policy_tree_is(node, count_max[i].parent))
            continue;
        count = policy_tree_count(node, count_max[i].child);
        if (count > count_max[i].max)
            return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                               "<%s> holds %zu <%s>; at most %zu are allowed",
                               count_max[i].parent, count, count_max[i].child,
                               count_max[i].max);
    }
    return POLICY_OK;
}

/* Has the policy the shipped detector of commanding text? */
static bool has_command(const xmlNode *policy)
{
    const xmlNode *reading = policy_tree_child(policy, "reading");
    const char *asked = reading ? policy_tree_value(reading, "commanding-text") : NULL;

    return !asked || strcmp(asked, "check") == 0;
}

/* ---- names ---- */

static bool is_detector(const xmlNode *node)
{
    return policy_tree_is(node, "pattern-detector") ||
           policy_tree_is(node, "meaning-detector");
}

/* Do two siblings share the space in which their names must differ? */
static bool same_kind(const xmlNode *a, const xmlNode *b)
{
    return is_detector(a) ? is_detector(b) : policy_tree_is(b, (const char *)a->name);
}

static int check_name(const xmlNode *node, struct policy_error *err)
{
    const char *name = policy_tree_value(node, "name");

    if (!name || !node->parent || node->parent->type != XML_ELEMENT_NODE)
        return POLICY_OK;
    if (is_detector(node) && strcmp(name, POLICY_COMMAND) == 0)
        return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                           "<%s> is named \"" POLICY_COMMAND "\" like the shipped "
                           "detector; give it another name",
                           (const char *)node->name);
    for (xmlNode *other = policy_tree_child(node->parent, NULL); other != node;
         other = policy_tree_sibling(other, NULL))
        if (same_kind(node, other) &&
            strcmp(policy_tree_value(other, "name"), name) == 0)
            return policy_fail(err, POLICY_EINVALID, policy_tree_line(node),
                               "<%s> is named \"%s\" like the one of line %d; give it "
                               "another name",
                               (const char *)node->name, name, policy_tree_line(other));
    return POLICY_OK;
}

/* ---- answers ---- */

/* Write what a language model says for a label, cut to size; return it. */
static const char *answer_of(const xmlNode *label, char *out, size_t size)
{
    const char *answer = policy_tree_value(label, "answer");

    if (answer)
        return answer;
    policy_tree_text(policy_tree_child(label, "title"), out, size);
    return out;
}

static int check_answer(const xmlNode *label, struct policy_error *err)
{
    char own_title[ANSWER_BYTES_MAX], other_title[ANSWER_BYTES_MAX];
    const char *answer = answer_of(label, own_title, sizeof own_title);

    if (answer[0] == ' ' || answer[strlen(answer) - 1] == ' ')
        return policy_fail(err, POLICY_EINVALID, policy_tree_line(label),
                           "answer=\"%s\" of <label> begins or ends with a space; "
                           "write words alone",
                           policy_quote_of(answer).text);
    for (xmlNode *other = policy_tree_child(label->parent, "label"); other != label;
         other = policy_tree_sibling(other, "label"))
        if (strcmp(answer_of(other, other_title, sizeof other_title), answer) == 0)
            return policy_fail(err, POLICY_EINVALID, policy_tree_line(label),
                               "\"%s\" is the answer of the label of line %d, too; "
                               "give this one another title or another answer=\"...\"",
                               policy_quote_of(answer).text, policy_tree_line(other));
    return POLICY_OK;
}

/* ---- rules ---- */

static const xmlNode *named_child(const xmlNode *parent, const char *element,
                                  const char *name)
{
    for (xmlNode *child = policy_tree_child(parent, element); child;
         child = policy_tree_sibling(child, element))
        if (strcmp(policy_tree_value(child, "name"), name) == 0)
            return child;
    return NULL;
}

static size_t collect_names(const xmlNode *parent, const char *element,
                            const char **name, size_t count)
{
    for (xmlNode *child = policy_tree_child(parent, element);
         child && count < NAMES_MAX; child = policy_tree_sibling(child, element))
        name[count++] = policy_tree_value(child, "name");
    return count;
}

/* A rule's attribute names something that the owner does not have. */
static int fail_reference(const xmlNode *rule, const char *attribute, const char *owner,
                          const char *const *choice, size_t count,
                          struct policy_error *err)
{
    const char *found = policy_tree_value(rule, attribute);
    const char *near = policy_words_nearest(found, choice, count);
    struct policy_words words = {.bytes = 0};

    for (size_t i = 0; i < count; i++)
        policy_words_add(&words, choice[i]);
    return policy_fail(
        err, POLICY_EINVALID, policy_tree_line(rule),
        "%s \"%s\" named by a rule is not a %s of %s%s%s%s; its %ss are: "
        "%s",
        attribute, found, attribute, owner, near ? " (did you mean \"" : "",
        near ? near : "", near ? "\"?)" : "", attribute, count ? words.text : "none");
}

static int check_label(const xmlNode *rule, const xmlNode *task,
                       struct policy_error *err)
{
    const char *label = policy_tree_value(rule, "label");
    const char *name[NAMES_MAX];
    char owner[80] = "task ";

    if (!label || named_child(task, "label", label))
        return POLICY_OK;
    strncat(owner, policy_tree_value(task, "name"), sizeof owner - 6);
    return fail_reference(rule, "label", owner, name,
                          collect_names(task, "label", name, 0), err);
}

static int check_task(const xmlNode *rule, const xmlNode *policy,
                      struct policy_error *err)
{
    const char *task = policy_tree_value(rule, "task");
    const char *name[NAMES_MAX];
    const xmlNode *found;

    if (!task)
        return POLICY_OK;
    found = named_child(policy, "task", task);
    if (found)
        return check_label(rule, found, err);
    return fail_reference(rule, "task", "this policy", name,
                          collect_names(policy, "task", name, 0), err);
}

static int check_detector(const xmlNode *rule, const xmlNode *policy,
                          struct policy_error *err)
{
    const char *detector = policy_tree_value(rule, "detector");
    const char *name[NAMES_MAX];
    size_t count;

    if (!detector || (has_command(policy) && strcmp(detector, POLICY_COMMAND) == 0) ||
        named_child(policy, "pattern-detector", detector) ||
        named_child(policy, "meaning-detector", detector))
        return POLICY_OK;
    count = collect_names(policy, "pattern-detector", name, 0);
    count = collect_names(policy, "meaning-detector", name, count);
    if (has_command(policy) && count < NAMES_MAX)
        name[count++] = POLICY_COMMAND;
    return fail_reference(rule, "detector", "this policy", name, count, err);
}

static bool says_yes(const xmlNode *rule, const char *attribute)
{
    const char *value = policy_tree_value(rule, attribute);

    return value && strcmp(value, "yes") == 0;
}

static int check_conditions(const xmlNode *rule, struct policy_error *err)
{
    int line = policy_tree_line(rule);
    bool task = policy_tree_value(rule, "task"),
         label = policy_tree_value(rule, "label");
    bool undecided = says_yes(rule, "undecided");

    if (label && !task)
        return policy_fail(err, POLICY_EINVALID, line,
                           "a rule with a label and no task; add task=\"...\"");
    if (task && !label && !undecided)
        return policy_fail(err, POLICY_EINVALID, line,
                           "a rule with a task alone; add label=\"...\" or "
                           "undecided=\"yes\"");
    if (!task && !undecided && !policy_tree_value(rule, "outcome") &&
        !policy_tree_value(rule, "detector") && !says_yes(rule, "hidden"))
        return policy_fail(err, POLICY_EINVALID, line,
                           "a rule without a condition fits every document; add one, "
                           "or write its decision as default=\"...\" of <decisions>");
    return POLICY_OK;
}

/* Does every document that meets b's condition meet a's? */
static bool covers(const xmlNode *a, const xmlNode *b, const char *attribute)
{
    const char *wide = policy_tree_value(a, attribute);
    const char *narrow = policy_tree_value(b, attribute);

    return !wide || (narrow && strcmp(wide, narrow) == 0);
}

static bool covers_answer(const xmlNode *a, const xmlNode *b)
{
    if (!policy_tree_value(a, "task") && !says_yes(a, "undecided"))
        return true;
    return covers(a, b, "task") && covers(a, b, "label") &&
           says_yes(a, "undecided") == says_yes(b, "undecided");
}

static int check_reached(const xmlNode *rule, struct policy_error *err)
{
    for (xmlNode *other = policy_tree_child(rule->parent, "rule"); other != rule;
         other = policy_tree_sibling(other, "rule"))
        if (covers(other, rule, "outcome") && covers(other, rule, "detector") &&
            covers_answer(other, rule) &&
            (!says_yes(other, "hidden") || says_yes(rule, "hidden")))
            return policy_fail(err, POLICY_EINVALID, policy_tree_line(rule),
                               "this rule never decides, for the rule of line %d fits "
                               "all its documents first; move it up or remove it",
                               policy_tree_line(other));
    return POLICY_OK;
}

static int check_rule(const xmlNode *rule, struct policy_error *err)
{
    const xmlNode *policy = rule->parent->parent;
    int status = check_conditions(rule, err);

    if (status == POLICY_OK)
        status = check_task(rule, policy, err);
    if (status == POLICY_OK)
        status = check_detector(rule, policy, err);
    if (status == POLICY_OK)
        status = check_reached(rule, err);
    return status;
}

int policy_check(const xmlNode *root, struct policy_error *err)
{
    int status = POLICY_OK;

    for (const xmlNode *node = root; node && status == POLICY_OK;
         node = policy_tree_next(node)) {
        status = check_counts(node, err);
        if (status == POLICY_OK)
            status = check_name(node, err);
        if (status == POLICY_OK && policy_tree_is(node, "rule"))
            status = check_rule(node, err);
        if (status == POLICY_OK && policy_tree_is(node, "label"))
            status = check_answer(node, err);
        if (status == POLICY_OK)
            status = policy_prompt_check(node, err);
    }
    return status;
}
