# Forbidden acts are tried under the real limits, by hand and at the start of a run.
load helper
without="$top/${OUT:-build/release}/tests/cmd/without"

enforced() {
    "$cloister" attest --format json | tail -1 | json 'd["seccomp"]' | grep -q True ||
        skip "a build that limits nothing"
}

@test "every probe is refused, at least thirty of them, in every role" {
    enforced
    "$cloister" attest --format json >out
    head -n -1 out | json 'd["role"] + " " + d["process"] + " " + str(d["ok"])' | sort -u >roles
    printf '%s\n' "conductor conductor True" "parser child True" "parser lane True" | diff - roles
    [ "$(head -n -1 out | json 'd["probe"]' | sort -u | wc -l)" -ge 30 ]
    [ "$(tail -1 out | json 'd["failed"]')" -eq 0 ]
    for family in UNIX INET INET6 NETLINK PACKET VSOCK BLUETOOTH CAN ALG XDP; do
        [ "$(grep -c "\"socket AF_$family\"" out)" -eq 3 ]
    done
    [ "$(grep -c '"thread without a list"' out)" -eq 3 ]
    [ "$(tail -1 out | json 'd["program_sha256"]')" = "$(sha256sum <"$cloister" | cut -d' ' -f1)" ]
}

@test "the log of a run tells what its probes found and what holds its processes" {
    enforced
    "$cloister" run --quiet --threads 2 --db a.db "$documents/hr" || [ $? -eq 1 ]
    sqlite3 a.db "SELECT body FROM v_events WHERE type = 'run_started'" >started
    grep -q '"attest":{.*"failed":0,' started
    grep -q '"seccomp":true' started
    json 'sorted(d["facts"]["attest"]["results"])' <started | grep -Fx "['child', 'conductor', 'lane']"
    json '(lambda a: sum(len(p) for r in a["results"].values() for p in r.values()) == a["probes"] > 90)(d["facts"]["attest"])' \
        <started | grep -x True
    json '"socket AF_INET" in d["facts"]["attest"]["results"]["conductor"]["EPERM"]' <started | grep -x True
    json 'd["facts"]["attest"]["conductor"]["threads"]' <started | grep -x 2
    json 'd["facts"]["attest"]["conductor"]["held"]' <started | grep -x 2
    json 'd["facts"]["attest"]["parser"]["held"] == d["facts"]["lanes"]' <started | grep True
    json 'd["facts"]["attest"]["interfaces"] >= 0 and len(d["kernel"]) > 0' <started | grep True
    json 'd["program_sha256"]' <started |
        grep "$(sha256sum <"$cloister" | cut -d' ' -f1)"
    json 'd["facts"]["attest"]["parser_sha256"]' <started |
        grep "$(sha256sum <"$(dirname "$cloister")/cloister-parse" | cut -d' ' -f1)"
    "$cloister" audit log --db a.db >log
    grep run_started log | grep -q '"parser_sha256"'
}

# What a run with less from the kernel has written into its log.
run_without() { # WHAT EXPRESSION
    "$without" "$1" "$cloister" run --quiet --db a.db "$documents/hr" || [ $? -eq 1 ]
    sqlite3 a.db "SELECT body FROM v_events WHERE type = 'run_started'" |
        json "(lambda a: $2)(d['facts']['attest'])" | grep -x True
}

@test "without Landlock it goes on and says so" {
    enforced
    "$without" landlock "$cloister" attest >out
    grep -q '^Landlock: *none$' out
    grep -q ' 0 failed$' out
    run_without landlock 'a["landlock"] == a["parser"]["landlock"] == a["conductor"]["landlock"] == 0'
}

@test "without namespaces it goes on and says so" {
    enforced
    "$without" namespaces "$cloister" attest >out
    grep -q '^namespaces: *not allowed' out
    grep -q ' 0 failed$' out
    run_without namespaces 'not a["namespaces"] and not a["parser"]["namespaces"]'
}

@test "without seccomp nothing starts" {
    enforced
    for lack in seccomp prctl; do
        for command in attest "run --quiet --db a.db" extract; do
            # shellcheck disable=SC2086 # a command is several words
            run "$without" $lack "$cloister" $command "$documents/hr/offer-letter.pdf"
            [ "$command" != attest ] || run "$without" $lack "$cloister" attest
            [ "$status" -eq 3 ]
            [ -n "$output" ]
        done
    done
    [ ! -e a.db ]
}

