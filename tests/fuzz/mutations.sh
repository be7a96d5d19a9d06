#!/bin/sh
# Damage real PDF and XML files a little, COUNT of them, and run them all through
# cloister, some hundreds at a time. Ends with a table of outcomes; exit status 1, with
# the folder of files kept, when for any of them
#
#   the run died or did not end, or its log is not intact
#   a file has no outcome or two, or an outcome that is none
#   a document is "ok" without text, or without all of its text accounted for
#
# The same SEED gives the same files from the same sources: those of ../shared/corpus
# where they are at hand, of the examples otherwise. PDF files count threefold, for
# most damage to XML is found by the first parser that looks.
# Usage: tests/fuzz/mutations.sh BUILD_FOLDER COUNT SEED
out=${1:?usage: tests/fuzz/mutations.sh BUILD_FOLDER COUNT SEED}
count=${2:?how many files?}
seed=${3:?which seed?}
batch=400 seconds_max=900
cloister=$out/bin/cloister
work=$(mktemp -d) || exit 1
trap '[ -n "$keep" ] || rm -rf "$work"' EXIT
keep=

sources() {
    folder=../shared/corpus
    [ -d "$folder" ] || folder=examples/documents
    find "$folder" -name 'hostile*' -prune -o -size -100k -name '*.pdf' -print | sort >"$work/pdf"
    find "$folder" -name 'hostile*' -prune -o -size -100k -name '*.xml' -print | sort >"$work/xml"
    cat "$work/pdf" "$work/pdf" "$work/pdf" "$work/xml"
}

# What is wrong with the documents of a database, one line each; nothing when all is well.
wrong() { # DATABASE FILES
    sqlite3 "$1" "
        SELECT 'not every file has one outcome: ' || count(*) || ' of $2'
            FROM v_documents HAVING count(*) != $2 OR count(DISTINCT path) != $2;
        SELECT path || ': ' || outcome || ' without text' FROM v_documents
            WHERE outcome IN ('ok', 'partial') AND extracted_bytes <= hidden_bytes;
        SELECT path || ': ok, but not all of its text was seen' FROM v_documents
            WHERE outcome = 'ok' AND (chunked_bytes != seen_bytes OR
                extracted_bytes != hidden_bytes + chunked_bytes);
        SELECT path || ': ' || outcome || ' without a reason' FROM v_documents
            WHERE outcome != 'ok' AND reason = '';
        SELECT path || ': no outcome is called ' || outcome FROM v_documents
            WHERE outcome NOT IN ('ok', 'partial', 'no_text', 'suspect_text', 'encrypted',
                'owner_restricted', 'damaged', 'no_pages', 'too_large', 'timeout',
                'crashed', 'unsupported', 'duplicate', 'model_limit');"
}

# One batch: files, a run, its books.
try() { # FIRST COUNT
    rm -rf "$work/files" "$work"/case.*
    mkdir "$work/files"
    "$out/tests/fuzz/mutate" "$seed" "$1" "$2" "$work/files" <"$work/sources" || return 1
    timeout "$seconds_max" "$cloister" run --quiet --db "$work/case.db" "$work/files" \
        >"$work/said" 2>&1
    status=$?
    if [ "$status" -gt 1 ]; then
        echo "the run ended with status $status"
        cat "$work/said"
        return 1
    fi
    problems=$(wrong "$work/case.db" "$2" 2>&1)
    [ -z "$problems" ] || { echo "$problems"; return 1; }
    "$cloister" audit verify --db "$work/case.db" >"$work/said" || { cat "$work/said"; return 1; }
    sqlite3 "$work/case.db" "SELECT outcome FROM v_documents" >>"$work/outcomes"
    sqlite3 "$work/case.db" "SELECT outcome || ': ' || reason FROM v_documents
        WHERE outcome IN ('crashed', 'timeout')" >>"$work/ends"
}

sources >"$work/sources"
: >"$work/outcomes"
: >"$work/ends"
started=$(date +%s)
first=0
while [ "$first" -lt "$count" ]; do
    some=$((count - first < batch ? count - first : batch))
    if ! try "$first" "$some"; then
        keep=yes
        echo "FAILED  files $first to $((first + some - 1)) of seed $seed; they are in $work"
        exit 1
    fi
    first=$((first + some))
done
sort "$work/outcomes" | uniq -c | sort -rn
sort "$work/ends" | uniq -c | sort -rn
echo "$count files, seed $seed: each with one outcome, in $(($(date +%s) - started)) s"
