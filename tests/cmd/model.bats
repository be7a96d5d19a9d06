# The default model: what the file says, and that it answers as its publisher's does.
load helper

@test "show tells what the file holds and the memory a run needs" {
    run "$cloister" model show all-minilm-l6-v2.q8_0.gguf --format json
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | json 'd["architecture"], d["context"], d["license"], d["fits"]')" = "('bert', 512, 'apache-2.0', True)" ]
}

@test "tokenize gives the reference's ids for every text" {
    [ -d "$corpus/encoder" ] || skip "../shared/corpus is absent"
    "$cloister" model tokenize --model all-minilm-l6-v2.f32.gguf "$corpus/encoder/texts.jsonl" >ours
    python3 - "$corpus/encoder/ids.jsonl" ours <<'PY'
import json, sys
theirs = [json.loads(l) for l in open(sys.argv[1])]
ours = [json.loads(l) for l in open(sys.argv[2])]
assert len(ours) == len(theirs) == 100
for a, b in zip(theirs, ours):
    assert a["id"] == b["id"]
    cut = b["ids"] if len(b["ids"]) <= 512 else b["ids"][:511] + b["ids"][-1:]
    assert a["ids"] == cut, a["id"]
    assert a["tokens_untruncated"] == len(b["ids"]), a["id"]
PY
}

@test "embeddings agree with the reference, in any batch, bit for bit" {
    [ -d "$corpus/encoder" ] || skip "../shared/corpus is absent"
    texts="$corpus/encoder/texts.jsonl"
    for type in f32 q8_0; do
        model=all-minilm-l6-v2.$type.gguf
        "$cloister" model embed --model $model --format f32 --batch 64 "$texts" >$type
        "$cloister" model embed --model $model --format f32 --batch 1 --threads 1 "$texts" >one
        "$cloister" model embed --model $model --format f32 --batch 7 --isa avx2 "$texts" >seven
        "$cloister" model embed --model $model --format f32 --isa scalar "$texts" >scalar
        cmp $type one
        cmp $type seven
        cmp $type scalar
        tac "$texts" | "$cloister" model embed --model $model --format f32 >reversed
        python3 - $type reversed <<'PY'
import sys
a, b = (open(f, "rb").read() for f in sys.argv[1:])
rows = lambda x: [x[i:i + 1536] for i in range(0, len(x), 1536)]
assert rows(a) == rows(b)[::-1]
PY
    done
    python3 - "$corpus/encoder" f32 q8_0 <<'PY'
import array, math, sys
def rows(path):
    v = array.array("f", open(path, "rb").read())
    return [v[i:i + 384] for i in range(0, len(v), 384)]
def least(a, b):
    return min(sum(x * y for x, y in zip(r, s)) / math.sqrt(sum(x * x for x in r) * sum(y * y for y in s)) for r, s in zip(rows(a), rows(b)))
f32 = least(sys.argv[1] + "/embeddings.f32", "f32")
q8_0 = least(sys.argv[1] + "/embeddings_q8_0.f32", "q8_0")
print("smallest cosine: F32 %.9f, Q8_0 %.9f" % (f32, q8_0))
assert f32 >= 0.99999 and q8_0 >= 0.9999
PY
}

@test "a damaged line of input is named by its number" {
    printf '{"id": 1, "text": "fine"}\n{"id": 2, "text": \n' >broken
    run "$cloister" model embed broken
    [ "$status" -eq 2 ]
    [[ "$output" == *"line 2"* ]]
}
