/* cloister policy - which policies there are, whether one is sound, what it says. */
#include "cmd/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct policy_asked asked;

static const struct option options[] = {
    {"model", "FILE", "prompt, calibrate: the GGUF language model", OPTION_TEXT,
     &asked.engine.model, 0, 0},
    {"output", "FILE", "calibrate: the prior to write (also -o)", OPTION_TEXT,
     &asked.output, 0, 0},
    {"encoder", "FILE", "model whose tokens chunks are counted in", OPTION_TEXT,
     &asked.encoder, 0, 0},
    {"password-file", "FILE", "passwords to try on encrypted PDFs, one a line",
     OPTION_TEXT, &asked.password_file, 0, 0},
    ENGINE_OPTIONS(asked.engine),
    ENGINE_DECODER_OPTIONS(asked.engine),
    {0},
};

static int policy_list(void)
{
    char **name;
    size_t count = lookup_policies(&name);
    int status = EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        struct policy *policy = policy_find(name[i]);
        if (policy)
            printf("%-16s %s\n", name[i], policy->title);
        else
            status = EXIT_USAGE;
        policy_free(policy);
        free(name[i]);
    }
    free(name);
    return status;
}

static int check(const char *name)
{
    struct policy *policy = policy_find(name);
    if (!policy)
        return EXIT_USAGE;
    struct store_digest digest;
    char hex[65];
    store_digest_of(policy->canonical, policy->canonical_bytes, &digest);
    store_digest_hex(&digest, hex);
    printf(
        "%s, revision %u: sound\n  %zu task%s, %zu detectors, %zu rules\n  digest of "
        "the canonical form %s\n",
        policy->name, policy->revision, policy->task_count,
        policy->task_count == 1 ? "" : "s", policy->detector_count, policy->rule_count,
        hex);
    policy_free(policy);
    return EXIT_DONE;
}

/* ---- render: the policy in words ------------------------------------------------ */

static void render_task(const struct policy_task *task)
{
    printf("\nTask %s: %s\n  undecided below probability %g\n", task->name,
           task->question, task->threshold);
    for (size_t i = 0; i < task->label_count; i++) {
        const struct policy_label *label = &task->label[i];
        printf("  - %s (%s): %s\n", label->name, label->title, label->description);
        for (size_t j = 0; j < label->example_count; j++)
            printf("      e.g. \"%s\"\n", label->example[j]);
    }
}

static void render_detector(const struct policy_detector *detector)
{
    static const char *const kind[] = {"pattern", "meaning", "the shipped patterns"};
    printf("  - %s (%s), by %s", detector->name, detector->title, kind[detector->kind]);
    if (detector->kind == POLICY_DETECTOR_MEANING)
        printf(", cosine at least %g: %s", detector->threshold, detector->description);
    puts(detector->mask ? ", masked" : "");
}

static void render_rule(const struct policy_rule *rule)
{
    const char *join = "when";
    printf("  - %s", rule->decision);
    if (rule->outcome)
        printf(" %s the outcome is %s", join, rule->outcome), join = "and";
    if (rule->task)
        printf(" %s task %s", join, rule->task), join = "and";
    if (rule->label)
        printf(" says %s", rule->label), join = "and";
    if (rule->undecided)
        printf(" %s", rule->task ? "is undecided" : "when any task is undecided"),
            join = "and";
    if (rule->detector)
        printf(" %s detector %s found something", join, rule->detector), join = "and";
    if (rule->hidden)
        printf(" %s there is hidden text", join);
    putchar('\n');
}

static int render(const char *name)
{
    struct policy *policy = policy_find(name);
    if (!policy)
        return EXIT_USAGE;
    printf(
        "%s (%s, revision %u)\n%s\n\nChunks of at most %u tokens; hidden text %s the "
        "model; the owner's \"no extract\" flag is %s.\n",
        policy->title, policy->name, policy->revision, policy->description,
        policy->chunk_tokens_max,
        policy->hidden_text == POLICY_HIDDEN_READ ? "goes to" : "is kept from",
        policy->honour_owner ? "honoured" : "ignored");
    for (size_t i = 0; i < policy->task_count; i++)
        render_task(&policy->task[i]);
    if (policy->summary.wanted)
        printf("\nSummary: at most %u sentences and %u bytes, verbatim\n",
               policy->summary.sentences_max, policy->summary.bytes_max);
    puts(policy->detector_count ? "\nDetectors:" : "");
    for (size_t i = 0; i < policy->detector_count; i++)
        render_detector(&policy->detector[i]);
    puts("\nRules, the first that fits decides:");
    for (size_t i = 0; i < policy->rule_count; i++)
        render_rule(&policy->rule[i]);
    printf("  - %s otherwise\n", policy->decision_default);
    policy_free(policy);
    return EXIT_DONE;
}

/* The verbs that ask a language model; none is taken by default, since what it says
 * of labels belongs to it alone. */
static int with_model(const char *verb, int words, char **argv)
{
    bool prompt = strcmp(verb, "prompt") == 0;
    asked.name = argv[2];
    if (asked.engine.model && prompt && words == 4)
        return policy_prompt(&asked, argv[3]);
    if (asked.engine.model && !prompt && words >= 4 && asked.output)
        return policy_calibrate(&asked, asked.output, argv + 3, (size_t)words - 3);
    complain("policy", prompt ? "say \"policy prompt NAME|FILE --model FILE PATH\""
                              : "say \"policy calibrate NAME|FILE --model FILE -o FILE "
                                "PATH...\"");
    return EXIT_USAGE;
}

static int policy_main(const struct command *self, int argc, char **argv)
{
    int words;
    int status = options_parse(self, argc, argv, &words);
    if (status >= 0)
        return status;
    const char *verb = words > 1 ? argv[1] : "";
    if (strcmp(verb, "prompt") == 0 || strcmp(verb, "calibrate") == 0)
        return with_model(verb, words, argv);
    if (memcmp(&asked, &(struct policy_asked){0}, sizeof(asked)) != 0) {
        complain("policy", "options are for \"policy prompt\" and \"calibrate\"");
        return EXIT_USAGE;
    }
    const char *name = words > 2 ? argv[2] : "contracts";
    if (words == 2 && strcmp(verb, "list") == 0)
        return policy_list();
    if (words <= 3 && strcmp(verb, "check") == 0)
        return check(name);
    if (words <= 3 && strcmp(verb, "render") == 0)
        return render(name);
    if (words == 2 && strcmp(verb, "schema") == 0) {
        fputs(policy_grammar(), stdout);
        return EXIT_DONE;
    }
    complain("policy", "say \"policy list\", \"check\", \"render\", \"schema\", "
                       "\"prompt\" or \"calibrate\"");
    return EXIT_USAGE;
}

const struct command cmd_policy = {
    .name = "policy",
    .synopsis = "policy list | check|render [NAME|FILE] | schema | prompt NAME|FILE "
                "--model FILE PATH | calibrate NAME|FILE --model FILE -o FILE PATH...",
    .summary = "List policies, check one, show it in words or prompts, measure priors.",
    .option = options,
    .run = policy_main,
};
