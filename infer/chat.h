/* chat - the chat of a vocabulary and its file, inside infer/ only. */
#ifndef INFER_CHAT_H
#define INFER_CHAT_H

#include "infer/tokenizer.h"

/* infer_model_chat() of a tokenizer and the file it was opened from. */
int chat_find(const struct tokenizer *t, const struct gguf *file, const char *name,
              struct infer_chat *out, struct infer_error *err);

#endif
