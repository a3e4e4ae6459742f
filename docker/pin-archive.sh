#!/bin/sh
# pin-archive.sh DAY: this image's apt asks Debian's archive as it stood on that day (20260101T000000Z). Empty: as it is.
set -eu
day=$1
[ -n "$day" ] || exit 0
. /etc/os-release
archive=http://snapshot.debian.org/archive
rm -f /etc/apt/sources.list.d/debian.sources
for suite in "debian/$day $VERSION_CODENAME" "debian/$day $VERSION_CODENAME-updates" "debian-security/$day $VERSION_CODENAME-security"; do
    echo "deb [check-valid-until=no] $archive/$suite main"
done >/etc/apt/sources.list
