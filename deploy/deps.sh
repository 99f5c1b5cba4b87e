#!/usr/bin/env bash
# Installs what Weft is built and tested with, from Debian 12 or a system like it. Does nothing, and
# says nothing, when all of it is there. Some packages bring a daemon (redis-server, prometheus, postgresql, nginx); only
# their programs are wanted, so no service is started or enabled by this installation.
#
#   deploy/deps.sh           build, run and test
#   deploy/deps.sh --bench   also what only the benchmark compares with
set -euo pipefail

packages=(
    make cmake ninja-build gcc libc6-dev pkg-config
    clang clang-format clang-tidy cppcheck libclang-rt-14-dev
    libzmq3-dev libczmq-dev libmsgpack-dev liblmdb-dev libprotobuf-c-dev protobuf-c-compiler
    protobuf-compiler libmicrohttpd-dev libcurl4-openssl-dev libgnutls28-dev libjansson-dev libpcre2-dev libsodium-dev
    libcmocka-dev libsqlite3-dev sqlite3 iproute2 libpq-dev postgresql
    libtest-json-schema-acceptance-perl
    tzdata
    python3 python3-zmq python3-msgpack python3-protobuf python3-jsonschema universal-ctags openssl curl git patch prometheus jq groff-base
)
if [[ "${1:-}" == --bench ]]; then
    packages+=(redis-server libhiredis-dev wrk)
fi

# Node.js may have come from elsewhere, and then there is no package of that name.
for command in node npm; do
    command -v "$command" >/dev/null || packages+=("${command/#node/nodejs}")
done

# nginx comes in several packages that exclude each other.
PATH=$PATH:/usr/sbin command -v nginx >/dev/null || packages+=(nginx-light)

# The foreign judges of the HTTP door, of the versions that the lock file names; into this folder only.
judges() {
    local folder
    folder=$(dirname "$0")/../tests/contract
    if cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed"; then
        return
    fi
    echo "deps: installing tests/contract/node_modules"
    if ! (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >"$folder/npm.log" 2>&1; then
        tail -n 30 "$folder/npm.log" >&2
        echo "deps: npm failed" >&2
        exit 1
    fi
    rm "$folder/npm.log"
    cp "$folder/package-lock.json" "$folder/node_modules/.installed"
}

if ! command -v dpkg-query >/dev/null; then
    echo "deps: this is not a Debian system; install by hand: ${packages[*]}" >&2
    exit 1
fi

installed() {
    [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
if [[ ${#missing[@]} == 0 ]]; then
    judges
    exit 0
fi

as_root=()
if [[ $(id -u) != 0 ]]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: run as root, or install sudo, to get: ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

# invoke-rc.d asks policy-rc.d before it starts a service; 101 means no. A policy of the
# administrator is left alone.
policy=/usr/sbin/policy-rc.d
log=$(mktemp)
own_policy=no
finish() {
    if [[ $own_policy == yes ]]; then
        "${as_root[@]}" rm -f "$policy"
    fi
    rm -f "$log"
}
trap finish EXIT
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    own_policy=yes
fi

echo "deps: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
if ! { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    echo "deps: apt-get failed" >&2
    exit 1
fi

# Nor at the next start of the machine; but only what this run has brought. Who had the daemon before
# keeps it as it was.
for package in redis-server prometheus postgresql nginx-light; do
    service=${package%-light}
    if printf '%s\n' "${missing[@]}" | grep -qx "$package" && command -v systemctl >/dev/null; then
        "${as_root[@]}" systemctl disable --quiet "$service" >/dev/null 2>&1 || true
    fi
done
judges
echo "deps: done"
