# The main job on the example documents, and what it leaves.
load helper

# One run on all examples serves every test that only reads.
setup_file() {
    status=0
    "$cloister" run --quiet --db "$BATS_FILE_TMPDIR/case.db" --password-file "$passwords" \
        "$documents" || status=$?
    echo $status >"$BATS_FILE_TMPDIR/status"
}

run_examples() { # DB [OPTION...]
    local db=$1
    shift
    "$cloister" run --quiet --db "$db" --password-file "$passwords" "$@" "$documents"
}

# Everything that is a result, in an order that no run can change.
results_of() { # DB
    "$cloister" results list --db "$1" --format json | while read -r line; do
        id=$(echo "$line" | json 'd["document"]')
        "$cloister" results show --db "$1" --format json "$id"
    done | json '[d["path"], d["outcome"] != "duplicate" and {k: v for k, v in d.items() if k not in ("document", "reason")}]'
}

# A copy of the one run's database, in the test's own folder.
take_case() {
    cp "$BATS_FILE_TMPDIR"/case.* .
}

@test "a run leaves a database, a report, and status 1 for what a person must see" {
    take_case
    [ "$(cat "$BATS_FILE_TMPDIR/status")" -eq 1 ]
    [ "$(stat -c %a case.db)" = 600 ]
    [ ! -e case.db-wal ]
    [ -s case.html ]
    run grep -ciE '<script|https?://[a-z0-9.]*[^e]"|src="http' case.html
    [ "$output" = 0 ]
}

@test "every file ends in exactly one outcome" {
    take_case
    find "$documents" -type f | sort >files
    "$cloister" results list --db case.db --format json | json 'd["path"]' | sort >listed
    diff files listed
}

@test "each kind of outcome is shown by an example" {
    take_case
    "$cloister" results list --db case.db --format json | json 'd["outcome"]' | sort -u >kinds
    for kind in ok no_text damaged duplicate unsupported owner_restricted; do
        grep -qx $kind kinds || { echo "no $kind"; cat kinds; false; }
    done
    "$cloister" run --quiet --db locked.db "$documents" || [ $? -eq 1 ]
    "$cloister" results list --db locked.db --format json | json 'd["outcome"]' | grep -qx encrypted
}

@test "the books balance for every document" {
    take_case
    "$cloister" results list --db case.db --format json |
        json 'd["outcome"] != "ok" or (d["text_bytes"]["extracted"] == d["text_bytes"]["hidden"] + d["text_bytes"]["chunked"] and d["text_bytes"]["chunked"] == d["text_bytes"]["seen"] > 0)' |
        sort | uniq -c >books
    [ "$(awk '{print $2}' books)" = True ]
}

@test "evidence and summaries are the bytes of their ranges" {
    take_case
    "$cloister" results list --db case.db --outcome ok --format json | json 'd["document"]' |
        while read -r id; do "$cloister" results show --db case.db --format json "$id"; done >shown
    python3 - shown "$cloister" "$passwords" <<'PY'
import json, subprocess, sys
quotes = 0
for line in open(sys.argv[1]):
    d = json.loads(line)
    out = subprocess.run([sys.argv[2], "extract", "--format", "json", "--password-file", sys.argv[3], d["path"]], stdout=subprocess.PIPE).stdout
    text = [s["text"].encode() for s in json.loads(out)["sections"]]
    for q in d["summary"] + [e for t in d["tasks"] for e in t["evidence"]]:
        a, b = q["section"] - 1, q["end_section"] - 1
        if a == b:
            said = text[a][q["start"]:q["end"]]
        else:
            said = text[a][q["start"]:] + b"".join(text[a + 1:b]) + text[b][:q["end"]]
        assert said == q["text"].encode(), (d["path"], q)
        quotes += 1
assert quotes > 50, quotes
PY
}

@test "a rerun does nothing that is done" {
    take_case
    before=$("$cloister" audit log --db case.db | wc -l)
    run "$cloister" run --format json --db case.db --password-file "$passwords" "$documents"
    [ "$status" -eq 1 ]
    [ "$(echo "$output" | tail -1 | json 'd["done"]')" = 0 ]
    after=$("$cloister" audit log --db case.db | wc -l)
    [ $((after - before)) -eq 2 ]
}

