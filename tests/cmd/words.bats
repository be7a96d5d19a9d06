# The command line itself: what is understood, what is refused, with which status.
load helper

@test "no command tells the usage and fails" {
    run "$cloister"
    [ "$status" -eq 2 ]
    [[ "$output" == *"usage: cloister COMMAND"* ]]
}

@test "help lists every command and each has its own help" {
    run "$cloister" help
    [ "$status" -eq 0 ]
    for command in run extract results search policy model audit; do
        [[ "$output" == *"  $command "* ]]
        "$cloister" help "$command" | grep -q "^usage: cloister $command"
        "$cloister" "$command" --help | grep -q "^usage: cloister $command"
    done
}

@test "an unknown command is refused" {
    run "$cloister" runn
    [ "$status" -eq 2 ]
    [[ "$output" == *'unknown command "runn"'* ]]
}

@test "an unknown option is refused with the nearest name" {
    run "$cloister" run --polcy contracts .
    [ "$status" -eq 2 ]
    [[ "$output" == *"did you mean --policy"* ]]
}

@test "options that mean nothing here are refused, not ignored" {
    run "$cloister" run --kv f16 .
    [ "$status" -eq 2 ]
    run "$cloister" model show all-minilm-l6-v2.q8_0.gguf --tokens 3
    [ "$status" -eq 2 ]
    [[ "$output" == *"model generate"* ]]
    run "$cloister" model tokenize --temperature nan
    [ "$status" -eq 2 ]
    run "$cloister" model show all-minilm-l6-v2.q8_0.gguf --kv f16
    [ "$status" -eq 2 ]
    [[ "$output" == *"encoder"* ]]
}

@test "an option without its value is refused" {
    run "$cloister" run --db
    [ "$status" -eq 2 ]
    [[ "$output" == *"needs a value"* ]]
}

@test "a number out of range is refused with the range" {
    run "$cloister" run --threads 0 .
    [ "$status" -eq 2 ]
    [[ "$output" == *"from 1 to"* ]]
}

@test "options may stand before the command" {
    run "$cloister" --db nothing.db results list
    [ "$status" -eq 3 ]
    [[ "$output" == *"nothing.db"* ]]
}

@test "version says the arithmetic as well" {
    run "$cloister" --version
    [ "$status" -eq 0 ]
    [[ "$output" =~ ^cloister\ [0-9.]+\ \(arithmetic\ [0-9]+\)$ ]]
}

@test "a path that does not exist is refused before anything is made" {
    run "$cloister" run --db case.db missing-folder
    [ "$status" -eq 2 ]
    [ ! -e case.db ]
}

@test "a policy that is not there is refused with the place that was searched" {
    run "$cloister" run --policy nonsense .
    [ "$status" -eq 2 ]
    [[ "$output" == *"policies"* ]]
}

@test "the shipped policies are sound, and render in words" {
    run "$cloister" policy list
    [ "$status" -eq 0 ]
    [[ "$output" == *contracts* && "$output" == *privilege* ]]
    run "$cloister" policy check privilege
    [ "$status" -eq 0 ]
    run "$cloister" policy render contracts
    [ "$status" -eq 0 ]
    [[ "$output" == *"strategic_alliance"* ]]
}

@test "a broken policy is refused with file and line" {
    sed 's/threshold="[0-9.]*"/threshold="seven"/' "$top/policies/contracts.xml" >mine.xml
    run "$cloister" policy check mine.xml
    [ "$status" -eq 2 ]
    [[ "$output" =~ mine.xml:[0-9]+:\  ]]
}

@test "a list of paths that is cut at NUL bytes is refused" {
    printf 'a.pdf\0b.pdf\n' >paths
    run "$cloister" run --files-from paths --db case.db
    [ "$status" -eq 2 ]
    [[ "$output" == *"NUL"* ]]
    [ ! -e case.db ]
}

@test "a list that cannot be read to its end is refused, not taken as it is" {
    mkdir folder
    run "$cloister" run --files-from folder --db case.db
    [ "$status" -eq 3 ]
    [[ "$output" == *"folder"* ]]
    run "$cloister" run --password-file folder --db case.db "$documents"
    [ "$status" -eq 2 ]
    [[ "$output" == *"folder"* ]]
    run "$cloister" model tokenize folder
    [ "$status" -eq 3 ]
    [[ "$output" == *"folder"* ]]
    [ ! -e case.db ]
}

@test "a reader that has enough ends extract quietly" {
    files=$(for i in $(seq 30); do ls "$documents"/contracts/*.pdf; done)
    "$cloister" extract $files 2>errors | head -c 1 >first
    [ "${PIPESTATUS[0]}" -le 1 ]
    [ -s first ]
    [ ! -s errors ]
}
