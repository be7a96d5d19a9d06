#!/bin/bash
# How often a language model's best label is the right one, beside the encoder's: the
# contracts with the shipped policy and its prior, and the dialogues of MTS-Dialog's
# validation set with sections.xml and priors measured on every fifth of them, without
# their labels, from each of three beginnings.
# Usage: tests/bench/labels.sh CLOISTER MODEL CORPUS FOLDER_TO_WORK_IN
cloister=${1:?usage: tests/bench/labels.sh CLOISTER MODEL CORPUS FOLDER_TO_WORK_IN}
model=$2 corpus=$3 work=$4
here=$(dirname "$0")

# ask POLICY TASK LABELS.csv COLUMN PATH...: run, and print what was right.
ask() {
    local policy=$1 task=$2 labels=$3 column=$4
    shift 4
    rm -f "$work/labels.db"
    "$cloister" run --quiet --policy "$policy" --model "$model" --db "$work/labels.db" "$@"
    sqlite3 -readonly -separator , "$work/labels.db" "SELECT replace(path, rtrim(path,
        replace(path, '/', '')), ''), label, undecided, first_label FROM v_results
        WHERE task = '$task'" |
        awk -F, -v c="$column" '{ sub(/\r$/, "") } NR == FNR { of[$1] = $c; next }
            $1 in of { n++; good = of[$1] == $2; right += good; first += of[$1] == $4
                       if (!$3) { decided++; sure += good } }
            END { if (n) printf "%.3f right of %d (encoder alone %.3f); %.2f decided, " \
                "of these %.3f right\n", right / n, n, first / n, decided / n,
                decided ? sure / decided : 0 }' "$labels" -
}

contracts() {
    local folder=$corpus/pdf/contracts
    # without a summary, which is not what is measured
    cp policies/*.prior policies/policy.rng "$work/"
    sed 's/<summary [^>]*>//' policies/contracts.xml >"$work/contracts.xml"
    printf 'contract type: '
    ask "$work/contracts.xml" contract_type "$folder/labels.csv" 3 "$folder"/*.pdf
}

dialogues() {
    local folder=$work/dialogues from
    python3 "$here/sections.py" "$corpus/text/mts-dialog/MTS-Dialog-ValidationSet.csv" \
        "$folder" || return
    for from in 0 1 2; do
        cp "$here/sections.xml" "$work/sections.xml"
        find "$folder" -name '*.xml' | sort | awk -v f=$from 'NR % 5 == f' |
            xargs "$cloister" policy calibrate "$work/sections.xml" --model "$model" \
                -o "$work/sections.prior" 2>"$work/stderr" || return
        sed -i 's|</classify>|</classify><prior file="sections.prior"/>|' \
            "$work/sections.xml"
        printf 'section of a note, prior %d: ' "$from"
        ask "$work/sections.xml" section "$folder/labels.csv" 2 "$folder"/*.xml
    done
}

contracts
dialogues