@test "two cases with the same names stand side by side in one database" {
    mkdir -p acme/mail beta/mail
    cp "$documents"/contracts/brightwater-supply.pdf acme/mail/1.pdf
    cp "$documents"/correspondence/*.pdf beta/mail/
    mv "$(ls beta/mail/*.pdf | head -1)" beta/mail/1.pdf
    for case in acme beta acme; do
        (cd $case && "$cloister" run --quiet --db ../case.db mail) || [ $? -eq 1 ]
    done
    count=$(($(ls acme/mail beta/mail | grep -c pdf)))
    [ "$(sqlite3 case.db 'SELECT count(*) FROM v_documents')" = $count ]
    [ "$(sqlite3 case.db 'SELECT count(*) FROM document')" = $count ] # nothing twice
    cd beta
    run "$cloister" results show --db ../case.db --format json mail/1.pdf
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | json 'd["path"]')" = "$PWD/mail/1.pdf" ]
    run "$cloister" results list --db ../case.db
    [[ "$output" == *" mail/1.pdf "* && "$output" == */acme/mail/1.pdf* ]]
}

@test "the log says what read the documents and with which limits" {
    take_case
    sqlite3 case.db "SELECT body FROM event WHERE type = 'run_started'" >started
    json '", ".join(d["facts"]["libraries"].values())' <started >libraries
    for name in poppler libxml2 icu pcre2 OpenBLAS sqlite nettle jansson; do
        grep -qE "$name v?[0-9]+" libraries || { echo "no $name"; cat libraries; false; }
    done
    json 'd["facts"]["folder"]' <started | grep -q ^/
    json 'd["settings"]' <started | grep -q 'activations=16 .*pipeline=[0-9]* ingest=[0-9]* .*memory=[0-9]*'
}

# A PDF of one page with this line, set so many points high.
make_pdf() { # POINTS LINE >FILE
    python3 - "$@" <<'PY'
import sys
stream = b"BT /F %s Tf 20 100 Td (%s) Tj ET" % tuple(a.encode() for a in sys.argv[1:])
objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
           b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
           b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
           b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
out, at = b"%PDF-1.4\n", []
for i, o in enumerate(objects):
    at.append(len(out))
    out += b"%d 0 obj%s endobj\n" % (i + 1, o)
table = b"".join(b"%010d 00000 n \n" % a for a in at)
sys.stdout.buffer.write(out + b"xref\n0 6\n0000000000 65535 f \n" + table +
                        b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out))
PY
}

@test "text that no reader can see is suspect, to a run and to extract alike" {
    mkdir box
    make_pdf 1 "All of this is too small for anybody to read." >box/tiny.pdf
    make_pdf 12 "This is for everybody to read." >box/plain.pdf
    "$cloister" run --quiet --db case.db box || [ $? -eq 1 ]
    "$cloister" results list --db case.db --format json | json '(d["outcome"], len(d["tasks"]))' >found
    printf "('ok', 1)\n('suspect_text', 0)\n" | diff - found
    for format in text json; do
        run "$cloister" extract --format $format box/plain.pdf
        [ "$status" -eq 0 ]
        run "$cloister" extract --format $format box/tiny.pdf
        [ "$status" -eq 1 ]
        [[ "$output" == *suspect_text*hidden* ]]
    done
    sed 's/<reading/<reading hidden-text="read"/' "$top/policies/contracts.xml" >reads.xml
    grep -q 'hidden-text="read"' reads.xml
    run "$cloister" extract --policy reads.xml box/tiny.pdf
    [ "$status" -eq 0 ]
}

@test "a path that is not UTF-8 is given exactly in every format" {
    mkdir box
    path=$(printf 'box/caf\xe9, "1".pdf')
    cp "$documents/contracts/brightwater-supply.pdf" "$path"
    cp "$documents/correspondence/pricing-review-mixed.pdf" box/plain.pdf
    "$cloister" run --quiet --db case.db box || [ $? -eq 1 ]
    hex=$(printf '%s' "$PWD/$path" | od -An -tx1 -v | tr -d ' \n')
    "$cloister" results list --db case.db --format json | json 'd.get("path_hex")' >json
    "$cloister" results list --db case.db --format csv >csv
    python3 - csv >from-csv <<'PY'
import csv, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")):
    assert None not in row and all(v is not None for v in row.values()), row
    print(row["path_hex"] or None)
PY
    [ "$(sort json)" = "$(printf '%s\nNone' "$hex" | sort)" ]
    diff json from-csv
    run "$cloister" results show --db case.db "$path"
    [ "$status" -eq 0 ]
}

