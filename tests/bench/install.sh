#!/usr/bin/env bash
# Prepares a Debian 12 machine (as root) for run.sh. Again at will: what is there is not made again.
#
#   packages of the host, private Debian roots with Postfix and Exim, our tools, the release build of dirrelay
#
# Nothing of a mail server is installed on, or started by, the host. All but the build goes below $BENCH_ROOT.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
export DEBIAN_FRONTEND=noninteractive

# The mirror that this machine's apt uses.
MIRROR=${MIRROR:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -nE 's/^(URIs:|deb)[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+\/debian)\/?([[:space:]].*)?$/\3/p' | sed -n 1p || true)}
[ -n "$MIRROR" ] || { echo "no Debian mirror in apt's sources; set MIRROR" >&2; exit 1; }

make_base() {
    [ -e "$ROOTS/base/.done" ] && return
    echo "base root"
    rm -rf "${ROOTS:?}/base"
    debootstrap --variant=minbase bookworm "$ROOTS/base" "$MIRROR" >"$BENCH_ROOT/debootstrap.log" 2>&1
    cat >"$ROOTS/base/etc/apt/sources.list" <<LIST
deb $MIRROR bookworm main
deb $MIRROR bookworm-updates main
deb ${MIRROR%/debian}/debian-security bookworm-security main
LIST
    cp /etc/apt/apt.conf.d/*proxy* "$ROOTS/base/etc/apt/apt.conf.d/" 2>/dev/null || true
    # No service may start on installation.
    printf '#!/bin/sh\nexit 101\n' >"$ROOTS/base/usr/sbin/policy-rc.d"
    chmod 755 "$ROOTS/base/usr/sbin/policy-rc.d"
    cp /etc/resolv.conf "$ROOTS/base/etc/resolv.conf" 2>/dev/null || true
    chroot "$ROOTS/base" apt-get update -qq
    touch "$ROOTS/base/.done"
}

make_root() { # NAME PACKAGE...
    local name=$1
    shift
    [ -e "$ROOTS/$name/.done" ] && return
    echo "root $name: $*"
    rm -rf "${ROOTS:?}/$name"
    cp -a --reflink=auto "$ROOTS/base" "$ROOTS/$name"
    rm -f "$ROOTS/$name/.done"
    cp /etc/hosts "$ROOTS/$name/etc/hosts"
    root_mount "$name"
    chroot "$ROOTS/$name" apt-get install -y -qq --no-install-recommends "$@" >"$BENCH_ROOT/install-$name.log" 2>&1
    touch "$ROOTS/$name/.done"
}

"$REPOSITORY/tests/packages.sh" test
command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null

trap roots_umount EXIT
make_base
make_root postfix postfix sasl2-bin libsasl2-modules
make_root exim exim4-base exim4-daemon-heavy exim4-config

echo "tools"
flags="-std=c17 -D_GNU_SOURCE -O2 -Wall -Wextra"
# shellcheck disable=SC2086
cc $flags -o "$BIN/smtpload" "$BENCH"/tools/smtpload.c "$BENCH"/tools/load_*.c
# shellcheck disable=SC2086
cc $flags -o "$BIN/loginload" "$BENCH"/tools/loginload.c "$BENCH"/tools/load_report.c -lssl -lcrypto -lpthread
# shellcheck disable=SC2086
cc $flags -o "$BIN/tlsfloor" "$BENCH/tools/tlsfloor.c" -lssl -lcrypto -lpthread
# shellcheck disable=SC2086
for tool in smtpsink procmon; do cc $flags -o "$BIN/$tool" "$BENCH/tools/$tool.c"; done

if [ -z "${DIRRELAY_BUILD:-}" ]; then
    echo "dirrelay"
    cmake -S "$REPOSITORY" --preset release >"$BENCH_ROOT/build.log"
    cmake --build "$BUILD" >>"$BENCH_ROOT/build.log"
fi

versions
