# fish completion for cloister(1): commands, verbs, options and their values, policies
# (asked of the program itself) and files.

function __cloister_policies
    set -l words (commandline -opc)
    $words[1] policy list 2>/dev/null | string replace -r ' +' '\t'
end

# Is the command the first word given, and none of its verbs said yet?
function __cloister_verb
    __fish_seen_subcommand_from $argv[1]; and not __fish_seen_subcommand_from $argv[2..-1]
end

set -l in __fish_seen_subcommand_from
set -l outcomes ok partial no_text suspect_text encrypted owner_restricted damaged no_pages \
    too_large timeout crashed unsupported duplicate unreadable not_a_file changed model_limit

complete -c cloister -f
complete -c cloister -n __fish_use_subcommand -l version -d 'print the version'
complete -c cloister -l help -d 'tell the options'
complete -c cloister -n __fish_use_subcommand -a run -d 'read documents, record everything'
complete -c cloister -n __fish_use_subcommand -a extract -d 'print the text of documents'
complete -c cloister -n __fish_use_subcommand -a results -d 'list or show what was found'
complete -c cloister -n __fish_use_subcommand -a search -d 'find words in all documents'
complete -c cloister -n __fish_use_subcommand -a policy -d 'list, check or show policies'
complete -c cloister -n __fish_use_subcommand -a model -d 'look at a model, make or run one'
complete -c cloister -n __fish_use_subcommand -a audit -d 'print or check the audit log'
complete -c cloister -n __fish_use_subcommand -a attest -d 'try what is forbidden'
complete -c cloister -n __fish_use_subcommand -a help -d 'tell the options of a command'

complete -c cloister -n "$in run" -F
complete -c cloister -n "$in run" -l policy -r -F -a '(__cloister_policies)' -d 'what to ask'
complete -c cloister -n "$in run" -l db -r -F -d 'database to write'
complete -c cloister -n "$in run" -l encoder -r -F -d 'encoder model'
complete -c cloister -n "$in run" -l model -r -F -d 'language model'
complete -c cloister -n "$in run" -l files-from -r -F -d 'read more paths from a file'
complete -c cloister -n "$in run" -l password-file -r -F -d 'passwords for encrypted PDFs'
complete -c cloister -n "$in run" -l retry-failed -d 'do again what did not end ok'
complete -c cloister -n "$in run" -l dry-run -d 'say what would be done'
complete -c cloister -n "$in run" -l until -x -d 'stop at that time of day, HH:MM'
complete -c cloister -n "$in run" -l max-seconds -x -d 'stop after so many seconds'
complete -c cloister -n "$in run" -l threads -x -d 'threads of the model'
complete -c cloister -n "$in run" -l activations -x -a '16 8' -d 'bits of activations'
complete -c cloister -n "$in run" -l float -x -a 'exact blas' -d 'how float products are computed'
complete -c cloister -n "$in run" -l isa -x -a 'scalar avx2 avxvnni avx512' -d 'instruction set'
complete -c cloister -n "$in run" -l adapter -r -F -d 'adapter for the language model'
complete -c cloister -n "$in run" -l kv -x -a 'f32 f16 q8' -d 'how past tokens are kept'
complete -c cloister -n "$in run" -l context -x -d 'tokens of the longest sequence'
complete -c cloister -n "$in run" -l batch -x -d 'sequences in flight together'
complete -c cloister -n "$in run" -l piece -x -d 'tokens of a prompt fed at a time'
complete -c cloister -n "$in run" -l share-prefix -x -a 'on off' -d 'compute what prompts begin with once'
complete -c cloister -n "$in run" -l format -x -a json -d 'end with one JSON object'
complete -c cloister -n "$in run" -l quiet -d 'no progress and no closing words'

complete -c cloister -n "$in extract" -F
complete -c cloister -n "$in extract" -l format -x -a 'text json' -d 'how to print'
complete -c cloister -n "$in extract" -l policy -r -F -a '(__cloister_policies)' -d 'limits and chunk size'
complete -c cloister -n "$in extract" -l encoder -r -F -d 'model whose tokens are counted'
complete -c cloister -n "$in extract" -l password-file -r -F -d 'passwords for encrypted PDFs'

complete -c cloister -n '__cloister_verb results list show' -a 'list show'
complete -c cloister -n "$in results; and $in show" -F
complete -c cloister -n "$in results" -l db -r -F -d 'database to read'
complete -c cloister -n "$in results" -l format -x -a 'table json csv' -d 'how to print'
complete -c cloister -n "$in results" -l outcome -x -a "$outcomes" -d 'only documents that ended so'
complete -c cloister -n "$in results" -l task -x -d 'only documents with an answer to this task'
complete -c cloister -n "$in results" -l label -x -d 'only documents with this label'

