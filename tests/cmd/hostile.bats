# Hostile documents and hostile files cost only themselves; support/hostile.py makes them.
load helper

make_hostile() { # KIND: into the current folder
    python3 "$top/tests/support/hostile.py" "$1"
}

# "OUTCOME PATH" for each document of a database, as a line of Python's repr.
outcomes() { # DB
    "$cloister" results list --db "$1" --format json |
        json 'd["outcome"] + " " + repr(d["path"].split("/files/")[-1])[:60]'
}

# Runs a command with the rights of nobody, so that rights can be missing.
as_ordinary_user() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    fi
}

# No byte of a terminal's language in a file, but line ends, tabs and what the bar of
# progress and a form feed after a page need.
commands_nothing() { # FILE
    python3 - "$1" <<'PY'
import re, sys
text = open(sys.argv[1], "rb").read().replace(b"\r\x1b[K", b"")
found = re.search(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\r(?!\r*\n)", text)
sys.exit(f"{sys.argv[1]}: {text[found.start() - 40:found.end() + 20]!r}" if found else 0)
PY
}

on_a_terminal() { # OUTPUT COMMAND, a line for the shell
    script -qec "$2" /dev/null >"$1" 2>&1 </dev/null || true
    [ -s "$1" ]
    commands_nothing "$1"
}

is_intact() { # DB
    run "$cloister" audit verify --db "$1"
    [ "$status" -eq 0 ]
}

@test "each hostile document ends in the outcome that it was made for" {
    mkdir documents && cd documents
    make_hostile documents
    # These take as long as they may; see below.
    rm limit/100000-attributes.xml limit/exponential-forms.pdf limit/280-mb-of-strokes.pdf
    run "$cloister" run --quiet --db ../case.db .
    [ "$status" -eq 1 ]
    "$cloister" results list --db ../case.db --format json >../listed
    python3 - ../listed <<'PY'
import json, os, sys
wrong, seen = [], 0
for line in open(sys.argv[1]):
    d = json.loads(line)
    wanted = os.path.basename(os.path.dirname(d["path"]))
    if d["outcome"] not in (("too_large", "timeout") if wanted == "limit" else (wanted,)):
        wrong.append((d["path"], d["outcome"], d["reason"]))
    assert (d["reason"] == "") == (d["outcome"] == "ok"), d
    seen += 1
assert seen == sum(len(f) for _, _, f in os.walk(".")), seen
assert not wrong, wrong
PY
    is_intact ../case.db
}

@test "documents that would take minutes end when their policy says so" {
    make_hostile documents
    endless="limit/100000-attributes.xml limit/exponential-forms.pdf limit/280-mb-of-strokes.pdf"
    sed 's/<reading /&cpu-seconds-max="2" /' "$top/policies/contracts.xml" >short.xml
    # shellcheck disable=SC2086 # several names
    timeout 60 "$cloister" extract --format json --policy short.xml $endless ok/plain.pdf >ended || [ $? -eq 1 ]
    [ "$(json 'd["outcome"]' <ended | tr '\n' ' ')" = "timeout timeout timeout ok " ]
    [ "$(json '"2000 ms" in d["reason"] or "4000 ms" in d["reason"]' <ended | tr '\n' ' ')" = "True True True False " ]
    # Other deadlines are kept as well, later ones too.
    sed 's/<reading [^>]*>/&<limits cpu-seconds-min="3" cpu-ms-per-page="1500"\/>/' \
        "$top/policies/contracts.xml" >long.xml
    run timeout 60 "$cloister" extract --format json --policy long.xml limit/exponential-forms.pdf
    [ "$status" -eq 1 ]
    [[ "$output" == *"4500 ms of CPU time"* || "$output" == *"9000 ms of wall time"* ]]
}

@test "whatever a path names, it has an outcome and the run goes on" {
    work=$(mktemp -d) # bats lets nobody else into its own folders
    chmod 755 "$work" && cd "$work"
    as_ordinary_user test -r "$cloister" || skip "nobody may not read the program"
    make_hostile files
    mkdir out && chmod 777 out
    as_ordinary_user timeout 120 "$cloister" run --quiet --db out/case.db files || [ $? -eq 1 ]
    as_ordinary_user "$cloister" results list --db out/case.db --format json >listed
    outcomes out/case.db | sort >found
    sort >wanted <<'LIST'
not_a_file 'dangling.pdf'
not_a_file 'device.xml'
not_a_file 'fifo.xml'
not_a_file 'folder-link'
not_a_file 'itself.xml'
not_a_file 'ring-a.xml'
not_a_file 'ring-b.xml'
not_a_file 'socket.xml'
not_a_file 'terminal.pdf'
too_large 'sparse.pdf'
unreadable 'locked'
unreadable 'secret.xml'
LIST
    grep -v -e '^ok' -e '^duplicate' -e dddddddd found | diff wanted -
    grep -q '^unreadable.*dddddddd' found
    [ "$(grep -c '^ok' found)" -eq 15 ] # a link and what it leads to count once
    [ "$(grep -c '^duplicate' found)" -eq 1 ]
    grep -q '"path_hex"' listed
    is_intact out/case.db
}

teardown() {
    [ -z "${work:-}" ] || rm -rf "$work"
}

@test "nothing in a name or a document commands a terminal" {
    script -qec true /dev/null || skip "there is no script(1)"
    make_hostile files
    make_hostile documents
    chmod 700 files/locked
    on_a_terminal run "$cloister run --db case.db files ok"
    on_a_terminal table "$cloister results list --db case.db"
    on_a_terminal json "$cloister results list --db case.db --format json"
    on_a_terminal csv "$cloister results list --db case.db --format csv"
    on_a_terminal search "$cloister search --db case.db text"
    on_a_terminal search-json "$cloister search --db case.db --format json text"
    on_a_terminal log "$cloister audit log --db case.db"
    on_a_terminal plan "$cloister run --dry-run --db other.db files ok"
    on_a_terminal text "$cloister extract --format text files/* ok/*"
    on_a_terminal extract "$cloister extract --format json files/* ok/*"
    on_a_terminal wrong "$cloister run \$'--x\\033[31m'; $cloister \$'\\033[31m'; $cloister run --policy \$'\\033[31m' ok"
    for id in 1 2 3 4 5 6 7 8; do
        on_a_terminal show "$cloister results show --db case.db $id"
        on_a_terminal show-json "$cloister results show --db case.db --format json $id"
    done
    grep -q 'u009b' json
}

@test "files that change under the reader cost only themselves" {
    mkdir files
    python3 - "$cloister" <<'PY'
import json, os, random, subprocess, sys, threading
chance, over = random.Random(1), threading.Event()
for i in range(200):
    with open(f"files/{i}.xml", "w") as f:
        f.write("<a>" + f"words of {i} " * 3000 + "</a>")
for i in range(4):
    with open(f"files/big-{i}.xml", "w") as f:
        f.write("<a>" + "words " * 8000000 + "</a>")

def grow_and_shrink():
    while not over.is_set():
        for i in range(4):
            with open(f"files/big-{i}.xml", "a") as f:
                f.write(" ")
            os.truncate(f"files/big-{i}.xml", chance.randrange(20000000, 48000000))

def replace():
    while not over.is_set():
        path = f"files/{chance.randrange(200)}.xml"
        try:
            act = chance.randrange(4)
            if act == 0:
                os.unlink(path)
            elif act == 1:
                os.mkfifo("new")
            elif act == 2:
                os.symlink("/dev/zero", "new")
            else:
                os.truncate(path, 100)
            os.rename("new", path)
        except OSError:
            pass

threads = [threading.Thread(target=grow_and_shrink), threading.Thread(target=replace)]
for thread in threads:
    thread.start()
try:
    run = subprocess.run([sys.argv[1], "run", "--quiet", "--db", "case.db", "files"], timeout=240)
finally:
    over.set()
    for thread in threads:
        thread.join()
assert run.returncode == 1, run
listed = subprocess.run([sys.argv[1], "results", "list", "--db", "case.db", "--format", "json"],
                        stdout=subprocess.PIPE, check=True).stdout.splitlines()
found = {json.loads(line)["outcome"] for line in listed}
assert found <= {"ok", "changed", "not_a_file", "unreadable", "damaged", "duplicate", "too_large"}, found
assert {"changed", "not_a_file"} <= found, found
PY
    is_intact case.db
}

@test "text in a font without its map is never lost in silence" {
    make_hostile maps
    unshare -m mount -t tmpfs none /usr/share/poppler 2>/dev/null ||
        skip "there is no poppler-data here, or no right to hide it"
    unshare -m sh -c 'mount -t tmpfs none /usr/share/poppler && exec "$@"' - \
        "$cloister" extract --format json maps/lost-alone.pdf maps/lost-in-part.pdf >without || [ $? -eq 1 ]
    [ "$(json 'd["outcome"]' <without | tr '\n' ' ')" = "suspect_text partial " ]
    [ "$(json '"poppler-data" in d["reason"]' <without | sort -u)" = True ]
    [ -d /usr/share/poppler/cMap ] || skip "poppler-data is not installed"
    "$cloister" extract --format json maps/lost-alone.pdf maps/lost-in-part.pdf >with
    [ "$(json 'd["outcome"]' <with | tr '\n' ' ')" = "ok ok " ]
    [ "$(json 'len(d["sections"][0]["text"].split(chr(10))[0])' <with | sort -u)" = 4 ]
}

@test "every candidate password is tried, and wrong ones change nothing" {
    printf '%s\n' wrong falsch fallax >bad
    printf '%s\n' wrong asdfzxcv bar foo openpassword >good
    encrypted="$corpus/pdf/pypdf/encryption"
    [ -d "$encrypted" ] || skip "no corpus at $corpus"
    for candidates in bad good; do
        "$cloister" run --quiet --db $candidates.db --password-file $candidates "$encrypted" || [ $? -eq 1 ]
        "$cloister" results list --db $candidates.db --format json |
            json 'd["path"][-4:] != ".pdf" or d["outcome"]' | sort | uniq -c | tr -s ' \n' ' ' >$candidates.found
    done
    [ "$(cat bad.found)" = " 1 True 5 encrypted 12 ok " ]
    [ "$(cat good.found)" = " 1 True 17 ok " ]
}

@test "the whole set of hostile documents ends well" {
    [ -f "$corpus/../hostile/make_hostile.py" ] || skip "no hostile set beside the corpus"
    mkdir files && cd files && python3 "$corpus/../hostile/make_hostile.py"
    run timeout 500 "$cloister" run --quiet --db ../case.db .
    [ "$status" -eq 1 ]
    is_intact ../case.db
    "$cloister" results list --db ../case.db --format json >../listed
    python3 - ../listed <<'PY'
import collections, json, os, sys
limit, empty = {"too_large", "timeout"}, {"no_text"}
wanted = collections.defaultdict(set)
for names, outcomes in {
    "x01 x02 x03 x04 x14 x15 x16 x18 p19 p20 p21 p22 p01": {"damaged"},
    "x07 x09 x11 x20 x21": limit, "p07": limit,
    "x05 x08 x19 x23 x24 p32 p17 p18 p37 p40": empty, "x26": limit | empty,
    "x12 p00 p11 p14 p15 p16 p27 p33": {"ok"}, "p31": {"ok", "duplicate"},
    "p03 p04 p13 p23": {"no_pages", "damaged"}, "p05 p06": limit | empty,
    "p08": limit | {"ok", "suspect_text"}, "p35": {"suspect_text"},
}.items():
    for name in names.split():
        wanted[name] = outcomes
seen = 0
for line in open(sys.argv[1]):
    d = json.loads(line)
    name = os.path.basename(d["path"])
    assert name == "p00_ok.pdf" or d["outcome"] != "duplicate" or name[:3] == "p31", d
    if name == "p00_ok.pdf":
        wanted["p00"] = {"ok", "duplicate"}
    assert not wanted[name[:3]] or d["outcome"] in wanted[name[:3]], d
    assert d["outcome"] != "ok" or d["text_bytes"]["seen"] > 0, d
    seen += 1
assert seen == len(os.listdir(".")), seen
PY
}

@test "the hostile files of libxml2's own tests end well" {
    [ -d "$corpus/xml/hostile-libxml2" ] || skip "no corpus at $corpus"
    run timeout 200 "$cloister" run --quiet --db case.db "$corpus/xml/hostile-libxml2"
    [ "$status" -eq 1 ]
    "$cloister" results list --db case.db --format json | json 'd["outcome"]' | sort -u >found
    printf '%s\n' damaged no_text unsupported | diff - found
    is_intact case.db
}
