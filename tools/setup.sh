#!/bin/sh
# Install the Debian packages that the given kinds of work need, when some are
# missing: build, model, test, fuzz, sealed. Does nothing, and needs no network, when all
# are there.
set -eu
packages=
for kind in "$@"; do
    case $kind in
    build) packages="$packages gcc libc6-dev make pkg-config libpoppler-glib-dev
        libxml2-dev libsqlite3-dev libopenblas-serial-dev libpcre2-dev libicu-dev
        nettle-dev libjansson-dev libseccomp-dev" ;;
    model) packages="$packages python3 python3-pip unzip ca-certificates" ;;
    test) packages="$packages libcmocka-dev bats clang libomp-dev libsimde-dev procps
        sqlite3 python3 poppler-utils libxml2-utils mandoc strace" ;;
    fuzz) packages="$packages libclang-rt-14-dev" ;;
    sealed) packages="$packages g++ cmake dpkg-dev binutils python3 libfreetype-dev
        libjpeg-dev zlib1g-dev libgmp-dev" ;;
    *) echo "setup: unknown kind \"$kind\"" >&2; exit 2 ;;
    esac
done
missing=
for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed' ||
        missing="$missing $package"
done
[ -z "$missing" ] && exit 0
echo "setup: installing$missing" >&2
if [ "$(id -u)" -ne 0 ]; then
    echo "setup: not root; please run: apt-get install$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install -y --no-install-recommends $missing >/dev/null
