#!/bin/sh
# Run test programs (cmocka binaries and .bats files), show what failed, and
# end with one line: "N passed, N failed".
# Usage: tests/run.sh BUILD_FOLDER TEST...
out=$1
shift
passed=0 failed=0 skipped=0
export OUT="$out"
export OMP_WAIT_POLICY=passive # threads that wait must not spin on a busy machine
log=$out/test.log
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: >"$log"
for test in "$@"; do
    name=${test#"$out"/}
    case $test in
    *.bats) bats --tap "$test" >"$work/one.log" 2>&1; status=$? ;;
    *) CMOCKA_MESSAGE_OUTPUT=TAP "$test" >"$work/one.log" 2>&1; status=$? ;;
    esac
    cat "$work/one.log" >>"$log"
    # A skipped test is "ok N # SKIP" to bats and "not ok N # SKIP" to cmocka.
    grep -avE '# *[Ss][Kk][Ii][Pp]' "$work/one.log" >"$work/ran.log"
    good=$(grep -acE '^ok ' "$work/ran.log")
    bad=$(grep -acE '^not ok ' "$work/ran.log")
    skip=$(grep -acE '^(not )?ok .*# *[Ss][Kk][Ii][Pp]' "$work/one.log")
    [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    [ $((good + bad + skip)) -eq 0 ] && bad=1
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
    if [ "$bad" -ne 0 ]; then
        echo "FAILED  $name (exit status $status)"
        grep -avE '^ok ' "$work/ran.log" | head -60
    else
        echo "passed  $name ($good tests, $skip skipped)"
        grep -aE '^(not )?ok .*# *[Ss][Kk][Ii][Pp]' "$work/one.log" |
            sed -E 's/^(not )?ok [0-9]* -* */        skipped: /'
    fi
done
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
