# Language models on the command line: asked for logits and texts, run over documents,
# planned and refused. A tiny model with random weights serves where any model does.
load helper

stories="$corpus/models/stories260K-f32.gguf"
smollm2="$top/models/smollm2-135m-instruct.q4_1.gguf"

setup_file() {
    cd "$BATS_FILE_TMPDIR"
    python3 "$top/tests/cmd/tiny-model.py" model tiny.gguf
    python3 "$top/tests/cmd/tiny-model.py" adapter lora.gguf
    for i in $(seq 40); do
        printf '{"id": %d, "text": "The lease of %s is due on the %dth."}\n' $i "$(printf 'x%.0s' $(seq $((i * 3))))" $i
    done >texts.jsonl
}

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    tiny="$BATS_FILE_TMPDIR/tiny.gguf"
    lora="$BATS_FILE_TMPDIR/lora.gguf"
    texts="$BATS_FILE_TMPDIR/texts.jsonl"
}

ask() { # VERB [OPTION...]
    local verb=$1
    shift
    "$cloister" model "$verb" --model "$tiny" "$@" "$texts"
}

@test "logits are one row a line, as JSON and raw, with the ids they follow" {
    ask logits >json
    ask logits --format f32 >raw
    python3 - json raw "$texts" <<'PY'
import array, json, sys
lines = [json.loads(l) for l in open(sys.argv[1])]
raw = array.array("f", open(sys.argv[2], "rb").read())
texts = [json.loads(l) for l in open(sys.argv[3])]
assert [l["id"] for l in lines] == [t["id"] for t in texts]
for i, (l, t) in enumerate(zip(lines, texts)):
    assert array.array("f", l["logits"]) == raw[i * 259:(i + 1) * 259]
    assert l["ids"][0] == 1 and bytes(x - 3 for x in l["ids"][1:]).decode().strip() == t["text"]
assert len(raw) == 259 * len(lines) == 259 * 40
PY
}

@test "the first new token is the likeliest, the next one that of the text it makes" {
    ask generate --tokens 3 >answers
    ask logits >logits
    python3 - logits answers >next.jsonl <<'PY'
import json, sys
for l, a in zip(*(open(f) for f in sys.argv[1:])):
    l, a = json.loads(l), json.loads(a)
    assert l["id"] == a["id"] and len(a["ids"]) <= 3
    assert a["ids"][0] == max(range(259), key=lambda i: l["logits"][i])
    if len(a["ids"]) > 1:
        print(json.dumps({"id": a["ids"][1], "ids": l["ids"] + a["ids"][:1]}))
PY
    [ "$(wc -l <next.jsonl)" -ge 10 ]
    "$cloister" model logits --model "$tiny" next.jsonl |
        json 'd["id"] == max(range(259), key=lambda i: d["logits"][i])' | sort -u >right
    [ "$(cat right)" = True ]
}

@test "no setting of speed changes a bit; those that do are those that say so" {
    ask logits --format f32 >base
    ask generate --tokens 9 --temperature 0.8 --seed 5 >text
    for settings in "--batch 1" "--batch 5 --piece 3" "--share-prefix off --threads 1" \
        "--threads 2 --piece 16" "--isa scalar" "--context 512"; do
        ask logits --format f32 $settings | cmp - base
        ask generate --tokens 9 --temperature 0.8 --seed 5 $settings | diff - text
    done
    for settings in "--kv f32" "--kv q8" "--adapter $lora"; do
        ask logits --format f32 $settings >other
        ! cmp -s other base
    done
    ask generate --tokens 9 --temperature 0.8 --seed 6 >other
    ! diff -q other text
}

@test "a text is what its prompt asks for, whatever stands beside it" {
    ask generate --tokens 6 --temperature 1 --seed 3 --top-p 0.9 --min-p 0.01 >all
    sed -n 7p "$texts" | "$cloister" model generate --model "$tiny" --tokens 6 \
        --temperature 1 --seed 3 --top-p 0.9 --min-p 0.01 >alone
    sed -n 7p all | diff - alone
}

@test "a tiny model that was trained tells its story" {
    [ -f "$stories" ] || skip "../shared/corpus is absent"
    echo '{"id": "s", "ids": [1]}' |
        "$cloister" model generate --model "$stories" --tokens 100 --kv f32 | json 'd["text"]' >story
    grep -qF " Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball." story
}

