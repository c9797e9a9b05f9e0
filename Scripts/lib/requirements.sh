# Sourced by Scripts/demo and Scripts/test: what a machine needs before anything can be built, and how it gets it.
#
# A requirement is met if what it is for can be found, however it came there; only what cannot be found is installed.
# shellcheck shell=bash

program=Scripts/${0##*/}
readonly program swift_version_min=6.2

say() {
    printf '%s: %s\n' "$program" "$*"
}

fail() {
    printf '%s: %s\n' "$program" "$*" >&2
    exit 1
}

# Whether a file lies in one of the folders where C and protobuf look for what they include.
include_exists() {
    local folder
    for folder in /usr/include /usr/local/include /opt/homebrew/include; do
        [[ -f $folder/$1 ]] && return
    done
    return 1
}

# Whether an interpreter has protobuf: the system's own may have it where the path's has not.
imports_protobuf() {
    "$1" -c 'import google.protobuf' 2>/dev/null
}

# Whether what the Debian package $1 is needed for can be found.
is_met() {
    case $1 in
    ca-certificates) [[ -e /etc/ssl/certs/ca-certificates.crt || ! -d /etc/apt ]] ;;
    curl | gcc | git | pkg-config | strace | valgrind) command -v "$1" >/dev/null ;;
    binutils) command -v nm strip readelf >/dev/null ;;
    libc6-dev) include_exists stdlib.h ;;
    libprotobuf-c-dev) include_exists protobuf-c/protobuf-c.h ;;
    libprotobuf-dev) include_exists google/protobuf/descriptor.proto ;;
    libprotoc-dev) include_exists google/protobuf/compiler/plugin.proto ;;
    libsqlite3-dev) include_exists sqlite3.h ;;
    zlib1g-dev) include_exists zlib.h ;;
    protobuf-compiler) command -v protoc >/dev/null ;;
    python3) command -v python3 >/dev/null ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    python3-protobuf) imports_protobuf python3 || imports_protobuf /usr/bin/python3 ;;
    *) fail "nobody said how to find out whether $1 is there" ;;
    esac
}

# Runs a command as root, through sudo if need be.
as_root() {
    if ((EUID == 0)); then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "installing packages needs root, and sudo is missing; as root: apt-get install ${missing[*]}"
    fi
}

# Installs those of the named Debian packages that are missing, after saying which.
install_packages() {
    local name
    missing=()
    for name in "$@"; do
        is_met "$name" || missing+=("$name")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null ||
        fail "missing, and there is no apt-get to install them (these are Debian's names): ${missing[*]}"

    say "installing system packages: ${missing[*]}"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends)
    as_root apt-get update --quiet=2 || say "the list of packages could not be refreshed; trying with the one at hand"
    as_root "${install[@]}" --quiet=2 "${missing[@]}" </dev/null || fail "apt-get could not install ${missing[*]}"
    for name in "${missing[@]}"; do
        is_met "$name" || fail "$name was installed, yet what it is needed for is still missing"
    done
}

# Fails unless a Swift toolchain is at hand that is new enough.
check_swift() {
    command -v swift >/dev/null ||
        fail "swift is missing; install a toolchain of at least $swift_version_min: https://www.swift.org/install/linux/"
    local answer version
    answer=$(swift --version 2>&1) || fail "swift does not run: $answer
(what a toolchain itself needs is listed at https://www.swift.org/install/linux/)"
    [[ $answer =~ Swift\ version\ ([0-9]+(\.[0-9]+)*) ]] || fail "\`swift --version\` names no version: $answer"
    version=${BASH_REMATCH[1]}
    [[ $(printf '%s\n' "$swift_version_min" "$version" | sort --version-sort | head -n 1) == "$swift_version_min" ]] ||
        fail "Swift $version is too old; at least $swift_version_min is needed: https://www.swift.org/install/linux/"
}

# Everything that building this package needs.
prepare_machine() {
    check_swift
    install_packages ca-certificates curl git libprotobuf-c-dev libprotobuf-dev libprotoc-dev libsqlite3-dev \
        pkg-config protobuf-compiler python3 python3-protobuf zlib1g-dev
}
