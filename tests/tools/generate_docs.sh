#!/usr/bin/env bash
# Writes the generated documents; with --check fails when one is not current.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${DIRRELAY_BUILD:-build-asan}
target=docs
if [ "${1:-}" = --check ]; then
    target=$(mktemp -d); trap 'rm -rf "$target"' EXIT
fi
/usr/bin/python3 tests/tools/make_specification_doc.py >"$target/specification.md"
/usr/bin/python3 tests/tools/make_attributes_doc.py "$build" >"$target/attributes.md"
if [ "${1:-}" = --check ]; then
    for name in specification.md attributes.md; do
        diff -u "docs/$name" "$target/$name" || { echo "docs/$name is not current: run tests/tools/generate_docs.sh"; exit 1; }
    done
fi