@test "a chat ends with its end token, which is no part of the text, or goes on" {
    [ -f "$smollm2" ] || skip "the language model is absent: make language-model"
    printf '%s\n' '{"id": 1, "text": "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n", "special": true}' >chat
    "$cloister" model generate --tokens 40 chat >answer
    [ "$(json '(d["ended"], d["ids"][-1], "<|" in d["text"], "Paris" in d["text"])' <answer)" = "(True, 2, False, True)" ]
    "$cloister" model generate --tokens 40 --ignore-eos chat >longer
    [ "$(json 'len(d["ids"])' <longer)" = 40 ]
}

@test "what a kind of model cannot do is refused with what does it" {
    run "$cloister" model embed --model "$tiny" "$texts"
    [ "$status" -eq 2 ]
    [[ "$output" == *"language model"*"encoder"* ]]
    for verb in logits generate; do
        run "$cloister" model $verb --model all-minilm-l6-v2.q8_0.gguf "$texts"
        [ "$status" -eq 2 ]
        [[ "$output" == *"is an encoder"*"language model"* ]]
    done
    run "$cloister" model show --kv q9 "$tiny"
    [ "$status" -eq 2 ]
    run ask generate --top-p 0
    [ "$status" -eq 2 ]
    run ask generate --adapter "$tiny"
    [ "$status" -eq 3 ]
    [[ "$output" == *tiny.gguf*adapter* ]]
    run "$cloister" model show "$lora"
    [ "$status" -eq 3 ]
    [[ "$output" == *adapter* ]]
}

@test "a line that does not fit is named, and nothing is cut" {
    {
        echo '{"id": 1, "ids": [1, 5]}'
        echo '{"id": 2, "ids": []}'
    } >empty
    run "$cloister" model logits --model "$tiny" empty
    [ "$status" -eq 2 ]
    [[ "$output" == *"line 2"*"nothing to begin with"* ]]
    python3 -c 'print("{\"id\": 1, \"ids\": %s}" % ([7] * 60))' >long
    "$cloister" model logits --model "$tiny" --context 60 long >out
    run "$cloister" model logits --model "$tiny" --context 59 long
    [ "$status" -eq 2 ]
    [[ "$output" == *"line 1"*"60 tokens"*"59"*"--context"* ]]
    "$cloister" model generate --model "$tiny" --context 64 --tokens 4 long >out
    run "$cloister" model generate --model "$tiny" --context 63 --tokens 4 long
    [ "$status" -eq 2 ]
    run "$cloister" model logits --model "$tiny" --context 5000 long
    [ "$status" -eq 2 ]
    [[ "$output" == *"at most 4096"* ]]
}

# The peak of a command's memory, in bytes.
peak_of() { # COMMAND...
    python3 - "$@" <<'PY'
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(child.pid, 0)
assert status == 0, status
print(used.ru_maxrss * 1024)
PY
}

@test "the peak of memory is the plan, within 5 per cent" {
    [[ "${OUT:-}" != *asan* ]] || skip "a sanitizer has memory of its own"
    for settings in "--batch 1024" "--batch 512 --kv f32" "--batch 1400 --kv q8 --threads 1"; do
        plan=$("$cloister" model show --format json "$tiny" $settings | json 'd["plan"]["bytes"]')
        for verb in logits "generate --tokens 4"; do
            peak=$(peak_of "$cloister" model $verb --model "$tiny" $settings "$texts")
            echo "$settings, $verb: plan $plan, peak $peak"
            [ $((peak * 100)) -ge $((plan * 95)) ]
            [ $((peak * 100)) -le $((plan * 105)) ]
        done
    done
    [ "$plan" -gt 100000000 ]
}

@test "the peak of a run is what it announced, within 5 per cent" {
    [[ "${OUT:-}" != *asan* ]] || skip "a sanitizer has memory of its own"
    python3 - "$cloister" run --db case.db --model "$tiny" --batch 500 --kv f32 \
        "$documents/contracts/brightwater-supply.pdf" <<'PY'
import re, subprocess, sys, time
run = subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE)
peak = 0
while run.poll() is None:
    found = re.search(r"VmHWM:\s+(\d+)", open("/proc/%d/status" % run.pid).read())
    peak = int(found.group(1)) * 1024 if found else peak
    time.sleep(0.02)
