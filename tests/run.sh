#!/bin/sh
# Run test programs (cmocka binaries and .bats files), show what failed, and
# end with one line: "N passed, N failed, N skipped".
# Usage: tests/run.sh BUILD_FOLDER TEST...
out=$1
shift
passed=0 failed=0 skipped=0
export OUT="$out"
log=$out/test.log
: >"$log"
for test in "$@"; do
    name=${test#"$out"/}
    case $test in
    *.bats) bats --tap "$test" >"$out/one.log" 2>&1; status=$? ;;
    *) CMOCKA_MESSAGE_OUTPUT=TAP "$test" >"$out/one.log" 2>&1; status=$? ;;
    esac
    cat "$out/one.log" >>"$log"
    # A skipped test is "ok N # SKIP" to bats and "not ok N # SKIP" to cmocka.
    grep -vE '# *[Ss][Kk][Ii][Pp]' "$out/one.log" >"$out/ran.log"
    good=$(grep -cE '^ok ' "$out/ran.log")
    bad=$(grep -cE '^not ok ' "$out/ran.log")
    skip=$(grep -cE '^(not )?ok .*# *[Ss][Kk][Ii][Pp]' "$out/one.log")
    [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    [ $((good + bad + skip)) -eq 0 ] && bad=1
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
    if [ "$bad" -ne 0 ]; then
        echo "FAILED  $name (exit status $status)"
        grep -vE '^ok ' "$out/ran.log" | head -60
    else
        echo "passed  $name ($good tests, $skip skipped)"
        grep -E '^(not )?ok .*# *[Ss][Kk][Ii][Pp]' "$out/one.log" |
            sed -E 's/^(not )?ok [0-9]* -* */        skipped: /'
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
