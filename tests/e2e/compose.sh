#!/usr/bin/env bash
# The compose files of docker/ on a real Docker Engine, each started unchanged: tests/compose/test_*.py. As root.
#
#   tests/e2e/compose.sh [TEST.py…]
#
# Installs docker.io, starts a daemon of its own (tests/lib/engine.sh), builds the images and removes all but the cache in
# /var/tmp/dirrelay-compose, which spares the next run the packages. Skipped only where the kernel lets no daemon start.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/lib/engine.sh

[ "$(id -u)" != 0 ] || engine_install
# Ends with what the tests said, not with what the cleaning up says.
trap 'code=$?; engine_stop; exit $code' EXIT
if ! engine_start "${DIRRELAY_COMPOSE_CACHE:-/var/tmp/dirrelay-compose}"; then
    trap - EXIT
    echo "skipped: no Docker Engine can run here: $ENGINE_WHY"
    exit 0
fi
engine_compose
engine_base debian:bookworm-slim bookworm
# compose.existing-directory.yaml has no image of its own.
for file in docker/compose.yaml docker/compose.scale.yaml docker/compose.edge.yaml; do
    [ ! -e "$file" ] || docker compose -f "$file" build -q
done
[ $# -gt 0 ] || set -- tests/compose/test_*.py
PYTHONPATH=tests /usr/bin/python3 -m unittest -v "$@"
