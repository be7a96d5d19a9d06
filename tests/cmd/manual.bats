# The manual and the completions say what the program does: every list that is kept by
# hand a second time is compared here with the one that the program has.
load helper

commands="run extract results search policy model audit attest"

# The options in a command's own help, and those in its page, one a line.
options_of_help() { # COMMAND
    "$cloister" help "$1" | sed -n 's/^  --\([a-z-]*\).*/\1/p' | sort
}
options_of_page() { # COMMAND
    sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' "$top/man/cloister-$1.1" | tr -d '\\' |
        grep -A1 '^\.TP' | sed -n 's/^\.BI* --\([a-z-]*\).*/\1/p' | sort
}

# The words of a page, without its markup.
words_of_page() { # FILE
    tr -d '\\' <"$top/man/$1" | grep -oE '[A-Za-z0-9_-]+' | sort -u
}

# What bash offers behind these words, the last one being typed.
complete_in_bash() { # WORD...
    PATH="$(dirname "$cloister"):$PATH" bash -c '
        source "$0/completions/cloister.bash"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _cloister
        printf "%s\n" "${COMPREPLY[@]}"' "$top" "$@" | sort
}

@test "the commands of this file are the commands of the program" {
    "$cloister" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | sort >told
    printf '%s\n' $commands help | sort | diff told -
}

@test "every command has its page, and cloister(1) names it" {
    for command in $commands; do
        grep -q "^\.TH CLOISTER.-${command^^} 1 " "$top/man/cloister-$command.1"
        grep -qx "\.B $command" "$top/man/cloister.1"
    done
    grep -qx '\.B help' "$top/man/cloister.1"
}

@test "every page is of this version" {
    version=$("$cloister" --version | sed 's/ (.*//')
    for page in "$top"/man/*.[15]; do
        head -1 "$page" | grep -qF "\"$version\"" || { echo "$page"; false; }
    done
}

@test "pages and help tell the same options" {
    for command in $commands; do
        options_of_help $command >help
        options_of_page $command >page
        diff help page || { echo "of $command"; false; }
    done
    [ "$(options_of_page run | wc -l)" -ge 15 ]
}

@test "the formatters have nothing to say against the pages" {
    command -v mandoc || command -v groff || skip "neither mandoc nor groff is installed"
    for page in "$top"/man/*.[15]; do
        if command -v mandoc; then
            run mandoc -T lint -W style "$page"
            [ -z "$output" ] || { echo "$output"; false; }
        fi
        if command -v groff; then
            run groff -man -ww -z -T utf8 "$page"
            [ -z "$output" ] || { echo "$page: $output"; false; }
        fi
    done
}

@test "pages refer to pages that exist" {
    grep -hoE '^\.BR cloister[a-z\\-]* \([15]\)' "$top"/man/*.[15] | tr -d '\\()' |
        sort -u | while read -r _ name section; do
        [ -e "$top/man/$name.$section" ] || { echo "$name($section)"; false; }
    done
}

@test "the list of decisions names each note, and each is there" {
    cd "$top/docs/decisions"
    grep -oE '\]\([a-z0-9-]+\.md\)' README.md | tr -d ']()' | sort >"$BATS_TEST_TMPDIR/listed"
    ls | grep -vx README.md | sort | diff "$BATS_TEST_TMPDIR/listed" -
}

@test "cloister(1) explains every outcome that a policy can name" {
    sed -n '/^\.SH OUTCOMES/,/^\.SH IDENTITY/p' "$top/man/cloister.1" | grep -A1 '^\.TP' |
        sed -n 's/^\.B //p' | sort >explained
    "$cloister" policy schema | sed -n '/value-outcome">/,/<\/define>/p' |
        grep -oE '>[a-z_]+<' | tr -d '<>' | sort >known
    [ "$(wc -l <known)" -ge 17 ]
    diff known explained
}

@test "cloister-db(5) tells every table and view with its columns" {
    sqlite3 schema.db <"$top/store/schema.sql"
    sqlite3 -separator ' ' schema.db "SELECT s.name, c.name
        FROM sqlite_schema AS s, pragma_table_info(s.name) AS c
        WHERE s.type IN ('table', 'view') AND s.name NOT GLOB 'chunk_search_*'
        AND c.name <> 'chunk_search' AND (s.name, c.name) NOT IN
            (SELECT 'v_history', name FROM pragma_table_info('v_documents'))" >columns
    [ "$(wc -l <columns)" -gt 150 ]
    while read -r object column; do
        # an entry begins with its name in bold and ends where the next one begins
        awk -v name=".B $object" '$0 == name { on = 1 } on && (/^\.TP/ || /^\.SH/) { exit } on' \
            "$top/man/cloister-db.5" | grep -oE '[a-z_0-9]+' |
            grep -qx -- "$column" || { echo "$object.$column"; false; }
    done <columns
}

@test "cloister-policy(5) tells every element and attribute of the grammar" {
    words_of_page cloister-policy.5 >words
    "$cloister" policy schema | grep -oE '<(element|attribute) name="[a-z-]+"' |
        sed 's/.*name="//; s/"//' | sort -u >names
    [ "$(wc -l <names)" -ge 40 ]
    [ -z "$(comm -23 names words)" ] || { comm -23 names words; false; }
}

@test "every default and bound of the grammar stands in cloister-policy(5)" {
    "$cloister" policy schema |
        sed -n 's/.*<attribute name="\([a-z-]*\)" a:defaultValue="\([^"]*\)".*/\1 \2/p' >defaults
    [ "$(wc -l <defaults)" -ge 20 ]
    while read -r name value; do
        tr -d '\\' <"$top/man/cloister-policy.5" |
            grep -q "^\.BR $name \" (.*; default $value)\"" || { echo "$name $value"; false; }
    done <defaults
}