@test "an ordinary user has the same limits" {
    enforced
    [ "$(id -u)" -eq 0 ] || skip "only root can become somebody else"
    user="setpriv --reuid 12345 --regid 12345 --clear-groups"
    # shellcheck disable=SC2086 # several words
    $user test -x "$cloister" || skip "the build lies where only root may go"
    work=$(mktemp -d) # the folder of this test lies in one that is root's
    chown 12345 "$work"
    $user "$cloister" attest >out
    grep -q ' 0 failed$' out
    [ "$("$cloister" attest | wc -l)" -eq "$(wc -l <out)" ]
    $user "$cloister" run --quiet --db "$work/a.db" "$documents/hr" || [ $? -eq 1 ]
    sqlite3 "$work/a.db" "SELECT body FROM v_events WHERE type = 'run_started'" >started
    json '(lambda a: a["conductor"]["held"] == a["conductor"]["threads"] > 0)(d["facts"]["attest"])' \
        <started | grep True
    [ "$(sqlite3 "$work/a.db" "SELECT count(*) FROM v_documents WHERE outcome = 'ok'")" -eq 2 ]
    rm -rf "$work"
}

@test "no document is opened before the conductor is locked" {
    strace -o /dev/null true || skip "strace cannot work here"
    "$cloister" attest >/dev/null || skip "a build that limits nothing"
    strace -f -e trace=openat,seccomp,landlock_restrict_self -o calls \
        "$cloister" run --quiet --db a.db "$documents/hr" || [ $? -eq 1 ]
    main=$(awk '{ print $1; exit }' calls)
    awk -v main="$main" '$1 == main && /landlock_restrict_self|seccomp\(SECCOMP_SET/ { last = NR }
        /openat\(.*\.pdf"/ && !first { first = NR }
        END { exit !(last && first && last < first) }' calls
}

@test "links and lists lead to documents outside of the folder that was named" {
    mkdir inside outside db
    cp "$documents/hr/offer-letter.pdf" outside/a.pdf
    cp "$documents/hr/written-warning.pdf" outside/b.pdf
    ln -s ../outside/a.pdf inside/a.pdf
    printf '%s\n' "$PWD/outside/b.pdf" >list
    "$cloister" run --quiet --db db/a.db --files-from list inside || [ $? -eq 1 ]
    [ "$(sqlite3 db/a.db "SELECT count(*) FROM v_documents WHERE outcome = 'ok'")" -eq 2 ]
}

@test "the check for functions of the network finds one" {
    check="$top/tools/check-network.sh"
    echo 'int add(int a, int b); int add(int a, int b) { return a + b; }' >good.c
    echo 'int connect(int, void *, unsigned); int f(void); int f(void) { return connect(1, 0, 0); }' >bad.c
    echo 'long syscall(long, ...); int f(void); int f(void) { return (int)syscall(41, 2, 1, 0); }' >hidden.c
    cp hidden.c probe.c # the one object that may
    for name in good bad hidden probe; do
        cc -c "$name.c"
    done
    "$check" good.o probe.o
    run "$check" good.o bad.o
    [ "$status" -eq 1 ]
    [[ $output == *"U connect"* ]]
    run "$check" good.o hidden.o
    [ "$status" -eq 1 ]
    run "$check" missing.o
    [ "$status" -eq 1 ]
    run "$check"
    [ "$status" -eq 1 ]
}

@test "no call of the network succeeds in a run" {
    strace -o /dev/null true || skip "strace cannot work here"
    "$cloister" attest >/dev/null || skip "a build that limits nothing"
    strace -f -e trace=network -o calls "$cloister" run --quiet --db a.db "$documents/hr" ||
        [ $? -eq 1 ]
    grep -q 'socket(AF_INET' calls # the probes were seen
    # What strace prints for a call that killed its process is no result of it.
    awk 'NR == FNR { if (/killed by SIGSYS/) dead[$1] = 1; next } !($1 in dead)' calls calls >alive
    grep -q 'EPERM' alive
    run grep -E '^[0-9]+ +[a-z0-9_]+\(.*\) += [0-9]+' alive
    [ "$status" -eq 1 ]
}
