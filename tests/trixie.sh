#!/usr/bin/env bash
# The directory room's traps against the other TLS back end: Debian 13's libldap is linked with OpenSSL, Debian 12's with GnuTLS.
#
#   tests/trixie.sh [ROOT]      as root; ROOT (default /var/tmp/dirrelay-trixie) is made by debootstrap once and kept
#
# Builds everything inside that root and runs the integration tests of this machine against its tests/tools/directory_probe.c.
# Not a part of tests/run.sh: it downloads a whole system.
set -euo pipefail
cd "$(dirname "$0")/.."
root=${1:-/var/tmp/dirrelay-trixie}
mirror=$(sed -nE 's/^(URIs: |deb )(http[^ ]*\/debian) ?.*/\2/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true)
packages=gcc,libc6-dev,cmake,ninja-build,pkg-config,libldap-dev,libuv1-dev,libunbound-dev,liblmdb-dev,libinih-dev,libjansson-dev
packages=$packages,libidn2-dev,libcap-dev,libseccomp-dev,libsasl2-dev,libcurl4-openssl-dev,libkrb5-dev,libssl-dev,uthash-dev,libcmocka-dev,ca-certificates

[ -n "$mirror" ] || { echo "tests/trixie.sh: no Debian mirror in apt's sources" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "tests/trixie.sh: as root" >&2; exit 1; }
if [ ! -e "$root/ready" ]; then
    command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap
    debootstrap --variant=minbase --include="$packages" trixie "$root" "$mirror"
    touch "$root/ready"
fi

rm -rf "$root/source" && mkdir "$root/source"
tar -c --exclude=./.git --exclude='./build*' . | tar -x -C "$root/source"
chroot "$root" sh -c 'cmake -S /source -B /build -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDIRRELAY_TESTS=ON >/dev/null && ninja -C /build'
libraries=$(chroot "$root" ldd /build/directory_probe)
case $libraries in *libssl*) ;; *) echo "this libldap has no OpenSSL" >&2; exit 1 ;; esac

# Certificates and ldapi sockets of the tests are made below /tmp: the root sees the same one.
mount --bind /tmp "$root/tmp"
run=$(mktemp -d)
trap 'umount "$root/tmp"; rm -rf "$run"' EXIT
printf '#!/bin/sh\nexec chroot %s /build/directory_probe "$@"\n' "$root" >"$run/directory_probe"
chmod 755 "$run/directory_probe"
DIRRELAY_BUILD=$run /usr/bin/python3 -m unittest -v tests/integration/test_directory.py tests/integration/test_directory_traps.py