@test "the report overwrites nobody's file" {
    echo "my notes" >case.html
    run "$cloister" run --quiet --db case.db "$documents/contracts"
    [ "$status" -eq 3 ]
    [[ "$output" == *case.html* ]]
    [ "$(cat case.html)" = "my notes" ]
    [ ! -e case.db ]
    rm case.html
    ln -s elsewhere case.html
    run "$cloister" run --quiet --db case.db "$documents/contracts"
    [ "$status" -eq 3 ]
    [ ! -e elsewhere ]
}

@test "a detector that gives up leaves its document partial, with what was found" {
    cat >greedy.xml <<'XML'
<policy name="greedy" revision="1">
  <title>Greedy</title>
  <description>A pattern that takes for ever on the right text.</description>
  <task name="kind">
    <question>What is it?</question>
    <label name="a"><title>A</title><description>A letter to a customer.</description></label>
    <label name="b"><title>B</title><description>A contract of supply.</description></label>
  </task>
  <pattern-detector name="greedy"><title>Greedy</title><pattern>(a+)+[xz]</pattern></pattern-detector>
</policy>
XML
    echo "<doc><p>A contract of supply with a long name.</p><p>$(printf 'a%.0s' $(seq 60))</p></doc>" >hard.xml
    echo "<doc><p>A contract of supply with a short name: aax.</p></doc>" >easy.xml
    "$cloister" run --quiet --policy greedy.xml --db case.db hard.xml easy.xml || [ $? -eq 1 ]
    "$cloister" results show --db case.db --format json hard.xml |
        json '(d["outcome"], "greedy" in d["reason"], len(d["tasks"]))' >hard
    "$cloister" results show --db case.db --format json easy.xml |
        json '(d["outcome"], [f["text"] for f in d["findings"]])' >easy
    [ "$(cat hard)" = "('partial', True, 1)" ]
    [ "$(cat easy)" = "('ok', ['aax'])" ]
}

@test "a signal that was to be ignored stays ignored" {
    mkfifo paths
    for ignored in "" HUP; do
        rm -f case.*
        (
            [ -z "$ignored" ] || trap '' $ignored # as nohup does
            exec "$cloister" run --quiet --db case.db --files-from paths
        ) &
        pid=$!
        exec 9>paths # it waits for its list
        sleep 1
        kill -HUP $pid
        sleep 0.2
        [ -z "$ignored" ] || echo "$documents/contracts/brightwater-supply.pdf" >&9
        exec 9>&-
        status=0
        wait $pid || status=$?
        [ "$status" -eq "$([ -n "$ignored" ] && echo 0 || echo 4)" ]
    done
}

@test "results do not depend on threads, instruction set or order" {
    cp -r "$documents/correspondence" "$documents/odd/hidden-instructions.pdf" .
    for settings in "--threads 1" "--threads 2 --isa avx2" "--isa scalar"; do
        rm -f one.db
        find . -name '*.pdf' | sort ${reverse:-} |
            "$cloister" run --quiet $settings --db one.db --files-from - || [ $? -eq 1 ]
        results_of one.db >now
        [ "$(wc -l <now)" -eq 6 ]
        [ ! -e first ] || diff first now
        mv now first
        reverse=-r
    done
}

@test "the log is intact after a run, and an edited result is found" {
    take_case
    run "$cloister" audit verify --db case.db
    [ "$status" -eq 0 ]
    [[ "$output" == intact* ]]
    sqlite3 case.db "UPDATE task SET probability = probability + 0.01
        WHERE document = (SELECT min(document) FROM task)"
    run "$cloister" audit verify --db case.db
    [ "$status" -eq 5 ]
    run "$cloister" audit verify --db missing.db
    [ "$status" -eq 6 ]
}

