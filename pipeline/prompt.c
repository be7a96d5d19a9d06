/* prompt - the policy's prompts, in the markup of the model's chat, as tokens.
 *
 *     begin [system] user_open before TEXT | after user_close answer_open opening
 *     \_______________ front _____________/ \______________ tail _______________/
 *
 * The front is tokenised with the text, since words may run into one another; the
 * tail by itself, so that its tokens are the same behind every text. Markup counts as
 * such only in the parts that are ours: whatever a document holds is plain text.
 *
 * Tasks whose words before the text are the same share one prompt: what their tails
 * have in common goes behind the text, the rest becomes a tree with the labels of all
 * of them, scored in one pass. */
#include "pipeline/decoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TREE_DEPTH_MAX = 112, /* of infer; tasks that would go deeper share no prompt */
    TREE_NODES_MAX = 1024
};

static int prompt_fail(struct pipeline_error *err)
{
    return pipeline_fail(err, PIPELINE_ENOMEM, "no memory for the policy's prompts");
}

/* ---- the policy's words --------------------------------------------------------- */

/* How the model's answer goes on: behind an opening that ends in a word, a space, and
 * behind nothing as the chat has it. */
static char *answer_of(const struct pipeline_decoder *decoder,
                       const struct policy_label *label)
{
    const char *opening = decoder->options.policy->model.opening;
    size_t bytes = strlen(opening);
    bool apart = bytes ? strchr(" \n\t\"'(", opening[bytes - 1]) == NULL
                       : decoder->chat.answer_spaced;
    char *answer;
    return asprintf(&answer, "%s%s", apart ? " " : "", label->answer) < 0 ? NULL
                                                                          : answer;
}

static void labels_print(FILE *out, const struct policy_task *task)
{
    for (size_t i = 0; i < task->label_count; i++)
        fprintf(out, "%s%s", i ? ", " : "", task->label[i].answer);
}

/* One of the words in braces at `at`; 0 when there is none. */
static size_t word_at(const char *at, const char *word)
{
    size_t bytes = strlen(word);
    return strncmp(at, word, bytes) == 0 ? bytes : 0;
}

/* Words around the text of one prompt; task NULL where there is none. */
static int frame_words(struct frame *frame, const char *prompt,
                       const struct policy_task *task)
{
    char *part[2] = {NULL, NULL};
    size_t bytes, skip;
    for (int i = 0; i < 2; i++) {
        FILE *out = open_memstream(&part[i], &bytes);
        if (!out)
            break;
        while (*prompt && !word_at(prompt, "{text}")) {
            if (task && (skip = word_at(prompt, "{question}")) > 0) {
                fputs(task->question, out);
                prompt += skip;
            } else if (task && (skip = word_at(prompt, "{labels}")) > 0) {
                labels_print(out, task);
                prompt += skip;
            } else {
                fputc(*prompt++, out);
            }
        }
        prompt += word_at(prompt, "{text}");
        fclose(out);
    }
    frame->before = part[0];
    frame->after = part[1];
    return part[0] && part[1] ? PIPELINE_OK : PIPELINE_ENOMEM;
}

/* ---- parts ---------------------------------------------------------------------- */

enum { PARTS_MAX = 8 };

struct parts {
    struct infer_part part[PARTS_MAX];
    size_t count;
};

static void parts_add(struct parts *parts, const char *text, size_t bytes, bool markup)
{
    if (bytes > 0)
        parts->part[parts->count++] = (struct infer_part){text, bytes, markup};
}

static void parts_markup(struct parts *parts, const char *text)
{
    parts_add(parts, text, strlen(text), true);
}

static void parts_words(struct parts *parts, const char *text)
{
    parts_add(parts, text, strlen(text), false);
}

static void parts_front(struct parts *parts, const struct pipeline_decoder *decoder,
                        const struct frame *frame, const char *text, size_t bytes)
{
    const struct infer_chat *chat = &decoder->chat;
    const char *system = decoder->options.policy->model.system;
    parts_markup(parts, chat->begin);
    if (system[0] && chat->system_open) {
        parts_markup(parts, chat->system_open);
        parts_words(parts, system);
        parts_markup(parts, chat->system_close);
    }
    parts_markup(parts, chat->user_open);
    if (system[0] && !chat->system_open) {
        parts_words(parts, system);
        parts_words(parts, "\n\n");
    }
    parts_words(parts, frame->before);
    parts_add(parts, text, bytes, false);
}

/* A model without chats goes on with the text: its answer begins a line. */
static void parts_tail(struct parts *parts, const struct pipeline_decoder *decoder,
                       const struct frame *frame, const char *opening)
{
    const struct infer_chat *chat = &decoder->chat;
    parts_words(parts, frame->after);
    parts_markup(parts, chat->user_close);
    parts_markup(parts, chat->answer_open);
    if (!chat->user_close[0] && !chat->answer_open[0])
        parts_words(parts, "\n");
    if (opening[0] && chat->answer_spaced)
        parts_words(parts, " ");
    parts_words(parts, opening);
}

