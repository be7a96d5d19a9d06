#!/bin/sh
# The main job on the example documents, and where to look at what it left.
cd "$(dirname "$0")/.." || exit 1
mkdir -p demo
./cloister run --policy contracts --db demo/contracts.db \
    --password-file examples/passwords.txt examples/documents
status=$?
[ $status -le 1 ] || exit $status
echo
./cloister results list --db demo/contracts.db
echo
echo "A question mark: below the policy's threshold, a person must look. Documents that"
echo "are not ok say why:  ./cloister results list --db demo/contracts.db --format csv"
echo
echo "database: $PWD/demo/contracts.db"
echo "report:   $PWD/demo/contracts.html    (open it in a browser)"
