#!/usr/bin/env python3
"""Make a language model of Qwen2.5-0.5B's shape with random weights, for speed.

    make-model.py Q8_0|Q4_K_M FILE

The file is a valid GGUF for any reader: 24 layers of width 896, 14 heads of 64 over 2
of keys and values, a vocabulary of 151,936 made-up tokens over the 256 bytes. Which
tensor has which type is what quantisers make of the real one: 896 is no multiple of
256, so that in Q4_K_M most matrices are Q5_0 and Q8_0, and only those that read the
4,864 of the feed-forward are Q4_K and Q6_K.

How fast a product is does not depend on its numbers: blocks are drawn from a pool of
some thousands. The same bytes on every machine."""
import random
import struct
import sys

LAYERS, WIDTH, FFN, HEADS, KV_HEADS, HEAD = 24, 896, 4864, 14, 2, 64
VOCABULARY, CONTEXT = 151936, 32768
POOL, ALIGN = 4099, 32

# number in the file, values and bytes of a block, where its halves lie and their size
TYPES = {
    "F32": (0, 1, 4, ()),
    "Q5_0": (6, 32, 22, ((0, 0.004),)),
    "Q8_0": (8, 32, 34, ((0, 0.0005),)),
    "Q4_K": (12, 256, 144, ((0, 0.0001), (2, 0.0008))),
    "Q6_K": (14, 256, 210, ((208, 0.00002),)),
}


def more_bits(layer):
    eighth = LAYERS // 8
    return layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2


def type_of(mixture, name, layer):
    if mixture == "Q8_0" or name == "token_embd":
        return "Q8_0"
    if name == "ffn_down":
        return "Q6_K" if more_bits(layer) else "Q4_K"
    return "Q8_0" if name == "attn_v" and more_bits(layer) else "Q5_0"


def tensors(mixture):
    """Name, type, length of a row, rows; rows of 0 are a vector."""
    kv = KV_HEADS * HEAD
    yield "token_embd.weight", type_of(mixture, "token_embd", 0), WIDTH, VOCABULARY
    yield "output_norm.weight", "F32", WIDTH, 0
    for i in range(LAYERS):
        for name, depth, rows in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH, kv),
            ("attn_v", WIDTH, kv),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", WIDTH, FFN),
            ("ffn_up", WIDTH, FFN),
            ("ffn_down", FFN, WIDTH),
        ):
            yield f"blk.{i}.{name}.weight", type_of(mixture, name, i), depth, rows
        for name in ("attn_norm", "ffn_norm"):
            yield f"blk.{i}.{name}.weight", "F32", WIDTH, 0
        for name, size in (("attn_q", WIDTH), ("attn_k", kv), ("attn_v", kv)):
            yield f"blk.{i}.{name}.bias", "F32", size, 0


# ---- keys ---------------------------------------------------------------------------


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name, kind, raw):
    return text(name) + struct.pack("<I", kind) + raw


def u32(name, value):
    return key(name, 4, struct.pack("<I", value))


def array(name, kind, items):
    head = struct.pack("<IQ", kind, len(items))
    return key(name, 9, head + b"".join(items))


def byte_letters():
    """How byte-level vocabularies write the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    letter = {b: chr(b) for b in plain} | {b: chr(256 + i) for i, b in enumerate(rest)}
    return [letter[b] for b in range(256)]


def keys():
    words = byte_letters() + ["to", "tok", "toke", "token"]
    words += [f"token{i}" for i in range(len(words), VOCABULARY - 1)] + ["<|endoftext|>"]
    kinds = [1] * (VOCABULARY - 1) + [3]
    merges = ["t o", "to k", "tok e", "toke n"]
    yield key("general.architecture", 8, text("qwen2"))
    yield key("general.name", 8, text("random weights"))
    yield u32("general.alignment", ALIGN)
    yield u32("qwen2.block_count", LAYERS)
    yield u32("qwen2.context_length", CONTEXT)
    yield u32("qwen2.embedding_length", WIDTH)
    yield u32("qwen2.feed_forward_length", FFN)
    yield u32("qwen2.attention.head_count", HEADS)
    yield u32("qwen2.attention.head_count_kv", KV_HEADS)
    yield key("qwen2.rope.freq_base", 6, struct.pack("<f", 1e6))
    yield key("qwen2.attention.layer_norm_rms_epsilon", 6, struct.pack("<f", 1e-6))
    yield key("tokenizer.ggml.model", 8, text("gpt2"))
    yield key("tokenizer.ggml.pre", 8, text("qwen2"))
    yield array("tokenizer.ggml.tokens", 8, [text(w) for w in words])
    yield array("tokenizer.ggml.token_type", 5, [struct.pack("<i", k) for k in kinds])
    yield array("tokenizer.ggml.merges", 8, [text(m) for m in merges])
    yield u32("tokenizer.ggml.eos_token_id", VOCABULARY - 1)
    yield u32("tokenizer.ggml.padding_token_id", VOCABULARY - 1)
    yield key("tokenizer.ggml.add_bos_token", 7, b"\0")


# ---- numbers ------------------------------------------------------------------------


def make_pool(kind, rng):
    _, _, size, halves = TYPES[kind]
    blocks = []
    for _ in range(POOL):
        block = bytearray(rng.randbytes(size))
        if kind == "F32":
            block[:] = struct.pack("<f", rng.uniform(0.9, 1.1))
        for at, most in halves:
            struct.pack_into("<e", block, at, rng.uniform(most / 2, most))
        blocks.append(bytes(block))
    return b"".join(blocks)


def write_blocks(file, pool, size, count, start):
    """count blocks from the pool, which is a ring, from block start on."""
    while count:
        start %= POOL
        now = min(count, POOL - start)
        file.write(pool[start * size : (start + now) * size])
        start += now
        count -= now


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("Q8_0", "Q4_K_M"):
        sys.exit("usage: make-model.py Q8_0|Q4_K_M FILE")
    rng = random.Random(1)
    pools = {kind: make_pool(kind, rng) for kind in TYPES}
    all_keys, plan, at = list(keys()), [], 0
    for name, kind, depth, rows in tensors(sys.argv[1]):
        number, values, size, _ = TYPES[kind]
        count = depth * max(rows, 1) // values
        dims = (depth, rows) if rows else (depth,)
        head = text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, number, at)
        plan.append((head, kind, size, count))
        at += -(-count * size // ALIGN) * ALIGN
    with open(sys.argv[2], "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, len(plan), len(all_keys)))
        file.writelines(all_keys)
        file.writelines(head for head, _, _, _ in plan)
        file.write(bytes(-file.tell() % ALIGN))
        for _, kind, size, count in plan:
            write_blocks(file, pools[kind], size, count, rng.randrange(POOL))
            file.write(bytes(-file.tell() % ALIGN))


if __name__ == "__main__":
    main()
