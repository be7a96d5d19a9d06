# What a language model wrote, as "results" shows it. The rows are put in by hand: what is
# looked at here is the way out, which is the same whatever model wrote them.
load helper

setup_file() {
    db="$BATS_FILE_TMPDIR/case.db"
    "$cloister" run --quiet --db "$db" \
        "$documents/contracts/brightwater-supply.pdf" || [ $? -eq 1 ]
    sqlite3 "$db" "
        UPDATE summary SET kind = 'written', written = 'Brightwater supplies' || char(27)
            || '[2J parts.' WHERE ordinal = 1;
        INSERT INTO dropped VALUES (1, 1, 'number', '1601', 'It owes 1601 ' || char(155)
            || '31m dollars.'), (1, 2, 'repeats', '', 'It supplies parts.');
        UPDATE document SET summary_reason = 'too little' || char(7) || ' was left';
        UPDATE task SET answered_by = 'model', prior = 'neutral', first_label = 'agency',
            first_probability = 0.25"
}

show() { # [OPTION...]
    "$cloister" results show --db "$BATS_FILE_TMPDIR/case.db" "$@" 1
}

@test "a written sentence comes with the words it rests on, a verbatim one without" {
    show --format json >shown
    json 'd["summary"][0]["kind"], d["summary"][0]["text"]' <shown |
        grep -F "('written', 'Brightwater supplies\\x1b[2J parts.')"
    json 'd["summary"][0]["source_text"] not in ("", d["summary"][0]["text"])' <shown |
        grep -x True
    json 'all("source_text" not in s and s["kind"] == "verbatim" for s in d["summary"][1:])' \
        <shown | grep -x True
}

@test "dropped sentences come with the reason and the word" {
    show --format json | json '[(s["why"], s["what"]) for s in d["dropped"]]' |
        grep -Fx "[('number', '1601'), ('repeats', '')]"
    show --format json | json 'd["summary_reason"]' | grep "was left"
}

@test "a task says who answered, against what, and what was said before" {
    show --format json |
        json '[d["tasks"][0][k] for k in ("answered_by", "prior", "first_label", "first_probability")]' |
        grep -Fx "['model', 'neutral', 'agency', 0.25]"
}

@test "for people the same is told in words" {
    show >shown
    grep -F "answered by the model, less a neutral text in place of a prior" shown
    grep -F "first answer, by the encoder: agency, probability 0.250" shown
    grep -F "verbatim instead of written: too little? was left" shown
    grep -F "    written: Brightwater supplies?[2J parts." shown
    grep -E "^      rests on \[[0-9]+:[0-9]+-[0-9:]+\] ." shown
    grep -F "dropped of what the model wrote (2):" shown
    grep -F '    number "1601": It owes 1601 ?31m dollars.' shown
    grep -F "    repeats: It supplies parts." shown
    "$cloister" results list --db "$BATS_FILE_TMPDIR/case.db" | grep -E "0\.[0-9]{2}( \?)? +model "
}

@test "nothing a model wrote can command a terminal" {
    show >shown
    run env LC_ALL=C grep -P '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' shown
    [ "$status" -eq 1 ]
}

@test "an edited word of a model is tampering" {
    run "$cloister" audit verify --db "$BATS_FILE_TMPDIR/case.db"
    [ "$status" -eq 5 ]
    [[ "$output" == *"document 1 was changed"* ]]
}

@test "a database of an older version is refused with a way on" {
    cp "$BATS_FILE_TMPDIR/case.db" old.db
    sqlite3 old.db "PRAGMA user_version = 1"
    run "$cloister" results list --db old.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"version 1 was written by an older cloister"*"version 2"*"another file"* ]]
    run "$cloister" run --db old.db "$documents/contracts/brightwater-supply.pdf"
    [ "$status" -eq 3 ]
    [ "$(sqlite3 old.db "PRAGMA user_version")" = 1 ]
}
