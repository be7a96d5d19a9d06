/* canonical - the bytes that stand for a policy, the same for the same meaning.
 *
 * One line a field, in the order of struct policy, defaults written out:
 *
 *     cloister-policy 1
 *     policy.name 9:contracts
 *     task.threshold 0.3
 *
 * A text is its length in bytes, a colon and the bytes; a list begins with its
 * count; a number is written as %.9g in the C locale. No byte can be read in two
 * ways, so two policies with the same bytes ask the same of every document. The
 * first line's number goes up when this form changes. */
#include "policies/loader.h"

#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_text(FILE *out, const char *key, const char *text)
{
    if (text)
        fprintf(out, "%s %zu:%s\n", key, strlen(text), text);
    else
        fprintf(out, "%s -\n", key);
}

static void put_count(FILE *out, const char *key, uint64_t count)
{
    fprintf(out, "%s %" PRIu64 "\n", key, count);
}

static void put_number(FILE *out, const char *key, double number)
{
    fprintf(out, "%s %.9g\n", key, number);
}

static void put_examples(FILE *out, const char *const *example, size_t count)
{
    put_count(out, "examples", count);
    for (size_t i = 0; i < count; i++)
        put_text(out, "example", example[i]);
}

static void put_reading(FILE *out, const struct policy *policy)
{
    put_count(out, "reading.chunk_tokens_max", policy->chunk_tokens_max);
    put_count(out, "reading.hidden_text", policy->hidden_text);
    put_count(out, "reading.ink", policy->ink);
    put_count(out, "reading.honour_owner", policy->honour_owner);
    put_number(out, "reading.tiny_points", policy->tiny_points);
    put_count(out, "reading.pages_max", policy->pages_max);
    put_count(out, "reading.file_bytes_max", policy->file_bytes_max);
    put_count(out, "reading.text_bytes_max", policy->text_bytes_max);
    put_count(out, "reading.cpu_seconds_max", policy->cpu_seconds_max);
    put_count(out, "limits.cpu_seconds_min", policy->cpu_seconds_min);
    put_count(out, "limits.cpu_ms_per_page", policy->cpu_ms_per_page);
    put_count(out, "limits.cpu_ms_per_mib", policy->cpu_ms_per_mib);
    put_count(out, "limits.memory_bytes_max", policy->memory_bytes_max);
}

static void put_label(FILE *out, const struct policy_label *label)
{
    put_text(out, "label.name", label->name);
    put_text(out, "label.title", label->title);
    put_text(out, "label.answer", label->answer);
    put_text(out, "label.description", label->description);
    put_examples(out, label->example, label->example_count);
}

static void put_task(FILE *out, const struct policy_task *task)
{
    static const char *const pool[] = {"mean", "max", "top"};

    put_text(out, "task.name", task->name);
    put_text(out, "task.question", task->question);
    put_number(out, "task.threshold", task->threshold);
    put_number(out, "task.temperature", task->temperature);
    put_number(out, "task.lead_weight", task->lead_weight);
    put_text(out, "task.pool", pool[task->pool]);
    put_count(out, "task.pool_top", task->pool_top);
    put_count(out, "task.evidence_max", task->evidence_max);
    put_number(out, "task.model_threshold", task->model_threshold);
    put_number(out, "task.model_temperature", task->model_temperature);
    put_number(out, "task.model_lead_weight", task->model_lead_weight);
    put_count(out, "task.labels", task->label_count);
    for (size_t i = 0; i < task->label_count; i++)
        put_label(out, &task->label[i]);
}

static void put_summary(FILE *out, const struct policy_summary *summary)
{
    put_count(out, "summary.wanted", summary->wanted);
    put_count(out, "summary.sentences_max", summary->sentences_max);
    put_count(out, "summary.bytes_max", summary->bytes_max);
    put_number(out, "summary.redundancy", summary->redundancy);
}