@test "search finds words in documents" {
    take_case
    run "$cloister" search --db case.db --format json agreement
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -gt 3 ]
    run "$cloister" search --db case.db zzyzxqq
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

@test "a second run waits for nobody: it is told that the lock is held" {
    "$cloister" run --quiet --db case.db "$documents" &
    for _ in $(seq 100); do [ -e case.db-wal ] && break; sleep 0.05; done
    run "$cloister" run --quiet --db case.db "$documents"
    first=$status
    wait || true
    [ "$first" -eq 75 ]
}

@test "SIGTERM ends a run with status 4, and the next one finishes it" {
    "$cloister" run --quiet --threads 1 --db case.db --password-file "$passwords" "$documents" &
    pid=$!
    for _ in $(seq 100); do [ -e case.db-wal ] && break; sleep 0.05; done
    kill -TERM $pid
    status=0
    wait $pid || status=$?
    [ "$status" -eq 4 ] || [ "$status" -eq 1 ]
    run run_examples case.db
    [ "$status" -eq 1 ]
    run "$cloister" audit verify --db case.db
    [ "$status" -eq 0 ]
}

@test "a time window ends a run with status 4" {
    mkdir many
    for i in $(seq 40); do
        for file in "$documents"/contracts/*.pdf; do
            { cat "$file"; echo "% $i"; } >"many/$i-$(basename "$file")"
        done
    done
    run "$cloister" run --quiet --max-seconds 1 --db case.db many
    [ "$status" -eq 4 ]
}

@test "a dry run can be interrupted, and keeps to its time window" {
    mkdir many
    for i in $(seq 60); do
        for file in "$documents"/contracts/*.pdf; do
            { cat "$file"; echo "% $i"; } >"many/$i-$(basename "$file")"
        done
    done
    run "$cloister" run --dry-run --max-seconds 1 --db case.db many
    [ "$status" -eq 0 ] || [ "$status" -eq 4 ] # a fast machine plans it in a second
    mkfifo paths
    "$cloister" run --dry-run --files-from paths --db case.db many &
    pid=$!
    exec 9>paths # it waits for more paths
    sleep 1
    kill -TERM $pid
    exec 9>&-
    status=0
    wait $pid || status=$?
    [ "$status" -eq 4 ]
    [ ! -e case.db ]
}

@test "new passwords open what was locked, and nothing else is done again" {
    mkdir box
    cp "$documents/odd/outsourcing-board-copy.pdf" box/a.pdf
    cp box/a.pdf box/copy.pdf
    cp "$documents/contracts/brightwater-supply.pdf" box/
    done_by() { # OPTION...
        "$cloister" run --format json --db case.db "$@" box 2>/dev/null | tail -1 | json 'd["done"]'
    }
    [ "$(done_by)" = 3 ]
    [ "$("$cloister" results show --db case.db --format json box/a.pdf | json 'd["outcome"]')" = encrypted ]
    echo mistaken >wrong
    [ "$(done_by --password-file wrong)" = 0 ]
    [ "$(done_by --password-file "$passwords")" = 2 ]
    "$cloister" results list --db case.db --format json | json 'd["outcome"]' | sort >now
    printf 'duplicate\nok\nok\n' | diff - now
    [ "$(done_by --password-file "$passwords")" = 0 ]
    [ "$(done_by)" = 0 ]
    "$cloister" audit verify --db case.db
    ! grep -rqaF "$(head -1 "$passwords")" case.db # how many were given, never which
    sqlite3 case.db "SELECT json_extract(facts, '\$.passwords') FROM run" | tr '\n' ' ' >given
    [ "$(cat given)" = "0 1 $(grep -c . "$passwords") $(grep -c . "$passwords") 0 " ]
}

@test "passwords are tried, and their absence is an outcome" {
    file="$documents/odd/outsourcing-board-copy.pdf"
    run "$cloister" extract --format json "$file"
    [ "$status" -eq 1 ]
    [ "$(echo "$output" | json 'd["outcome"]')" = encrypted ]
    run "$cloister" extract --format json --password-file "$passwords" "$file"
    [ "$status" -eq 0 ]
    [ "$(echo "$output" | json 'd["outcome"]')" = ok ]
}
