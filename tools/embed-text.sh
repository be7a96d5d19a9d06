#!/bin/sh
# Print a text file as the initialiser of a C char array: #include it between braces.
# Usage: tools/embed-text.sh FILE
od -An -v -tu1 "$1" | sed -E 's/ +([0-9]+)/\1,/g'
echo 0
