#compdef cloister
# zsh completion for cloister(1): commands, verbs, options and their values, policies
# (asked of the program itself) and files. Installed as _cloister.

_cloister_policies() {
    local -a names
    names=(${(f)"$(_call_program policies $program policy list 2>/dev/null | sed 's/ .*//')"})
    _alternative 'policies:policy:compadd -a names' 'files:file:_files -g "*.xml"'
}

_cloister_commands() {
    local -a commands
    commands=(
        'run:read documents, classify and summarise them, record everything'
        'extract:print the text of documents as a run would read it'
        'results:list what was found, or show one document with its evidence'
        'search:find the chunks that hold all of the words'
        'policy:list policies, check one, show it in words or prompts, measure priors'
        'model:look at a model, convert a checkpoint, or run it on texts'
        'audit:print the audit log, or check the database against it'
        'attest:try every forbidden act and show that it fails'
        'help:list the commands, or tell the options of one'
    )
    _describe command commands
}

_cloister_run() {
    _arguments $help $engine \
        '--policy=[what to ask]:policy:_cloister_policies' \
        '--db=[database to write]:database:_files -g "*.db"' \
        '--encoder=[encoder model]:model:_files -g "*.gguf"' \
        '--model=[language model]:model:_files -g "*.gguf"' \
        '--files-from=[read more paths from a file]:file:_files' \
        '--password-file=[passwords to try on encrypted PDFs]:file:_files' \
        '--retry-failed[do again what did not end ok]' \
        '--dry-run[say what would be done and about how long it takes]' \
        '--until=[stop at that time of day]:HH\:MM: ' \
        '--max-seconds=[stop after so many seconds]:seconds: ' \
        '--format=[end with one JSON object]:format:(json)' \
        '--quiet[no progress and no closing words]' \
        '*:document or folder:_files'
}

_cloister_extract() {
    _arguments $help \
        '--format=[how to print]:format:(text json)' \
        '--policy=[limits and chunk size]:policy:_cloister_policies' \
        '--encoder=[model whose tokens are counted]:model:_files -g "*.gguf"' \
        '--password-file=[passwords to try on encrypted PDFs]:file:_files' \
        '*:document:_files'
}

_cloister_results() {
    _arguments $help \
        '--db=[database to read]:database:_files -g "*.db"' \
        '--format=[how to print]:format:(table json csv)' \
        '--outcome=[only documents that ended so]:outcome:(ok partial no_text suspect_text encrypted owner_restricted damaged no_pages too_large timeout crashed unsupported duplicate unreadable not_a_file changed model_limit)' \
        '--task=[only documents with an answer to this task]:task: ' \
        '--label=[only documents with this label]:label: ' \
        '1:what:(list show)' '2:document:_files'
}

_cloister_search() {
    _arguments $help \
        '--db=[database to read]:database:_files -g "*.db"' \
        '--format=[how to print]:format:(table json)' \
        '*:words: '
}

_cloister_policy() {
    _arguments $help $engine \
        '--model=[language model]:model:_files -g "*.gguf"' \
        '(-o --output)'{-o+,--output=}'[prior to write]:prior:_files' \
        '--encoder=[model whose tokens are counted]:model:_files -g "*.gguf"' \
        '--password-file=[passwords to try on encrypted PDFs]:file:_files' \
        '1:what:(list check render schema prompt calibrate)' '2:policy:_cloister_policies' \
        '*:document:_files'
}

_cloister_model() {
    _arguments $help $engine \
        '--model=[GGUF file]:model:_files -g "*.gguf"' \
        '--format=[how to print]:format:(json f32)' \
        '(-o --output)'{-o+,--output=}'[GGUF file to write]:model:_files -g "*.gguf"' \
        '--type=[type of the matrices]:type:(F32 F16 BF16 Q8_0)' \
        '--tokens=[new tokens at most]:number: ' \
        '--ignore-eos[go on past the end token]' \
        '--temperature=[0 takes the likeliest, more draws]:number: ' \
        '--top-p=[among the likeliest that make up so much]:number: ' \
        '--min-p=[at least so likely beside the likeliest]:number: ' \
        '--seed=[another number draws another text]:number: ' \
        '1:what:(show import tokenize embed logits generate)' '2:file:_files'
}

_cloister_audit() {
    _arguments $help \
        '--db=[database to read]:database:_files -g "*.db"' \
        '--format=[how to print]:format:(table json)' \
        '1:what:(log verify)'
}

_cloister_attest() {
    _arguments $help \
        '--format=[how to print]:format:(json)'
}

_cloister_help() {
    _arguments '1:command:_cloister_commands'
}

_cloister() {
    local curcontext=$curcontext program=$words[1] state line
    local -a help engine
    help=('--help[tell the options]')
    engine=(
        '--threads=[threads of the model]:number: '
        '--activations=[bits of activations]:bits:(16 8)'
        '--float=[how float products are computed]:how:(exact blas)'
        '--isa=[instruction set]:name:(scalar avx2 avxvnni avx512)'
        '--adapter=[adapter for the language model]:adapter:_files -g "*.gguf"'
        '--kv=[how past tokens are kept]:how:(f32 f16 q8)'
        '--context=[tokens of the longest sequence]:number: '
        '--batch=[sequences in flight together]:number: '
        '--piece=[tokens of a prompt fed at a time]:number: '
        '--share-prefix=[compute what prompts begin with once]:how:(on off)'
    )
    _arguments -C '(- *)--help[list the commands]' '(- *)--version[print the version]' \
        '1:command:_cloister_commands' '*::argument:->command'
    [[ $state = command ]] && (( $+functions[_cloister_$line[1]] )) && _cloister_$line[1]
}

_cloister "$@"