/* ---- tokens --------------------------------------------------------------------- */

static int tokens_append(struct infer_tokens *out, const int32_t *id, size_t count)
{
    if (out->count + count > out->capacity) {
        size_t capacity = (out->count + count) * 2;
        int32_t *bigger = realloc(out->id, capacity * sizeof(*bigger));
        if (!bigger)
            return PIPELINE_ENOMEM;
        out->id = bigger;
        out->capacity = capacity;
    }
    if (count > 0)
        memcpy(out->id + out->count, id, count * sizeof(*id));
    out->count += count;
    return PIPELINE_OK;
}

static int parts_tokenize(const struct pipeline_decoder *decoder,
                          const struct parts *parts, unsigned flags,
                          struct infer_tokens *out, struct pipeline_error *err)
{
    struct infer_error why;
    if (infer_tokenize_parts(decoder->options.model, parts->part, parts->count, flags,
                             out, &why) != 0)
        return infer_refusal(err, &why);
    return PIPELINE_OK;
}

static int tail_tokenize(const struct pipeline_decoder *decoder,
                         const struct frame *frame, const char *opening,
                         struct infer_tokens *out, struct pipeline_error *err)
{
    struct parts parts = {0};
    parts_tail(&parts, decoder, frame, opening);
    return parts_tokenize(decoder, &parts, INFER_CONTINUES, out, err);
}

int frame_fill(const struct pipeline_decoder *decoder, const struct frame *frame,
               const char *text, size_t bytes, struct infer_tokens *out,
               struct pipeline_error *err)
{
    struct parts parts = {0};
    parts_front(&parts, decoder, frame, text, bytes);
    int status = parts_tokenize(decoder, &parts, INFER_ADD_SPECIAL, out, err);
    /* a closing token, where a model's file asks for one: the text goes on */
    if (status == PIPELINE_OK && out->count > 0 &&
        infer_token_is_end(decoder->options.model, out->id[out->count - 1]) &&
        out->id[out->count - 1] != infer_token_bos(decoder->options.model))
        out->count--;
    if (status == PIPELINE_OK &&
        tokens_append(out, frame->tail.id, frame->tail.count) != PIPELINE_OK)
        status = prompt_fail(err);
    return status;
}

int frame_print(const struct pipeline_decoder *decoder, const struct frame *frame,
                const char *text, size_t bytes, struct infer_text *out,
                struct pipeline_error *err)
{
    struct infer_tokens ids = {0};
    struct infer_error why;
    int status = frame_fill(decoder, frame, text, bytes, &ids, err);
    if (status == PIPELINE_OK &&
        infer_detokenize(decoder->options.model, ids.id, ids.count, INFER_TEXT_SPECIAL,
                         out, &why) != 0)
        status = infer_refusal(err, &why);
    infer_tokens_free(&ids);
    return status;
}

static void frame_free(struct frame *frame)
{
    free(frame->before);
    free(frame->after);
    infer_tokens_free(&frame->tail);
}

/* ---- the tree of a group -------------------------------------------------------- */

/* The node of this token below parent: the one that is there, or a new one. */
static int32_t tree_step(struct group *group, int32_t parent, int32_t id)
{
    for (size_t i = 0; i < group->nodes; i++)
        if (group->parent[i] == parent && group->id[i] == id)
            return (int32_t)i;
    if (group->nodes == TREE_NODES_MAX)
        return -1;
    group->id[group->nodes] = id;
    group->parent[group->nodes] = parent;
    return (int32_t)group->nodes++;
}

/* Walk down from *node along these tokens. */
static int tree_walk(struct group *group, int32_t *node, const int32_t *id,
                     size_t count, struct pipeline_error *err)
{
    for (size_t i = 0; i < count; i++)
        if ((*node = tree_step(group, *node, id[i])) < 0)
            return pipeline_fail(err, PIPELINE_EINPUT,
                                 "the labels of the policy's tasks come to more than "
                                 "%d tokens; write shorter answers",
                                 TREE_NODES_MAX);
    return PIPELINE_OK;
}

/* The tokens of a label behind the answer's opening. */
static int label_tokenize(const struct pipeline_decoder *decoder,
                          const struct policy_label *label, struct infer_tokens *out,
                          struct pipeline_error *err)
{
    struct infer_error why;
    char *answer = answer_of(decoder, label);
    if (!answer)
        return prompt_fail(err);
    int status = infer_tokenize(decoder->options.model, answer, strlen(answer),
                                INFER_CONTINUES, out, &why);
    free(answer);
    return status == 0 ? PIPELINE_OK : infer_refusal(err, &why);
}

