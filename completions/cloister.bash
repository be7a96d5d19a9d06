# bash completion for cloister(1): commands, verbs, options and their values, policies
# (asked of the program itself) and files. Needs nothing but bash.

# The options of a command. A name with "=" at its end takes a value.
_cloister_options() {
    local engine="--threads= --activations= --float= --isa="
    engine+=" --adapter= --kv= --context= --batch= --piece= --share-prefix="
    case $1 in
    run) echo "--policy= --db= --encoder= --model= --files-from= --password-file= --retry-failed
        --dry-run --until= --max-seconds= $engine --format= --quiet" ;;
    extract) echo "--format= --policy= --encoder= --password-file=" ;;
    results) echo "--db= --format= --outcome= --task= --label=" ;;
    search | audit) echo "--db= --format=" ;;
    attest) echo "--format=" ;;
    policy) echo "--model= --output= --encoder= --password-file= $engine" ;;
    model) echo "--model= --format= --output= --type= --tokens= --ignore-eos --temperature=
        --top-p= --min-p= --seed= $engine" ;;
    esac
    echo --help
}

_cloister_takes_value() { # COMMAND OPTION; no command yet: that of any command
    local command
    [ "$2" = -o ] && return 0
    for command in ${1:-run extract results search policy model}; do
        [[ " $(_cloister_options "$command")" == *[[:space:]]"$2="* ]] && return 0
    done
    return 1
}

_cloister_outcomes="ok partial no_text suspect_text encrypted owner_restricted damaged
    no_pages too_large timeout crashed unsupported duplicate unreadable not_a_file changed
    model_limit"

_cloister_policies() {
    "${COMP_WORDS[0]/#\~/$HOME}" policy list 2>/dev/null | sed 's/ .*//'
}

_cloister_words() { # WORDS: those that begin as what is typed
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_cloister_files() { # [PATTERN]: folders, and files whose names fit
    compopt -o filenames 2>/dev/null
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
        compgen -d -- "$cur"
        compgen -f -X "!${1:-*}" -- "$cur" | while IFS= read -r file; do
            [ -d "$file" ] || printf '%s\n' "$file"
        done
    )
}

_cloister_value() { # COMMAND OPTION
    case $1$2 in
    run--format) _cloister_words json ;;
    extract--format) _cloister_words "text json" ;;
    results--format) _cloister_words "table json csv" ;;
    attest--format) _cloister_words "json" ;;
    search--format | audit--format) _cloister_words "table json" ;;
    model--format) _cloister_words "json f32" ;;
    model--type) _cloister_words "F32 F16 BF16 Q8_0" ;;
    *--activations) _cloister_words "16 8" ;;
    *--float) _cloister_words "exact blas" ;;
    *--kv) _cloister_words "f32 f16 q8" ;;
    *--share-prefix) _cloister_words "on off" ;;
    *--isa) _cloister_words "scalar avx2 avxvnni avx512" ;;
    *--outcome) _cloister_words "$_cloister_outcomes" ;;
    *--policy) _cloister_words "$(_cloister_policies)"; _cloister_files '*.xml' ;;
    *--db) _cloister_files '*.db' ;;
    policy--output | policy-o) _cloister_files '*.prior' ;;
    *--encoder | *--model | *--adapter | *--output | *-o) _cloister_files '*.gguf' ;;
    *--files-from | *--password-file) _cloister_files ;;
    esac
}

_cloister_argument() { # COMMAND VERB
    case $1:$2 in
    :) _cloister_words "run extract results search policy model audit attest help --help --version" ;;
    help:) _cloister_words "run extract results search policy model audit attest help" ;;
    results:) _cloister_words "list show" ;;
    policy:) _cloister_words "list check render schema prompt calibrate" ;;
    model:) _cloister_words "show import tokenize embed logits generate" ;;
    audit:) _cloister_words "log verify" ;;
    policy:check | policy:render) _cloister_words "$(_cloister_policies)"; _cloister_files '*.xml' ;;
    model:show) _cloister_files '*.gguf' ;;
    model:import) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    policy:prompt | policy:calibrate) _cloister_words "$(_cloister_policies)"; _cloister_files ;;
    model:tokenize | model:embed | model:logits | model:generate) _cloister_files '*.jsonl' ;;
    run:* | extract:* | results:show) _cloister_files ;;
    esac
}

_cloister() {
    local cur=${COMP_WORDS[COMP_CWORD]} command="" verb="" option="" takes=no i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ $takes = yes ]; then
            [ "$word" = "=" ] || takes=no
        elif [ "${word:0:1}" = - ] && [ "$word" != - ]; then
            option=$word
            _cloister_takes_value "$command" "$word" && takes=yes
        elif [ -z "$command" ]; then
            command=$word
        elif [ -z "$verb" ]; then
            verb=$word
        fi
    done
    if [ $takes = yes ]; then
        [ "$cur" = "=" ] && cur=""
        _cloister_value "$command" "$option"
    elif [ "${cur:0:1}" = - ] && [ -n "$command" ]; then
        _cloister_words "$(_cloister_options "$command" | tr -d =)"
    else
        _cloister_argument "$command" "$verb"
    fi
}

complete -F _cloister cloister
