/* chats - a chat of one turn, as parts and as text, for the tests of chats. */
#ifndef TESTS_INFER_CHATS_H
#define TESTS_INFER_CHATS_H

#include "infer/chat.h"
#include "tests/infer/vocab.h"

#include <stdio.h>

enum { PARTS = 8 };

/* A chat of one turn; where the family has no system's turn, its words go in front. */
static inline size_t parts_of(const struct infer_chat *chat, const char *system,
                              const char *user, struct infer_part *part)
{
    bool own = chat->system_open != NULL;
    const char *text[PARTS] = {chat->begin,
                               own ? chat->system_open : chat->user_open,
                               system,
                               own ? chat->system_close : "\n\n",
                               own ? chat->user_open : "",
                               user,
                               chat->user_close,
                               chat->answer_open};

    for (size_t i = 0; i < PARTS; i++)
        part[i] = (struct infer_part){text[i], strlen(text[i]), i != 2 && i != 5};
    return PARTS;
}

static inline void render(const struct infer_chat *chat, const char *system,
                          const char *user, char *out)
{
    struct infer_part part[PARTS];

    parts_of(chat, system, user, part);
    for (size_t i = 0; i < PARTS; i++)
        out = stpcpy(out, part[i].text);
}

/* How many ids of the turn are special, when system and user say this. */
static inline size_t specials_of(const struct tokenizer *t,
                                 const struct infer_chat *chat, const char *user)
{
    struct infer_part part[PARTS];
    struct infer_tokens ids = {0};
    size_t count = parts_of(chat, user, user, part), specials = 0;

    assert_int_equal(
        tokenizer_encode_parts(t, part, count, INFER_ADD_SPECIAL, &ids, NULL), 0);
    assert_true(ids.count > 0);
    for (size_t i = 0; i < ids.count; i++) {
        const struct token *token = &t->vocabulary.token[ids.id[i]];
        specials += token->type == TOKEN_CONTROL || tokenizer_is_markup(token);
    }
    infer_tokens_free(&ids);
    return specials;
}

#endif
