#!/bin/sh
# Fetch the sources of poppler and libxml2 as Debian ships them, and build of each
# one static library, hardened, without what talks to a network.
#
#     FOLDER/apt        package lists and cache of our own; the system's are not touched
#     FOLDER/src        the unpacked sources, patched as Debian patches them
#     FOLDER/poppler    libpoppler.a        FOLDER/libxml2    libxml2.a
#
# The versions are pinned: each .dsc by its SHA-256, all that it lists by those inside.
# A library that was built from the same source in the same way is left alone.
# Usage: tools/sealed-deps.sh FOLDER
set -eu
poppler=22.12.0-2+deb12u3
poppler_dsc=528b0d841a807314275f4031a51ab38810d22b7adeb73cdd1b1d8e3e059b3152
libxml2=2.9.14+dfsg-1.3~deb12u6
libxml2_dsc=d86ce3efb1b75d2781f72f5cdd187474c148a915d610295c85162681bb070a65
harden="-O2 -g0 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections"

mkdir -p "$1"
folder=$(cd "$1" && pwd)
for program in apt-get dpkg-source cmake g++; do
    command -v "$program" >/dev/null || {
        echo "sealed: $program is missing; apt-get install dpkg-dev cmake g++ has it" >&2
        exit 1
    }
done

# ---- sources ------------------------------------------------------------------------
configure_apt() {
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial"
    key='deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    cat >"$folder/apt/sources.list" <<END
$key http://deb.debian.org/debian bookworm main
$key http://deb.debian.org/debian bookworm-updates main
$key http://deb.debian.org/debian-security bookworm-security main
END
    cat >"$folder/apt/apt.conf" <<END
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::Lists "$folder/apt/lists";
Dir::Cache "$folder/apt/cache";
APT::Sandbox::User "";
END
}

# The server keeps a version until the next one of its release has come.
fetch() {
    name=$1 version=$2 sum=$3
    dsc=${name}_$version.dsc
    if ! [ -e "$folder/src/$dsc" ]; then
        [ -e "$folder/apt/updated" ] || {
            configure_apt
            APT_CONFIG="$folder/apt/apt.conf" apt-get -qq update
            touch "$folder/apt/updated"
        }
        (cd "$folder/src" && APT_CONFIG="$folder/apt/apt.conf" \
            apt-get -qq source --download-only "$name=$version")
    fi
    echo "$sum  $folder/src/$dsc" | sha256sum --check --quiet
    rm -rf "$folder/src/$name"
    dpkg-source --extract "$folder/src/$dsc" "$folder/src/$name" \
        >"$folder/$name.log" 2>&1
}

# ---- libraries ----------------------------------------------------------------------
off() { for option in "$@"; do printf ' -D%s=OFF' "$option"; done; }

# Poppler discards CMAKE_CXX_FLAGS_RELEASE: what must hold stands in CMAKE_CXX_FLAGS.
library() {
    name=$1 version=$2 sum=$3 target=$4
    shift 4
    pins="$sum $harden $*"
    [ "$(cat "$folder/$name/pins" 2>/dev/null)" = "$pins" ] && return
    echo "sealed: $name $version, from source (some minutes)" >&2
    fetch "$name" "$version" "$sum"
    rm -rf "${folder:?}/$name"
    {
        cmake -S "$folder/src/$name" -B "$folder/$name" -DCMAKE_BUILD_TYPE=Release \
            -DCMAKE_C_FLAGS="$harden" -DCMAKE_CXX_FLAGS="$harden" \
            -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_SHARED_LIBS=OFF "$@" &&
            cmake --build "$folder/$name" --target "$target" -j "$(nproc)"
    } >"$folder/$name.log" 2>&1 || {
        tail -20 "$folder/$name.log" >&2
        exit 1
    }
    echo "$pins" >"$folder/$name/pins"
}

# What was built must be hardened, and must not ask for what talks. Poppler's libraries
# are in C++, whose calls of checked functions are few, but not none.
verify() {
    symbols=$(nm "$1")
    for symbol in __stack_chk_fail '__[a-z]*_chk'; do
        echo "$symbols" | grep -q " U $symbol\$" || {
            echo "sealed: $1 was not hardened: no $symbol" >&2
            exit 1
        }
    done
    if echo "$symbols" | grep -E ' U (socket|connect|bind|send[a-z]*|recv[a-z]*|popen|system|fork|exec[a-z]*|dlopen|getaddrinfo|gethostby[a-z]*|curl_.*|NSS_.*|iconv_open)$' >&2; then
        echo "sealed: $1 asks for what it must not have" >&2
        exit 1
    fi
}

# ICU, without which only ten encodings of XML could be read, opens no connection.
mkdir -p "$folder/src"
library libxml2 "$libxml2" "$libxml2_dsc" LibXml2 $(off LIBXML2_WITH_FTP \
    LIBXML2_WITH_HTTP LIBXML2_WITH_ICONV LIBXML2_WITH_CATALOG LIBXML2_WITH_LZMA \
    LIBXML2_WITH_ZLIB LIBXML2_WITH_MODULES LIBXML2_WITH_PROGRAMS LIBXML2_WITH_PYTHON \
    LIBXML2_WITH_TESTS LIBXML2_WITH_HTML LIBXML2_WITH_DEBUG LIBXML2_WITH_DOCB \
    LIBXML2_WITH_LEGACY LIBXML2_WITH_XINCLUDE LIBXML2_WITH_C14N \
    LIBXML2_WITH_SCHEMATRON) -DLIBXML2_WITH_ICU=ON
library poppler "$poppler" "$poppler_dsc" poppler $(off ENABLE_LIBCURL ENABLE_GLIB \
    ENABLE_CPP ENABLE_QT5 ENABLE_QT6 ENABLE_UTILS ENABLE_GTK_DOC \
    ENABLE_GOBJECT_INTROSPECTION ENABLE_BOOST BUILD_GTK_TESTS BUILD_QT5_TESTS \
    BUILD_QT6_TESTS BUILD_CPP_TESTS BUILD_MANUAL_TESTS WITH_Cairo WITH_NSS3 WITH_TIFF \
    WITH_PNG HAVE_POPEN RUN_GPERF_IF_PRESENT) -DENABLE_CMS=none \
    -DENABLE_LIBOPENJPEG=none -DENABLE_DCTDECODER=libjpeg -DFONT_CONFIGURATION=generic
verify "$folder/libxml2/libxml2.a"
verify "$folder/poppler/libpoppler.a"
