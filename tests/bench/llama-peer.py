#!/usr/bin/env python3
"""llama.cpp beside decoder_bench, through the Python package llama_cpp.

    llama-peer.py MODEL

Says first what it is, in one line, then answers each line of its input with the
seconds of CPU time that the work took:

    prompt N               N tokens, the logits of the last one
    decode B SHARED STEPS  B sequences behind a prompt they share, STEPS tokens each;
                           the prompt itself is not counted, nor is choosing tokens

One thread. Of the two ways in which llama.cpp keeps what sequences share, one cache
for all or one for each, the faster one counts."""
import sys
import time

import llama_cpp as ll

BATCH = 512


def quiet(level, text, data):
    pass


QUIET = ll.llama_log_callback(quiet)


def open_context(model, unified):
    options = ll.llama_context_default_params()
    options.n_ctx = 1024 if unified else 32 * 512
    options.n_batch = options.n_ubatch = BATCH
    options.n_seq_max = 32
    options.n_threads = options.n_threads_batch = 1
    options.kv_unified = unified
    return ll.llama_init_from_model(model, options)


def fill(batch, rows):
    """rows: token, position, sequence, whether its logits are wanted."""
    batch.n_tokens = len(rows)
    for i, (token, position, sequence, wanted) in enumerate(rows):
        batch.token[i] = token
        batch.pos[i] = position
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = sequence
        batch.logits[i] = wanted


def decode(context, batch):
    if ll.llama_decode(context, batch) != 0:
        sys.exit("llama-peer.py: llama_decode failed")


def read_prompt(context, batch, count, vocabulary):
    ll.llama_memory_clear(ll.llama_get_memory(context), True)
    fill(batch, [((7 * i + 50) % vocabulary, i, 0, i + 1 == count) for i in range(count)])
    start = time.process_time()
    decode(context, batch)
    return time.process_time() - start


def share(context, batch, count, shared, vocabulary, ready):
    """Sequences 0 to count - 1 hold the shared prompt; ready tells what the last call
    left, so that the prompt is read once for several rounds."""
    memory = ll.llama_get_memory(context)
    if ready.get(id(context)) == (count, shared):
        for sequence in range(count):
            ll.llama_memory_seq_rm(memory, sequence, shared, -1)
        return
    read_prompt(context, batch, shared, vocabulary)
    for sequence in range(1, count):
        ll.llama_memory_seq_cp(memory, 0, sequence, -1, -1)
    ready[id(context)] = (count, shared)


def generate(context, batch, count, shared, steps, vocabulary, ready):
    share(context, batch, count, shared, vocabulary, ready)
    start = time.process_time()
    for step in range(steps):
        fill(batch, [((31 * s + 17 * step + 9) % vocabulary, shared + step, s, True)
                     for s in range(count)])
        decode(context, batch)
    return time.process_time() - start


def main():
    ll.llama_log_set(QUIET, None)
    ll.llama_backend_init()
    model = ll.llama_model_load_from_file(sys.argv[1].encode(), ll.llama_model_default_params())
    contexts = [model and open_context(model, unified) for unified in (True, False)]
    if not all(contexts):
        sys.exit("llama-peer.py: llama.cpp does not open " + sys.argv[1])
    vocabulary = ll.llama_vocab_n_tokens(ll.llama_model_get_vocab(model))
    batch = ll.llama_batch_init(BATCH, 0, 1)
    features = ll.llama_print_system_info().decode()
    print("llama-cpp-python", ll.__version__, features, flush=True)
    ready = {}
    for line in sys.stdin:
        what, *numbers = line.split()
        numbers = [int(n) for n in numbers]
        if what == "prompt":
            ready.clear()
            seconds = read_prompt(contexts[0], batch, *numbers, vocabulary)
        else:
            seconds = min(generate(c, batch, *numbers, vocabulary, ready)
                          for c in contexts)
        print(f"{seconds:.6f}", flush=True)


if __name__ == "__main__":
    main()
