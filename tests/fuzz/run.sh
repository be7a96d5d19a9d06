#!/bin/sh
# Run every fuzz target for some seconds, under AddressSanitizer and UBSan, and say
# one line about each. Exit status 1 when one of them found something, or when a
# fault that was planted (the target built with -DCANARY) is not found in a minute:
# a fuzzer that cannot find that one proves nothing by finding none.
# Usage: tests/fuzz/run.sh SECONDS [NAME...]
#
# What a target learns is kept in build/fuzz/corpus/NAME and is where it begins the
# next time. What it fails on is left in build/fuzz/NAME-*; once the fault is mended,
# move that file to tests/data/fuzz/NAME, from where `make test` replays it. As many
# targets run side by side as there are processors.
seconds=${1:?usage: tests/fuzz/run.sh SECONDS [NAME...]}
shift
out=build/fuzz
canary_seconds=60
# libxml2 allocates a lot; short stacks and little quarantine make that twice as fast.
export ASAN_OPTIONS=malloc_context_size=5:quarantine_size_mb=16

# Where good inputs of a kind lie already.
seeds() {
    case $1 in
    policy) echo tests/data/policies tests/data/pipeline ;;
    xml) echo tests/data/ingest/xml examples/documents/records ;;
    esac
}

# Longer inputs would only be slower, save where limits of size are to be passed.
bytes_max() {
    case $1 in
    wire) echo 80000 ;; # two frames and more
    gguf) echo 40000 ;; # past an alignment of the largest kind
    *) echo 16384 ;;
    esac
}

# One program: a name, an ending (fuzz or canary), seconds, folders of inputs.
start() {
    name=$1 kind=$2 time=$3 dict=
    shift 3
    [ -f "tests/fuzz/$name.dict" ] && dict=-dict=tests/fuzz/$name.dict
    "$out/tests/fuzz/${name}_$kind" $dict -max_total_time="$time" \
        -max_len="$(bytes_max "$name")" -timeout=10 -report_slow_units=3 \
        -rss_limit_mb=2048 -malloc_limit_mb=512 -print_final_stats=1 \
        -artifact_prefix="$out/$name-$kind-" "$@" >"$out/${name}_$kind.log" 2>&1
}

# It begins with nothing, or with the one file NAME.seed: what is known already must
# not lead it to the fault.
canary() {
    corpus=$(mktemp -d)
    [ -f "tests/fuzz/$1.seed" ] && cp "tests/fuzz/$1.seed" "$corpus"
    start "$1" canary $canary_seconds "$corpus"
    status=$?
    rm -rf "$corpus"
    if [ $status -eq 0 ]; then
        echo "FAILED  $1: the planted fault was not found in $canary_seconds s"
        return 1
    fi
    rm -f "$out/$1-canary-"*
    # A program that cannot start fails as well, and has found nothing.
    if ! grep -q 'Test unit written' "$out/$1_canary.log"; then
        echo "FAILED  $1: see $out/$1_canary.log"
        return 1
    fi
    inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$1_canary.log")
    echo "passed  $1: planted fault found${inputs:+ after $inputs inputs}"
}

target() {
    log=$out/$1_fuzz.log folders=$out/corpus/$1
    mkdir -p "$folders"
    for folder in "tests/data/fuzz/$1" $(seeds "$1"); do
        [ -d "$folder" ] && folders="$folders $folder"
    done
    # shellcheck disable=SC2086 # folders are several words
    if start "$1" fuzz "$seconds" $folders; then
        inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
        slowest=$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log")
        echo "passed  $1: $inputs inputs, $edges edges, at most $slowest s and $peak MB"
        return 0
    fi
    echo "FAILED  $1: see $log"
    grep -E 'ERROR|SUMMARY|runtime error|Assertion|Test unit written' "$log" | head -8
    return 1
}

case $seconds in
canary | target) # from below, for one name
    step=$seconds seconds=$1
    $step "$2"
    exit
    ;;
esac
make --no-print-directory -s BUILD=fuzz CC=clang fuzzers || exit 1
[ $# -gt 0 ] || set -- $(ls tests/fuzz | sed -n 's/_fuzz\.c$//p')
for step in canary target; do
    printf '%s\n' "$@" | xargs -P"$(nproc)" -I@ "$0" $step "$seconds" @ || exit 1
done