@test "the example policy of cloister-policy(5) is sound" {
    sed -n '/^<policy/,/^<\/policy>/p' "$top/man/cloister-policy.5" >letters.xml
    "$cloister" policy check letters.xml
}

@test "bash completes the commands" {
    complete_in_bash cloister "" | grep -v '^--' >offered
    printf '%s\n' $commands help | sort | diff offered -
    [ "$(complete_in_bash cloister ex)" = extract ]
    [ "$(complete_in_bash cloister audit v)" = verify ]
}

@test "bash completes exactly the options of each command" {
    for command in $commands; do
        complete_in_bash cloister $command -- | sed 's/^--//' >offered
        { options_of_help $command; echo help; } | sort | diff offered - ||
            { echo "of $command"; false; }
    done
}

@test "bash completes values, policies and files" {
    [ "$(complete_in_bash cloister run --isa sc)" = scalar ]
    [ "$(complete_in_bash cloister run --isa = sc)" = scalar ]
    [ "$(complete_in_bash cloister results list --format "" | tr '\n' ' ')" = "csv json table " ]
    [ "$(complete_in_bash cloister run --policy priv)" = privilege ]
    [ "$(complete_in_bash cloister --db x.db sea)" = search ]
    mkdir "some papers"
    touch "some papers/a b.pdf" some.db some.txt
    [ "$(complete_in_bash cloister run some | tr '\n' '|')" = "some papers|some.db|some.txt|" ]
    [ "$(complete_in_bash cloister run "some papers/")" = "some papers/a b.pdf" ]
    [ "$(complete_in_bash cloister search --db some | tr '\n' '|')" = "some papers|some.db|" ]
    "$cloister" policy schema | sed -n '/value-outcome">/,/<\/define>/p' |
        grep -oE '>[a-z_]+<' | tr -d '<>' | sort >known
    complete_in_bash cloister results --outcome "" | diff known -
}

@test "zsh and fish know exactly the options of each command" {
    for command in $commands; do
        options_of_help $command >help
        {
            sed -n "/^_cloister_$command()/,/^}/p" "$top/completions/cloister.zsh"
            [[ $command != @(run|model|policy) ]] ||
                sed -n '/^    engine=(/,/)$/p' "$top/completions/cloister.zsh"
        } | grep -oE -- "--[a-z]+[a-z-]*(=|\[)" | tr -d '=[' | sed 's/^--//' | sort | diff help - ||
            { echo "zsh, of $command"; false; }
        sed -n "s/.*\"\$in $command\" -l \([a-z-]*\) .*/\1/p" "$top/completions/cloister.fish" |
            sort | diff help - || { echo "fish, of $command"; false; }
    done
}

@test "zsh and fish can read their completions" {
    command -v zsh || command -v fish || skip "neither zsh nor fish is installed"
    if command -v zsh; then zsh -n "$top/completions/cloister.zsh"; fi
    if command -v fish; then fish -n "$top/completions/cloister.fish"; fi
}

# The examples of a page, one command a line; lines that only continue one are joined.
examples_of() { # FILE
    sed -n '/^\.EX/,/^\.EE/p' "$top/man/$1" | grep -v '^\.E' |
        sed -e 's/\\(aq/'\''/g; s/\\(dq/"/g; s/\\e/\\/g; s/\\-/-/g' |
        sed -e ':a' -e '/^ /!{' -e 'N' -e '/\n /{s/\n */ /;ba' -e '}' -e 'P' -e 'D' -e '}' |
        grep -E '^(cloister|sqlite3|find|echo) '
}

@test "every example of the manual runs as it stands" {
    ln -s "$top/examples" "$top/policies" .
    sed -n '/^<policy/,/^<\/policy>/p' "$top/man/cloister-policy.5" >letters.xml
    PATH="$(dirname "$cloister"):$PATH"
    count=0
    for page in cloister.1 cloister-run.1 cloister-extract.1 cloister-results.1 cloister-search.1 \
        cloister-policy.1 cloister-audit.1 cloister-attest.1 cloister-model.1 cloister-db.5 cloister-policy.5; do
        while read -r line; do
            case $line in *minilm*" -o "* | *./minilm* | */srv/intake*) continue ;; esac
            [[ "$line" != *smollm2* || -f "$top/models/smollm2-135m-instruct.q4_1.gguf" ]] || continue
            status=0
            bash -o pipefail -c "$line" </dev/null >out 2>err || status=$?
            [ $status -le 1 ] || { echo "$page: $line: status $status"; cat err; false; }
            [ -s out ] || [ -s err ] || [[ "$line" == *--quiet* || "$line" == *">"* ]] ||
                { echo "$page: $line: prints nothing"; false; }
            count=$((count + 1))
        done < <(examples_of $page)
    done
    [ $count -ge 30 ]
}
