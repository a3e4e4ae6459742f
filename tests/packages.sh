#!/usr/bin/env bash
# Installs what building and testing need on Debian 12. Does nothing when all is there.
#
#   tests/packages.sh          to build and to run
#   tests/packages.sh build    to build
#   tests/packages.sh test     to build, run and test
#   tests/packages.sh ad       a Samba Active Directory DC: large, installed by the tests that need one
set -euo pipefail

BUILD="build-essential cmake ninja-build pkg-config libldap-dev libuv1-dev libunbound-dev liblmdb-dev libinih-dev
       libjansson-dev libidn2-dev libcap-dev libseccomp-dev libsasl2-dev libcurl4-openssl-dev libkrb5-dev libssl-dev uthash-dev"
RUN="slapd slapd-contrib ldap-utils libsasl2-modules libsasl2-modules-gssapi-mit openssl python3 swaks"
TEST="git clang clang-format libclang-rt-14-dev libcmocka-dev strace systemd procps iproute2 jq curl postfix sasl2-bin krb5-kdc krb5-admin-server krb5-user
      python3-gssapi gss-ntlmssp nsd ldnsutils msmtp gsasl valgrind rspamd opendkim libgnutls-dane0 libidn12 libnsl2 clamav-daemon clamav-milter python3-dkim"
AD="samba samba-ad-dc samba-ad-provision python3-samba python3-markdown winbind smbclient ldb-tools krb5-user
    libsasl2-modules-gssapi-mit ldap-utils iproute2 openssl"

case "${1:-}" in
build) wanted=$BUILD ;;
test) wanted="$BUILD $RUN $TEST" ;;
ad) wanted=$AD ;;
*) wanted="$BUILD $RUN" ;;
esac

missing=
for package in $wanted; do
    dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
# Debian lets nobody install Exim beside Postfix: its files go to a place of their own, where tests/lib/exim.py looks.
EXIM=/usr/local/lib/dirrelay-tests/exim
unpack_exim() {
    local folder
    folder=$(mktemp -d)
    chown _apt "$folder"
    (cd "$folder" && apt-get download -qq exim4-daemon-light)
    mkdir -p "$EXIM"
    dpkg -x "$folder"/exim4-daemon-light_*.deb "$EXIM"
    rm -r "$folder"
    id -u Debian-exim >/dev/null 2>&1 ||
        useradd --system --user-group --no-create-home --home-dir /var/spool/exim4 --shell /usr/sbin/nologin Debian-exim
}
wants_exim=
[ "${1:-}" = test ] && [ "$(id -u)" = 0 ] && [ ! -x "$EXIM/usr/sbin/exim4" ] && wants_exim=yes

[ -z "$missing$wants_exim" ] && exit 0
[ "$(id -u)" = 0 ] || { echo "as root: apt-get install$missing" >&2; exit 1; }
echo "installing:$missing${wants_exim:+ exim4-daemon-light}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# A package's service must not start: the tests run servers of their own.
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
# shellcheck disable=SC2086
[ -z "$missing" ] || apt-get install -y -qq --no-install-recommends $missing >/dev/null
[ -z "$wants_exim" ] || unpack_exim
