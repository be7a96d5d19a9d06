/* decide - from outcome, answers and findings to the policy's decision.
 *
 * Rules stand in the policy in the order in which they are tried; the first that
 * fits decides. A rule fits when everything it names holds. A duplicate shares the
 * decision of the document that it is a copy of. */
#include "pipeline/internal.h"

#include <string.h>

static bool outcome_fits(const struct policy_rule *rule, const struct work *work)
{
    return !rule->outcome || strcmp(rule->outcome, work_outcome(work)) == 0;
}

static bool answer_fits(const struct policy_rule *rule, const struct policy_task *task,
                        const struct answer *answer)
{
    if (rule->task && strcmp(rule->task, task->name) != 0)
        return false;
    if (rule->undecided != answer->undecided)
        return false;
    return !rule->label || strcmp(rule->label, task->label[answer->label].name) == 0;
}

static bool task_fits(const struct policy_rule *rule, const struct policy *policy,
                      const struct work *work)
{
    if (!rule->task && !rule->label && !rule->undecided)
        return true;
    for (size_t i = 0; i < work->answer_count; i++)
        if (answer_fits(rule, &policy->task[i], &work->answer[i]))
            return true;
    return false;
}

static bool detector_fits(const struct policy_rule *rule, const struct policy *policy,
                          const struct work *work)
{
    if (!rule->detector)
        return true;
    for (size_t i = 0; i < work->finding_count; i++)
        if (strcmp(policy->detector[work->finding[i].detector].name, rule->detector) ==
            0)
            return true;
    return false;
}

/* Not what was recognised on a scan: a reader sees it there. */
static bool hides(const struct ingest_section *section)
{
    for (size_t i = 0; i < section->hidden_count; i++)
        if (!section->hidden[i].shown)
            return true;
    return false;
}

static bool hidden_fits(const struct policy_rule *rule, const struct work *work)
{
    if (!rule->hidden)
        return true;
    for (size_t i = 0; work->document && i < work->document->section_count; i++)
        if (hides(&work->document->section[i]))
            return true;
    return false;
}

void work_decide(struct work *work, const struct policy *policy)
{
    work->decision = policy->decision_default;
    if (work_is_duplicate(work)) {
        work->decision = work->same.decision;
        return;
    }
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct policy_rule *rule = &policy->rule[i];
        if (outcome_fits(rule, work) && task_fits(rule, policy, work) &&
            detector_fits(rule, policy, work) && hidden_fits(rule, work)) {
            work->decision = rule->decision;
            return;
        }
    }
}
