# Promise 2: after kill -9 at any instant, a rerun finishes exactly what is missing.
load helper

outcomes() { "$cloister" results list --db "$1" --format json | json '(d["path"], d["outcome"], d["decision"], d["tasks"])' | sort; }

@test "a hundred kills at random instants lose nothing and repeat nothing" {
    [[ "$cloister" != */asan/* ]] || skip "a hundred runs take too long under the sanitizers"
    cp -r "$documents/correspondence" "$documents/odd" .
    documents="correspondence odd"
    start=$(date +%s%N)
    "$cloister" run --quiet --db whole.db $documents || [ $? -eq 1 ]
    took=$((($(date +%s%N) - start) / 1000000))
    outcomes whole.db >whole
    RANDOM=7
    kills=0
    while [ $kills -lt 100 ]; do
        rm -f case.db*
        finished=no
        while [ $finished = no ] && [ $kills -lt 100 ]; do
            "$cloister" run --quiet --db case.db $documents &
            pid=$!
            sleep "$(awk "BEGIN { print $((RANDOM % took)) / 1000 }")"
            if kill -9 $pid 2>/dev/null; then
                kills=$((kills + 1))
            else
                finished=yes
            fi
            wait $pid 2>/dev/null || true
            if [ -e case.db ] && [ $((kills % 10)) -eq 0 ]; then
                run "$cloister" audit verify --db case.db
                [ "$status" -eq 0 ] || [ "$status" -eq 6 ]
            fi
        done
        "$cloister" run --quiet --db case.db $documents || [ $? -eq 1 ]
        "$cloister" audit verify --db case.db
        outcomes case.db >case
        diff whole case
        # no path was recorded twice
        [ "$(sqlite3 case.db 'SELECT count(*) = count(DISTINCT path) FROM document')" = 1 ]
    done
}