/* A prior's folder is no part of the policy, its name is. */
static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void put_model(FILE *out, const struct policy_model *model)
{
    put_count(out, "model.ask", model->ask);
    put_text(out, "model.chat", model->chat);
    put_count(out, "model.passage_tokens_max", model->passage_tokens_max);
    put_count(out, "model.sentence_tokens_max", model->sentence_tokens_max);
    put_text(out, "model.system", model->system);
    put_text(out, "model.classify", model->classify);
    put_text(out, "model.opening", model->opening);
    put_text(out, "model.summarize", model->summarize);
    put_text(out, "model.fold", model->fold);
    put_text(out, "model.neutral", model->neutral);
    put_number(out, "model.temperature", model->temperature);
    put_number(out, "model.top_p", model->top_p);
    put_number(out, "model.min_p", model->min_p);
    put_count(out, "model.seed", model->seed);
    put_count(out, "model.priors", model->prior_count);
    for (size_t i = 0; i < model->prior_count; i++)
        put_text(out, "model.prior", file_name(model->prior[i]));
}

static void put_patterns(FILE *out, const char *key,
                         const struct policy_pattern *const *pattern, size_t count)
{
    put_count(out, key, count);
    for (size_t i = 0; i < count; i++) {
        put_count(out, "pattern.phrase", pattern[i]->phrase);
        put_count(out, "pattern.keep_case", pattern[i]->keep_case);
        put_text(out, "pattern.source", pattern[i]->source);
    }
}

static void put_detector(FILE *out, const struct policy_detector *detector)
{
    static const char *const kind[] = {"pattern", "meaning", "command"};

    put_text(out, "detector.name", detector->name);
    put_text(out, "detector.title", detector->title);
    put_text(out, "detector.kind", kind[detector->kind]);
    put_count(out, "detector.mask", detector->mask);
    put_count(out, "detector.findings_max", detector->findings_max);
    if (detector->kind == POLICY_DETECTOR_MEANING) {
        put_text(out, "detector.description", detector->description);
        put_examples(out, detector->example, detector->example_count);
        put_number(out, "detector.threshold", detector->threshold);
        return;
    }
    put_patterns(out, "detector.patterns", detector->pattern, detector->pattern_count);
    put_patterns(out, "detector.excludes", detector->exclude, detector->exclude_count);
    put_count(out, "detector.luhn", detector->luhn);
    if (detector->kind == POLICY_DETECTOR_COMMAND)
        put_count(out, "detector.folding", POLICY_FOLDING);
}

static void put_rule(FILE *out, const struct policy_rule *rule)
{
    put_text(out, "rule.decision", rule->decision);
    put_text(out, "rule.outcome", rule->outcome);
    put_text(out, "rule.task", rule->task);
    put_text(out, "rule.label", rule->label);
    put_text(out, "rule.detector", rule->detector);
    put_count(out, "rule.undecided", rule->undecided);
    put_count(out, "rule.hidden", rule->hidden);
}

static void put_policy(FILE *out, const struct policy *policy)
{
    fprintf(out, "cloister-policy 1\n");
    put_text(out, "policy.name", policy->name);
    put_text(out, "policy.title", policy->title);
    put_text(out, "policy.description", policy->description);
    put_count(out, "policy.revision", policy->revision);
    put_reading(out, policy);
    put_count(out, "policy.tasks", policy->task_count);
    for (size_t i = 0; i < policy->task_count; i++)
        put_task(out, &policy->task[i]);
    put_summary(out, &policy->summary);
    put_model(out, &policy->model);
    put_count(out, "policy.detectors", policy->detector_count);
    for (size_t i = 0; i < policy->detector_count; i++)
        put_detector(out, &policy->detector[i]);
    put_count(out, "policy.rules", policy->rule_count);
    for (size_t i = 0; i < policy->rule_count; i++)
        put_rule(out, &policy->rule[i]);
    put_text(out, "policy.decision_default", policy->decision_default);
}

int policy_canonical(struct policy_loaded *loaded, struct policy_error *err)
{
    locale_t locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    FILE *out = NULL;
    size_t bytes = 0;
    bool whole = false;

    if (locale)
        out = open_memstream(&loaded->canonical, &bytes);
    if (out) {
        locale_t before = uselocale(locale);
        put_policy(out, &loaded->policy);
        whole = !ferror(out);
        whole = fclose(out) == 0 && whole;
        uselocale(before);
    }
    if (locale)
        freelocale(locale);
    if (!whole)
        return policy_fail(err, POLICY_ENOMEM, 0, "out of memory");
    loaded->policy.canonical = loaded->canonical;
    loaded->policy.canonical_bytes = bytes;
    return POLICY_OK;
}
