#!/bin/sh
# Fail when two folders define the same global symbol, or one of ours has the name of
# a symbol that a shared library exports: the linker would silently take one of them.
# Usage: tools/check-symbols.sh PROGRAM LIBRARY.a...
program=$1
shift
ours=$(for library in "$@"; do
    nm -g --defined-only "$library" 2>/dev/null | awk -v l="${library##*/}" 'NF == 3 { print $3, l }'
done | sort -u)
twice=$(echo "$ours" | awk '{ n[$1]++; where[$1] = where[$1] " " $2 } END { for (s in n) if (n[s] > 1) print s ":" where[s] }')
theirs=$(ldd "$program" | awk '$3 ~ /^\// { print $3 }' |
    xargs -n 1 nm -D --defined-only 2>/dev/null | awk 'NF >= 2 { sub(/@.*/, "", $NF); print $NF }' | sort -u)
clash=$(echo "$ours" | cut -d' ' -f1 | sort -u | comm -12 - /dev/fd/3 3<<END
$theirs
END
)
[ -z "$twice$clash" ] && exit 0
echo "symbols: defined in two folders: ${twice:-none}; also exported by a shared library: ${clash:-none}" >&2
exit 1