static int labels_hang(const struct pipeline_decoder *decoder, struct group *group,
                       struct asked *asked, struct pipeline_error *err)
{
    const struct policy_task *task = &decoder->options.policy->task[asked->task];
    struct infer_tokens ids = {0};
    int status = PIPELINE_OK;
    asked->leaf = calloc(task->label_count, sizeof(*asked->leaf));
    if (!asked->leaf)
        return prompt_fail(err);
    for (size_t i = 0; i < task->label_count && status == PIPELINE_OK; i++) {
        asked->leaf[i] = asked->stop;
        status = label_tokenize(decoder, &task->label[i], &ids, err);
        if (status == PIPELINE_OK)
            status = tree_walk(group, &asked->leaf[i], ids.id, ids.count, err);
    }
    infer_tokens_free(&ids);
    return status;
}

/* Hang one task behind the group's prompt: what is left of its tail, its labels. */
static int group_hang(const struct pipeline_decoder *decoder, struct group *group,
                      size_t task, const struct infer_tokens *tail,
                      struct pipeline_error *err)
{
    struct asked *asked = &group->asked[group->asked_count++];
    size_t common = group->frame.tail.count;
    *asked = (struct asked){.task = task, .stop = -1};
    int status =
        tree_walk(group, &asked->stop, tail->id + common, tail->count - common, err);
    return status == PIPELINE_OK ? labels_hang(decoder, group, asked, err) : status;
}

/* ---- groups --------------------------------------------------------------------- */

static size_t common_tokens(const struct infer_tokens *a, const struct infer_tokens *b)
{
    size_t i = 0;
    while (i < a->count && i < b->count && a->id[i] == b->id[i])
        i++;
    return i;
}

struct draft { /* one task's prompt, before it is known with whom it shares one */
    struct frame frame;
    size_t deepest; /* tokens of its longest label */
    bool taken;
};

/* May task b be asked behind the prompt of task a? `common` tokens of their tails are
 * the same. */
static bool draft_joins(const struct draft *a, const struct draft *b, size_t common)
{
    return !b->taken && strcmp(a->frame.before, b->frame.before) == 0 &&
           a->frame.tail.count - common + a->deepest <= TREE_DEPTH_MAX &&
           b->frame.tail.count - common + b->deepest <= TREE_DEPTH_MAX;
}

static int group_reserve(struct group *group, size_t tasks)
{
    group->id = calloc(TREE_NODES_MAX, sizeof(*group->id));
    group->parent = calloc(TREE_NODES_MAX, sizeof(*group->parent));
    group->asked = calloc(tasks, sizeof(*group->asked));
    return group->id && group->parent && group->asked ? PIPELINE_OK : PIPELINE_ENOMEM;
}

/* The group of task `first` with all that may join it. */
static int group_make(struct pipeline_decoder *decoder, struct draft *draft,
                      size_t first, struct pipeline_error *err)
{
    const struct policy *policy = decoder->options.policy;
    struct group *group = &decoder->group[decoder->group_count++];
    struct infer_tokens *own = &draft[first].frame.tail;
    size_t common = own->count;
    int status = group_reserve(group, policy->task_count);
    for (size_t i = first + 1; i < policy->task_count; i++) {
        size_t with = common_tokens(own, &draft[i].frame.tail);
        with = with < common ? with : common;
        if (draft_joins(&draft[first], &draft[i], with))
            common = with;
    }
    group->frame.before = strdup(draft[first].frame.before);
    group->frame.after = strdup(draft[first].frame.after);
    if (status != PIPELINE_OK || !group->frame.before || !group->frame.after ||
        tokens_append(&group->frame.tail, own->id, common) != PIPELINE_OK)
        return prompt_fail(err);
    for (size_t i = first; i < policy->task_count && status == PIPELINE_OK; i++) {
        struct infer_tokens *tail = &draft[i].frame.tail;
        if (i > first && (!draft_joins(&draft[first], &draft[i], common) ||
                          common_tokens(own, tail) < common))
            continue;
        draft[i].taken = true;
        status = group_hang(decoder, group, i, tail, err);
    }
    return status;
}

static int labels_measure(const struct pipeline_decoder *decoder,
                          const struct policy_task *task, size_t *deepest,
                          struct pipeline_error *err)
{
    struct infer_tokens ids = {0};
    int status = PIPELINE_OK;
    for (size_t i = 0; i < task->label_count && status == PIPELINE_OK; i++) {
        status = label_tokenize(decoder, &task->label[i], &ids, err);
        *deepest = ids.count > *deepest ? ids.count : *deepest;
        if (status == PIPELINE_OK && ids.count > TREE_DEPTH_MAX)
            status = pipeline_fail(err, PIPELINE_EINPUT,
                                   "the answer of label %s of task %s has %zu tokens, "
                                   "at most %d are allowed",
                                   task->label[i].name, task->name, ids.count,
                                   TREE_DEPTH_MAX);
    }
    infer_tokens_free(&ids);
    return status;
}

