#!/usr/bin/env python3
"""Write a language model of two small layers with random weights, or an adapter to it.

    tiny-model.py model FILE      llama, vocabulary of bytes, 4096 tokens of context
    tiny-model.py adapter FILE    LoRA of rank 4 on the queries of both layers

What it says means nothing; it is the same on every machine."""
import random, struct, sys

WIDTH, FFN, HEADS, KV_HEADS, LAYERS, RANK = 64, 128, 4, 2, 2, 4
TOKENS = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
U32, F32, STRING, ARRAY, I32 = 4, 6, 8, 9, 5


def text(s):
    return struct.pack("<Q", len(s.encode())) + s.encode()


def key(name, kind, value):
    head = text(name) + struct.pack("<I", kind)
    if kind == STRING:
        return head + text(value)
    if kind == ARRAY:
        of, items = value
        body = b"".join(text(i) if of == STRING else struct.pack("<f" if of == F32 else "<i", i)
                        for i in items)
        return head + struct.pack("<IQ", of, len(items)) + body
    return head + struct.pack("<f" if kind == F32 else "<I", value)


def model_keys():
    number = lambda name, value: key("llama." + name, U32, value)
    return [
        key("general.architecture", STRING, "llama"),
        number("block_count", LAYERS), number("context_length", 4096),
        number("embedding_length", WIDTH), number("feed_forward_length", FFN),
        number("attention.head_count", HEADS), number("attention.head_count_kv", KV_HEADS),
        key("llama.attention.layer_norm_rms_epsilon", F32, 1e-5),
        key("tokenizer.ggml.model", STRING, "llama"),
        key("tokenizer.ggml.tokens", ARRAY, (STRING, TOKENS)),
        key("tokenizer.ggml.scores", ARRAY, (F32, [0.0] * len(TOKENS))),
        key("tokenizer.ggml.token_type", ARRAY, (I32, [2, 3, 3] + [6] * 256)),
        key("tokenizer.ggml.bos_token_id", U32, 1), key("tokenizer.ggml.eos_token_id", U32, 2),
    ]


def model_tensors():
    kv = WIDTH // HEADS * KV_HEADS
    tensors = [("token_embd.weight", (WIDTH, len(TOKENS)))]
    for i in range(LAYERS):
        tensors += [("blk.%d.%s.weight" % (i, name), shape) for name, shape in (
            ("attn_norm", (WIDTH,)), ("attn_q", (WIDTH, WIDTH)), ("attn_k", (WIDTH, kv)),
            ("attn_v", (WIDTH, kv)), ("attn_output", (WIDTH, WIDTH)), ("ffn_norm", (WIDTH,)),
            ("ffn_gate", (WIDTH, FFN)), ("ffn_up", (WIDTH, FFN)), ("ffn_down", (FFN, WIDTH)))]
    return tensors + [("output_norm.weight", (WIDTH,))]


def adapter_keys():
    return [key("general.architecture", STRING, "llama"), key("general.type", STRING, "adapter"),
            key("adapter.type", STRING, "lora"), key("adapter.lora.alpha", F32, 8.0)]


def adapter_tensors():
    return [("blk.%d.attn_q.weight.lora_%s" % (i, side), shape) for i in range(LAYERS)
            for side, shape in (("a", (WIDTH, RANK)), ("b", (RANK, WIDTH)))]


def write(path, keys, tensors):
    draw = random.Random(20261121)
    infos, data = b"", b""
    for name, shape in tensors:
        infos += text(name) + struct.pack("<I", len(shape))
        infos += struct.pack("<%dQ" % len(shape), *shape) + struct.pack("<IQ", 0, len(data))
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        middle = 1.0 if len(shape) == 1 else 0.0
        data += struct.pack("<%df" % count, *(middle + draw.uniform(-0.3, 0.3) for _ in range(count)))
        data += bytes(-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + infos
    with open(path, "wb") as out:
        out.write(head + bytes(-len(head) % 32) + data)


if sys.argv[1] == "adapter":
    write(sys.argv[2], adapter_keys(), adapter_tensors())
else:
    write(sys.argv[2], model_keys(), model_tensors())
