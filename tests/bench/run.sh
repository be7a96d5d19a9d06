#!/bin/bash
# What `make bench` runs: the encoder, the decoder beside llama.cpp, the reader beside
# pdftotext, a whole run with its accuracy, and the store. About four minutes, and ten
# more with llama.cpp; only prints, never fails a build.
# Usage: tests/bench/run.sh BUILD_FOLDER [PART...]
#
# Parts: encoder decoder readers whole_run labels store; all of them when none is named.
#
# LLAMA_PYTHON names interpreters that have llama_cpp (pip install llama-cpp-python),
# several of them if there are several builds: the one built for AVX-512 is measured
# beside our AVX-512, one built without it (CMAKE_ARGS="-DGGML_NATIVE=OFF
# -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_AVX512=OFF") beside our AVX2.
#
# Rates are by CPU-second (user and system, children included) unless they say
# otherwise, because machines are shared. Figures of two machines, or of two days on
# one, do not compare; figures of one run do.
out=${1:?usage: tests/bench/run.sh BUILD_FOLDER [PART...]}
shift
cloister=$out/bin/cloister
q8_0=models/all-minilm-l6-v2.q8_0.gguf f32=models/all-minilm-l6-v2.f32.gguf
contracts=../shared/corpus/pdf/contracts
work=$(mktemp -d) || exit 0
trap 'rm -rf "$work"' EXIT
TIMEFORMAT='%U %S %R'

say() { printf '%s\n' "$*"; }
ratio() { awk -v a="$1" -v b="$2" "BEGIN { if (b > 0) printf \"${3:-%.0f}\", a / b; else printf \"-\" }"; }

# timed FILE COMMAND...: add user + system seconds to FILE, one number a line.
timed() {
    local file=$1
    shift
    { time "$@" >>"$work/stdout" 2>>"$work/stderr"; } 2>"$work/time"
    awk '{ print $1 + $2 }' "$work/time" >>"$file"
}
total() { awk '{ s += $1 } END { printf "%.3f", s }' "$1"; }

machine() {
    say "# Machine"
    say "$(lscpu | sed -n 's/^Model name: *//p' | head -1), $(nproc) CPUs," \
        "$(lscpu | grep -owE 'avx2|fma|f16c|avx_vnni|avx512f|avx512_vnni|avx512_bf16' | sort -u | tr '\n' ' ')"
    say "load before: $(cut -d' ' -f1-3 /proc/loadavg)"
}

# The scalar kernels are the reference that the others are compared with bit by bit;
# nobody waits for them, and neither does this.
encoder() {
    say; say "# Encoder: tokens per CPU-second, and the linear layers' share of the peak"
    local bench=$out/tests/bench/encoder_bench isa best=
    if [ ! -x "$bench" ] || [ ! -f $q8_0 ] || [ ! -f $f32 ]; then
        say "skipped: no models (make models)"
        return
    fi
    find examples/documents -name '*.pdf' -exec pdftotext -layout {} - 2>/dev/null \; |
        tr -s ' ' | grep -E '.{40}' >"$work/lines"
    for isa in avx2 avxvnni avx512; do
        "$bench" --isa $isa >/dev/null 2>&1 || continue
        best=$isa
        "$bench" --isa $isa --repeat 1 $q8_0 $f32
        "$bench" --isa $isa --repeat 1 --activations 8 $q8_0
    done
    [ -n "$best" ] || { say "skipped: the CPU has none of avx2, avxvnni, avx512"; return; }
    say "two threads, and lines of real text with tokenising:"
    "$bench" --isa "$best" --repeat 1 --threads 2 --text "$work/lines" $q8_0 $f32
}

