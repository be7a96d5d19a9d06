# Shared by the .bats files: the program under test and a folder to work in.
setup() {
    cloister="$PWD/${OUT:-build/release}/bin/cloister"
    documents="$PWD/examples/documents"
    passwords="$PWD/examples/passwords.txt"
    top="$PWD"
    cd "$BATS_TEST_TMPDIR" || exit 1
}

# Print one member of each JSON line on standard input, as Python sees it.
json() { # EXPRESSION on the object d
    python3 -c 'import json,sys
for line in sys.stdin:
    d = json.loads(line)
    print(eval(sys.argv[1]))' "$1"
}
