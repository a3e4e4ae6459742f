#!/usr/bin/env bash
# A running relay in one command: on a fresh Debian 12 machine, as root, from the checkout.
#
#   ./quickstart.sh           installs, builds, starts everything, shows the check, stays until Ctrl-C
#   ./quickstart.sh --once    ends after the check: exit 0 when every reply was the promised one, else 1
#
# Everything listens on 127.0.0.1 alone and lives in a temporary directory that goes away at the end.
# DIRRELAY_QUICKSTART_PORT=2525 and DIRRELAY_QUICKSTART_LDAP_PORT=3890 are the ports; a taken one is replaced.
set -euo pipefail
cd "$(dirname "$0")"

tests/packages.sh run
echo "building into build/ ..."
mkdir -p build
{ cmake --preset release && cmake --build build --target dirrelayd dirrelay; } >build/quickstart.log 2>&1 ||
    { tail -n 40 build/quickstart.log; exit 1; }
DIRRELAY_BUILD=$PWD/build PYTHONPATH=tests exec /usr/bin/python3 tests/quickstart.py "$@"
