/* forward_encoder - BERT: tokens in, one normalised vector a sequence out. */
#ifndef INFER_FORWARD_ENCODER_H
#define INFER_FORWARD_ENCODER_H

#include "infer/session.h"

/* One pass of one thread: count sequences of at most batch_tokens tokens in all,
 * checked before. Row i of out, of the model's width, belongs to sequence i.
 * Returns how many leading sequences have a finite embedding. */
size_t encoder_forward(const struct infer_session *session, struct workspace *w,
                       const struct infer_sequence *sequence, size_t count, float *out);

#endif
