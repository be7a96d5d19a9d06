# Forbidden acts are tried under the real limits, by hand and at the start of a run.
load helper

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
    [ "$(tail -1 out | json 'd["program_sha256"]')" = "$(sha256sum <"$cloister" | cut -d' ' -f1)" ]
}

@test "the log of a run tells what its probes found" {
    enforced
    "$cloister" run --quiet --db a.db "$documents/hr" || [ $? -eq 1 ]
    sqlite3 a.db "SELECT body FROM v_events WHERE type = 'run_started'" >started
    grep -q '"attest":{"failed":0,' started
    grep -q '"seccomp":true' started
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