# Models of random weights are made once and kept in the build's folder.
decoder() {
    say; say "# Decoder: tokens per CPU-second on one thread, and the products' share of the peak"
    local bench=$out/tests/bench/decoder_bench type model models=()
    [ -x "$bench" ] || { say "skipped: no $bench"; return; }
    if command -v python3 >/dev/null; then
        for type in Q8_0 Q4_K_M; do
            model=$out/tests/bench/qwen2.5-0.5b-shape.${type,,}.gguf
            [ -f "$model" ] || { tests/bench/make-model.py $type "$work/model" &&
                mv "$work/model" "$model"; }
            models+=("$model")
        done
    else
        say "models of random weights: skipped: no python3"
    fi
    for model in models/*smollm2*.gguf; do
        [ -f "$model" ] && models+=("$model")
    done
    [ ${#models[@]} = 0 ] || "$bench" --python "${LLAMA_PYTHON:-python3}" "${models[@]}"
}

each_pdftotext() {
    local file
    for file in "$@"; do pdftotext "$file" -; done
}

# reader NAME ROUNDS SLICES FILE...: the files, in slices that alternate between the two.
reader() {
    local name=$1 rounds=$2 slices=$3 round slice
    shift 3
    : >"$work/ours"; : >"$work/theirs"; : >"$work/stdout"
    slice=$((($# + slices - 1) / slices))
    for round in $(seq "$rounds"); do
        local rest=("$@")
        while [ ${#rest[@]} -gt 0 ]; do
            timed "$work/ours" "$cloister" extract --format text "${rest[@]:0:slice}"
            [ "$round" = 1 ] && cat "$work/stdout" >>"$work/text"
            : >"$work/stdout"
            timed "$work/theirs" each_pdftotext "${rest[@]:0:slice}"
            : >"$work/stdout"
            rest=("${rest[@]:slice}")
        done
    done
    local pages=$(($(tr -cd '\f' <"$work/text" | wc -c) * rounds))
    rm -f "$work/text"
    say "$name: $pages pages; extract $(ratio $pages "$(total "$work/ours")")," \
        "pdftotext a document $(ratio $pages "$(total "$work/theirs")")," \
        "ratio $(ratio "$(total "$work/theirs")" "$(total "$work/ours")" %.2f)"
}

readers() {
    say; say "# Reader: pages per CPU-second, in processes of their own, beside pdftotext"
    command -v pdftotext >/dev/null || { say "skipped: no pdftotext (poppler-utils)"; return; }
    mapfile -t files < <(find examples/documents/contracts examples/documents/hr \
        examples/documents/correspondence -name '*.pdf' | sort)
    reader "examples/documents, 10 times" 10 1 "${files[@]}"
    [ -d $contracts ] || { say "$contracts: skipped: not there"; return; }
    mapfile -t files < <(find $contracts -name '*.pdf' | sort)
    reader "$contracts" 1 4 "${files[@]}"
}

accuracy() {
    sqlite3 -readonly -separator , "$work/run.db" "SELECT replace(path, rtrim(path,
        replace(path, '/', '')), ''), label, undecided FROM v_results
        WHERE task = 'contract_type'" |
        awk -F, '{ sub(/\r$/, "") } NR == FNR { type[$1] = $3; next }
            $1 in type { n++; good = type[$1] == $2; right += good
                         if (!$3) { decided++; sure += good } }
            END { if (n) printf "contract type of %d: %.3f right; " \
                "%.2f decided at the threshold, of these %.3f right\n", n, right / n,
                decided / n, decided ? sure / decided : 0 }' $contracts/labels.csv -
}

whole_run() {
    say; say "# Whole run: cloister run --policy contracts"
    local folder=$contracts
    [ -f $q8_0 ] || { say "skipped: no models (make models)"; return; }
    [ -d $folder ] || { say "$contracts: skipped: not there"; folder=examples/documents; }
    find $folder -name '*.pdf' >"$work/list"
    "$cloister" run --quiet --format json --db "$work/run.db" --files-from "$work/list" \
        >"$work/run.json" 2>"$work/stderr"
    awk -F'[:,}]' '{ for (i = 1; i < NF; i++) { gsub(/[" {]/, "", $i); v[$i] = $(i + 1) + 0 } }
        END { if (v["seconds"] > 0) printf "%d documents, %d pages, %d tokens in %.1f s: %.1f pages, " \
            "%.0f tokens a second of the clock\n", v["done"], v["pages"], v["tokens"], v["seconds"],
            v["pages"] / v["seconds"], v["tokens"] / v["seconds"] }' "$work/run.json"
    [ "$folder" = $contracts ] || return
    command -v sqlite3 >/dev/null || { say "accuracy: skipped: no sqlite3"; return; }
    accuracy
}

labels() {
    say; say "# Labels by a language model"
    local model=models/smollm2-135m-instruct.q4_1.gguf corpus=${contracts%/pdf/contracts}
    [ -f $model ] || { say "skipped: no $model (make language-model)"; return; }
    [ -d "$corpus" ] || { say "skipped: no labelled documents"; return; }
    mkdir -p "$work/labels"
    "${BASH_SOURCE%/*}/labels.sh" "$cloister" $model "$corpus" "$work/labels"
}

store() {
    say; say "# Store"
    "$out/tests/bench/store_bench" "$work/store.db"
}

machine
for part in "${@:-}"; do
    case $part in
    encoder | decoder | readers | whole_run | labels | store) $part ;;
    '') encoder; decoder; readers; whole_run; labels; store ;;
    *) say "unknown part: $part" ;;
    esac
done
say; say "load after: $(cut -d' ' -f1-3 /proc/loadavg)"
exit 0
