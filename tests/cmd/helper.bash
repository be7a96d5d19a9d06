# Shared by the .bats files: the program under test and a folder to work in.
top=$(realpath "$BATS_TEST_DIRNAME/../..")
cloister="$top/${OUT:-build/release}/bin/cloister"
documents="$top/examples/documents"
passwords="$top/examples/passwords.txt"
corpus="$top/../shared/corpus"

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
}

# Print one member of each JSON line on standard input, as Python sees it.
json() { # EXPRESSION on the object d
    python3 -c 'import json,sys
for line in sys.stdin:
    d = json.loads(line)
    print(eval(sys.argv[1]))' "$1"
}
