#!/bin/sh
# Run every fuzz target for some seconds, under AddressSanitizer and UBSan, and say
# one line about each. Exit status 1 when one of them found something.
# Usage: tests/fuzz/run.sh SECONDS [NAME...]
#
# What a target learns is kept in build/fuzz/corpus/NAME and is where it begins the
# next time. What it fails on is left in build/fuzz/NAME-*; once the fault is mended,
# move that file to tests/data/fuzz/NAME, from where `make test` replays it.
seconds=${1:?usage: tests/fuzz/run.sh SECONDS [NAME...]}
shift
out=build/fuzz
make --no-print-directory -s BUILD=fuzz CC=clang fuzzers || exit 1
[ $# -gt 0 ] || set -- $(ls tests/fuzz | sed -n 's/_fuzz\.c$//p')

# Where good inputs of a kind lie already.
seeds() {
    case $1 in
    policy) echo policies tests/data/policies tests/data/pipeline ;;
    xml) echo tests/data/ingest examples/documents/records ;;
    esac
}

status=0
for name in "$@"; do
    corpus=$out/corpus/$name log=$out/$name.log
    mkdir -p "$corpus"
    folders=
    for folder in "tests/data/fuzz/$name" $(seeds "$name"); do
        [ -d "$folder" ] && folders="$folders $folder"
    done
    dict=tests/fuzz/$name.dict
    [ -f "$dict" ] && dict=-dict=$dict || dict=
    if "$out/tests/fuzz/${name}_fuzz" $dict -max_total_time="$seconds" -max_len=40000 \
        -timeout=20 -rss_limit_mb=2048 -artifact_prefix="$out/$name-" -print_final_stats=1 \
        "$corpus" $folders >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        echo "passed  $name: $runs inputs, $cover edges, $(ls "$corpus" | wc -l) kept"
    else
        echo "FAILED  $name: see $log"
        grep -E 'ERROR|SUMMARY|runtime error|Assertion|Test unit written' "$log" | head -8
        status=1
    fi
done
exit $status
