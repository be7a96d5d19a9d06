# Some hundreds of damaged documents; `make mutations` tries ten thousand.
load helper

@test "damaged documents end with one outcome each, and none of them silently" {
    cd "$top"
    run tests/fuzz/mutations.sh "${OUT:-build/release}" 300 7
    echo "$output"
    [ "$status" -eq 0 ]
    [[ "$output" == *"300 files"* ]]
}
