#!/bin/sh
# The main job on the example documents, and where to look at what it left.
# Usage: tools/demo.sh [NAME-OF-THE-DATABASE [OPTION-OF-RUN...]]
cd "$(dirname "$0")/.." || exit 1
name=${1:-contracts}
[ $# -eq 0 ] || shift
mkdir -p demo
./cloister run --policy contracts --db "demo/$name.db" "$@" \
    --password-file examples/passwords.txt examples/documents
status=$?
[ $status -le 1 ] || exit $status
echo
./cloister results list --db "demo/$name.db"
echo
case " $* " in *" --model "*)
    for id in $(./cloister results list --db "demo/$name.db" --format json --outcome ok |
        sed 's/.*"document":\([0-9]*\).*/\1/'); do
        ./cloister results show --db "demo/$name.db" --format json "$id"
    done | python3 -c '
import collections, json, sys
who, kept, dropped, why = (collections.Counter() for _ in range(4))
for line in sys.stdin:
    d = json.loads(line)
    who.update(t["answered_by"] for t in d["tasks"])
    kept.update(s["kind"] for s in d["summary"])
    why.update(s["why"] for s in d["dropped"])
words = lambda c: ", ".join("%d %s" % (n, w) for w, n in c.most_common()) or "none"
print("tasks answered by:   " + words(who))
print("summary sentences:   " + words(kept))
print("written and dropped: " + words(why))'
    echo "A written sentence is kept when the words it cites support it; the report shows both."
    echo
    ;;
esac
echo "A question mark: below the policy's threshold, a person must look. Documents that"
echo "are not ok say why:  ./cloister results list --db demo/$name.db --format csv"
echo
echo "database: $PWD/demo/$name.db"
echo "report:   $PWD/demo/$name.html    (open it in a browser)"