said = run.stderr.read().decode()
needs = float(re.search(r"needs ([0-9.]+) MiB", said).group(1)) * 1048576
print(said, "peak %d, announced %d" % (peak, needs))
assert run.returncode in (0, 1) and needs > 150e6
assert 0.95 * needs <= peak <= 1.05 * needs
PY
}

@test "a plan that does not fit is refused before memory is taken, with what to change" {
    [[ "${OUT:-}" != *asan* ]] || skip "a sanitizer has addresses of its own"
    ulimit -v 1100000
    run ask logits --batch 4096 --kv f32
    [ "$status" -eq 3 ]
    [[ "$output" == *"needs "*" GiB"*"free"*"does not fit"*"--batch"*"--kv q8"* ]]
    ask logits --format f32 --batch 4 | wc -c >taken
    [ "$(cat taken)" = $((40 * 259 * 4)) ]
    "$cloister" model show --format json "$tiny" --batch 4096 --kv f32 >shown
    [ "$(json 'd["fits"]' <shown)" = False ]
    [ "$(json '0 < d["largest"]["batch"] < 4096' <shown)" = True ]
    largest=$(json 'd["largest"]["batch"]' <shown)
    ask generate --batch $((largest - 2)) --context 4096 --kv f32 --tokens 1 >taken
    run ask generate --batch $((largest + 40)) --context 4096 --kv f32 --tokens 1
    [ "$status" -eq 3 ]
    run "$cloister" run --quiet --db case.db --model "$tiny" --batch 4096 --context 4096 --kv f32 \
        "$documents/contracts/brightwater-supply.pdf"
    [ "$status" -eq 3 ]
    [[ "$output" == *"encoder"*"language model"*"does not fit"* ]]
    [ ! -e case.db ]
}

# All results but the numbers of documents.
results_of() { # DB
    "$cloister" results list --db "$1" --format json | json 'd["document"]' | while read -r id; do
        "$cloister" results show --db "$1" --format json "$id"
    done | json '{k: v for k, v in d.items() if k != "document"}'
}

@test "a run with a language model says what it takes, who answered and with what" {
    mkdir box
    cp "$documents/contracts/brightwater-supply.pdf" box
    "$cloister" run --db case.db --model "$tiny" --adapter "$lora" box 2>said ||
        [ $? -eq 1 ]
    grep -qE "needs [0-9.]+ [MG]iB \(encoder .*, language model .*\), [0-9.]+ [MG]iB free" said
    [ "$("$cloister" results list --db case.db --format json | json 'd["tasks"][0]["answered_by"]')" = model ]
    digest=$(sha256sum <"$tiny" | cut -d' ' -f1)
    adapter=$(sha256sum <"$lora" | cut -d' ' -f1)
    sqlite3 case.db "SELECT lower(hex(model_sha256)) FROM identity" | grep -qx "$digest"
    sqlite3 case.db "SELECT settings FROM identity" >settings
    grep -qE "^activations=16 float=exact kv=f16 adapter=$adapter chat=none prior=neutral pipeline=" settings
    "$cloister" audit verify --db case.db
    # the same once more does nothing; another cache is another identity
    "$cloister" run --quiet --format json --db case.db --model "$tiny" --adapter "$lora" box >again ||
        [ $? -eq 1 ]
    [ "$(tail -1 again | json 'd["done"]')" = 0 ]
    "$cloister" run --dry-run --format json --db case.db --model "$tiny" --kv q8 box 2>/dev/null >plan
    [ "$(json 'd["to_do"]' <plan)" = 1 ]
}