complete -c cloister -n "$in search" -l db -r -F -d 'database to read'
complete -c cloister -n "$in search" -l format -x -a 'table json' -d 'how to print'

complete -c cloister -n '__cloister_verb policy list check render schema prompt calibrate' -a 'list check render schema prompt calibrate'
complete -c cloister -n "$in policy; and $in check render prompt calibrate" -F -a '(__cloister_policies)'
complete -c cloister -n "$in policy" -l model -r -F -d 'language model'
complete -c cloister -n "$in policy" -l output -s o -r -F -d 'prior to write'
complete -c cloister -n "$in policy" -l encoder -r -F -d 'model whose tokens are counted'
complete -c cloister -n "$in policy" -l password-file -r -F -d 'passwords for encrypted PDFs'
complete -c cloister -n "$in policy" -l threads -x -d 'threads of the model'
complete -c cloister -n "$in policy" -l activations -x -a '16 8' -d 'bits of activations'
complete -c cloister -n "$in policy" -l float -x -a 'exact blas' -d 'how float products are computed'
complete -c cloister -n "$in policy" -l isa -x -a 'scalar avx2 avxvnni avx512' -d 'instruction set'
complete -c cloister -n "$in policy" -l adapter -r -F -d 'adapter for the language model'
complete -c cloister -n "$in policy" -l kv -x -a 'f32 f16 q8' -d 'how past tokens are kept'
complete -c cloister -n "$in policy" -l context -x -d 'tokens of the longest sequence'
complete -c cloister -n "$in policy" -l batch -x -d 'sequences in flight together'
complete -c cloister -n "$in policy" -l piece -x -d 'tokens of a prompt fed at a time'
complete -c cloister -n "$in policy" -l share-prefix -x -a 'on off' -d 'compute what prompts begin with once'

complete -c cloister -n '__cloister_verb model show import tokenize embed logits generate' -a 'show import tokenize embed logits generate'
complete -c cloister -n "$in model; and $in show import tokenize embed logits generate" -F
complete -c cloister -n "$in model" -l model -r -F -d 'GGUF file'
complete -c cloister -n "$in model" -l format -x -a 'json f32' -d 'how to print'
complete -c cloister -n "$in model" -l output -s o -r -F -d 'GGUF file to write'
complete -c cloister -n "$in model" -l type -x -a 'F32 F16 BF16 Q8_0' -d 'type of the matrices'
complete -c cloister -n "$in model" -l threads -x -d 'threads of the model'
complete -c cloister -n "$in model" -l activations -x -a '16 8' -d 'bits of activations'
complete -c cloister -n "$in model" -l float -x -a 'exact blas' -d 'how float products are computed'
complete -c cloister -n "$in model" -l isa -x -a 'scalar avx2 avxvnni avx512' -d 'instruction set'
complete -c cloister -n "$in model" -l adapter -r -F -d 'adapter for the language model'
complete -c cloister -n "$in model" -l kv -x -a 'f32 f16 q8' -d 'how past tokens are kept'
complete -c cloister -n "$in model" -l context -x -d 'tokens of the longest sequence'
complete -c cloister -n "$in model" -l batch -x -d 'sequences in flight together'
complete -c cloister -n "$in model" -l piece -x -d 'tokens of a prompt fed at a time'
complete -c cloister -n "$in model" -l share-prefix -x -a 'on off' -d 'compute what prompts begin with once'
complete -c cloister -n "$in model" -l tokens -x -d 'new tokens at most'
complete -c cloister -n "$in model" -l ignore-eos -d 'go on past the end token'
complete -c cloister -n "$in model" -l temperature -x -d '0 takes the likeliest, more draws'
complete -c cloister -n "$in model" -l top-p -x -d 'among the likeliest that make up so much'
complete -c cloister -n "$in model" -l min-p -x -d 'at least so likely beside the likeliest'
complete -c cloister -n "$in model" -l seed -x -d 'another number draws another text'

complete -c cloister -n '__cloister_verb audit log verify' -a 'log verify'
complete -c cloister -n "$in audit" -l db -r -F -d 'database to read'
complete -c cloister -n "$in audit" -l format -x -a 'table json' -d 'how to print'
complete -c cloister -n "$in attest" -l format -x -a json -d 'how to print'

complete -c cloister -n "$in help" -a 'run extract results search policy model audit attest'