static int draft_make(const struct pipeline_decoder *decoder, struct draft *draft,
                      const struct policy_task *task, struct pipeline_error *err)
{
    const struct policy_model *model = &decoder->options.policy->model;
    struct frame *frame = &draft->frame;
    if (frame_words(frame, model->classify, task) != PIPELINE_OK)
        return prompt_fail(err);
    int status = tail_tokenize(decoder, frame, model->opening, &frame->tail, err);
    return status == PIPELINE_OK ? labels_measure(decoder, task, &draft->deepest, err)
                                 : status;
}

static int tasks_frame(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    const struct policy *policy = decoder->options.policy;
    struct draft *draft = calloc(policy->task_count + 1, sizeof(*draft));
    decoder->group = calloc(policy->task_count + 1, sizeof(*decoder->group));
    int status = draft && decoder->group ? PIPELINE_OK : prompt_fail(err);
    for (size_t i = 0; status == PIPELINE_OK && i < policy->task_count; i++)
        status = draft_make(decoder, &draft[i], &policy->task[i], err);
    for (size_t i = 0; status == PIPELINE_OK && i < policy->task_count; i++)
        if (!draft[i].taken)
            status = group_make(decoder, draft, i, err);
    for (size_t i = 0; draft && i < policy->task_count; i++)
        frame_free(&draft[i].frame);
    free(draft);
    return status;
}

/* ---- the whole ------------------------------------------------------------------ */

static int writing_frame(const struct pipeline_decoder *decoder, struct frame *frame,
                         const char *prompt, struct pipeline_error *err)
{
    if (frame_words(frame, prompt, NULL) != PIPELINE_OK)
        return prompt_fail(err);
    return tail_tokenize(decoder, frame, "", &frame->tail, err);
}

int prompts_open(struct pipeline_decoder *decoder, struct pipeline_error *err)
{
    const struct policy_model *model = &decoder->options.policy->model;
    int status = tasks_frame(decoder, err);
    if (status == PIPELINE_OK)
        status = writing_frame(decoder, &decoder->summarize, model->summarize, err);
    if (status == PIPELINE_OK)
        status = writing_frame(decoder, &decoder->fold, model->fold, err);
    return status;
}

void prompts_close(struct pipeline_decoder *decoder)
{
    for (size_t i = 0; i < decoder->group_count; i++) {
        struct group *group = &decoder->group[i];
        for (size_t j = 0; j < group->asked_count; j++)
            free(group->asked[j].leaf);
        frame_free(&group->frame);
        free(group->asked);
        free(group->id);
        free(group->parent);
    }
    free(decoder->group);
    frame_free(&decoder->summarize);
    frame_free(&decoder->fold);
}

/* ---- what scores hang on -------------------------------------------------------- */

static void hash_text(struct store_sha256 *sha, const char *text)
{
    store_sha256_update(sha, text, strlen(text) + 1);
}

/* How passages come together, where it is not by their mean. */
static void hash_pool(struct store_sha256 *sha, const struct policy_task *task)
{
    char pool[32];
    if (task->model_lead_weight >= 1 || task->pool == POLICY_POOL_MEAN)
        return;
    snprintf(pool, sizeof(pool), "pool %u",
             task->pool == POLICY_POOL_MAX ? 1U : task->pool_top);
    hash_text(sha, pool);
}

static void hash_task(struct store_sha256 *sha, const struct policy_task *task)
{
    char weights[64];
    snprintf(weights, sizeof(weights), "lead-weight %.9g", task->model_lead_weight);
    hash_text(sha, task->name);
    hash_text(sha, task->question);
    hash_text(sha, weights);
    hash_pool(sha, task);
    for (size_t i = 0; i < task->label_count; i++) {
        hash_text(sha, task->label[i].name);
        hash_text(sha, task->label[i].answer);
    }
}

void prompts_digest(const struct pipeline_decoder *decoder, struct store_digest *out)
{
    const struct policy *policy = decoder->options.policy;
    const struct policy_model *model = &policy->model;
    struct store_sha256 *sha = store_sha256_new();
    char sizes[64];
    *out = (struct store_digest){{0}};
    if (!sha)
        return;
    snprintf(sizes, sizeof(sizes), "passage-tokens %u", model->passage_tokens_max);
    hash_text(sha, decoder->chat.name);
    hash_text(sha, sizes);
    hash_text(sha, model->system);
    hash_text(sha, model->classify);
    hash_text(sha, model->opening);
    for (size_t i = 0; i < policy->task_count; i++)
        hash_task(sha, &policy->task[i]);
    store_sha256_finish(sha, out);
    store_sha256_free(sha);
}