@test "written results do not depend on batch, pieces, threads or shared prefixes" {
    cp "$documents/contracts/brightwater-supply.pdf" "$documents"/correspondence/*.pdf .
    first=
    for settings in "" "--batch 1 --threads 1" "--batch 3 --piece 7 --share-prefix off --isa avx2"; do
        rm -f case.db
        "$cloister" run --quiet --db case.db --model "$tiny" $settings *.pdf || [ $? -eq 1 ]
        results_of case.db >now
        [ -z "$first" ] || diff first now
        first=yes
        mv now first
    done
    [ "$(wc -l <first)" -ge 6 ]
}

@test "a run refuses what makes no sense of its models" {
    file="$documents/contracts/brightwater-supply.pdf"
    for option in "--kv q8" "--piece 4" "--share-prefix off" "--context 600" "--adapter $lora"; do
        run "$cloister" run --db case.db $option "$file"
        [ "$status" -eq 2 ]
        [[ "$output" == *"${option%% *} is for a language model"* ]]
    done
    run "$cloister" run --db case.db --model all-minilm-l6-v2.q8_0.gguf "$file"
    [ "$status" -eq 2 ]
    run "$cloister" run --db case.db --encoder "$tiny" "$file"
    [ "$status" -eq 2 ]
    run "$cloister" run --db case.db --model "$tiny" --context 100 "$file"
    [ "$status" -eq 2 ]
    [[ "$output" == *"--context 100"*"need"* ]]
    [ ! -e case.db ]
}

@test "policy prompt prints the words of the document as the model gets them" {
    file="$documents/contracts/brightwater-supply.pdf"
    "$cloister" policy prompt contracts --model "$tiny" "$file" >prompts
    grep -q "^==== classify" prompts
    grep -q "^==== summarize" prompts
    grep -q "SUPPLY AGREEMENT" prompts
    # a block is as long as its head says
    python3 - prompts <<'PY'
import re, sys
data = open(sys.argv[1], "rb").read()
blocks = list(re.finditer(rb"(?m)^==== [^\n]*: (\d+) bytes\n", data))
assert len(blocks) > 4
for b in blocks:
    rest = data[b.end() + int(b.group(1)):]
    assert rest.startswith(b"\n") and rest[1:6] in (b"", b"===="[:4] + b" "), b
PY
    run "$cloister" policy prompt contracts --model "$tiny" "$documents/odd/scanned-amendment.pdf"
    [ "$status" -eq 1 ]
    [[ "$output" == *no_text* ]]
    run "$cloister" policy prompt contracts "$file"
    [ "$status" -eq 2 ]
}

@test "a prior is measured on documents, whatever they are called, and then used" {
    mkdir a b
    cp "$documents"/correspondence/*.pdf a
    for file in a/*; do cp "$file" "b/$(basename "$file" | rev)"; done
    cp a/"$(ls a | head -1)" b/copy.pdf
    sed '/<prior /d' "$top/policies/contracts.xml" >plain.xml
    "$cloister" policy calibrate plain.xml --model "$tiny" -o one.prior a
    "$cloister" policy calibrate ./plain.xml --model "$tiny" --output two.prior --batch 2 b
    cmp one.prior two.prior
    grep -qx "model $(sha256sum <"$tiny" | cut -d' ' -f1)" one.prior
    [ ! -e one.prior.part ]
    sed 's|</policy>||; /<model/,/<\/model>/d; /<summary/a <model><prior file="one.prior"/></model>' \
        plain.xml >mine.xml
    echo "</policy>" >>mine.xml
    "$cloister" policy calibrate mine.xml --model "$tiny" -o one.prior a
    "$cloister" run --quiet --policy mine.xml --db case.db --model "$tiny" a || [ $? -eq 1 ]
    sqlite3 case.db "SELECT settings FROM identity" |
        grep -q " prior=$(head -c -72 one.prior | sha256sum | cut -d' ' -f1)"
    sed -i 's/^documents .*/documents 400/' one.prior
    run "$cloister" run --quiet --policy mine.xml --db case.db --model "$tiny" a
    [ "$status" -eq 3 ]
    [[ "$output" == *one.prior* ]]
    "$cloister" policy calibrate mine.xml --model "$tiny" -o one.prior a # which mends it
}

@test "a file that is no model is named once" {
    echo "not a model" >junk.gguf
    for path in junk.gguf ./missing.gguf "$BATS_TEST_TMPDIR"; do
        run "$cloister" model show "$path"
        [ "$status" -eq 3 ]
        [ "$(grep -o "$(basename "$path")" <<<"$output" | wc -l)" -eq 1 ]
    done
}
