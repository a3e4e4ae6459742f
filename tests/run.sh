#!/usr/bin/env bash
# Installs what is needed, builds, runs every test. The one command of a fresh Debian 12 machine, run as root.
#
#   tests/run.sh             everything
#   tests/run.sh quick       without the fuzzers, TSan, the second compiler and the compose files
#   tests/run.sh unit        the unit tests under ASan and UBSan alone
#
# Ends with "N passed, N failed"; exit 1 when anything failed. FUZZ_SECONDS (30) is the time of each fuzz target, FUZZ_SEED (1)
# makes a run repeatable; 0 takes another path each time.
set -uo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
FUZZ_SECONDS=${FUZZ_SECONDS:-30}
FUZZ_SEED=${FUZZ_SEED:-1}
LOGS=$(mktemp -d "${TMPDIR:-/tmp}/dirrelay-run.XXXXXX")
trap 'rm -rf "$LOGS"' EXIT
passed=0 failed=0

# check NAME COMMAND...: one test; its output is shown when it fails.
check() {
    local name=$1 start=$SECONDS; shift
    if "$@" >"$LOGS/check.log" 2>&1; then
        passed=$((passed + 1)); echo "ok    $name ($((SECONDS - start)) s)"
    else
        failed=$((failed + 1)); echo "FAIL  $name ($((SECONDS - start)) s)"; tail -n 60 "$LOGS/check.log"
    fi
}

build_release() { cmake --preset release -DDIRRELAY_BENCH=ON && cmake --build build; }
build_preset() { cmake --preset "$1" && cmake --build "build-$1"; }
build_clang() {
    CC=clang cmake -S . -B build-clang -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDIRRELAY_TESTS=ON && cmake --build build-clang
}

# unit PRESET [PATTERN]: every unit test is one test. TSan would take a minute for each of the large ones, which have one thread.
unit() {
    local preset=$1 pattern=${2:-.}
    ctest --test-dir "build-$preset" -R "$pattern" -E "$([ "$preset" = tsan ] && echo 'test_load_size|auth/test_(groups|token_cache)' || echo '^$')" --output-on-failure -j2 >"$LOGS/ctest.log" 2>&1
    cat "$LOGS/ctest.log" >>"$LOGS/results"
    local total bad
    total=$(sed -nE 's/.*tests failed out of ([0-9]+).*/\1/p' "$LOGS/ctest.log")
    bad=$(sed -nE 's/.*, ([0-9]+) tests? failed out of.*/\1/p' "$LOGS/ctest.log")
    passed=$((passed + ${total:-0} - ${bad:-0})) failed=$((failed + ${bad:-1}))
    echo "unit tests ($preset): ${total:-0}, failed ${bad:-all}"
    [ "${bad:-1}" = 0 ] || tail -n 80 "$LOGS/ctest.log"
}

# Two at a time: the machine has two cores.
fuzz() {
    local target name
    mkdir -p "$LOGS/fuzz"
    for target in build-fuzz/fuzz_*; do
        [ -x "$target" ] && [ -f "$target" ] || continue
        name=$(basename "$target"); name=${name#fuzz_}
        echo "$name"
    done | xargs -P2 -I{} sh -c 'mkdir -p "$1/fuzz/{}" tests/fuzz/corpus/{}; build-fuzz/fuzz_{} -max_total_time="$2" -seed="$3" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$1/fuzz/{}/" "$1/fuzz/{}" tests/fuzz/corpus/{} >"$1/fuzz/{}.log" 2>&1; echo "{} $?" >>"$1/fuzz.done"' sh "$LOGS" "$FUZZ_SECONDS" "$FUZZ_SEED"
    while read -r name code; do
        check "fuzz $name: $(sed -nE 's/^(Done [0-9]+ runs).*/\1/p' "$LOGS/fuzz/$name.log")" sh -c "[ $code = 0 ] || { tail -n 40 '$LOGS/fuzz/$name.log'; false; }"
    done <"$LOGS/fuzz.done"
}

# python_tests FILE...: two files at a time, since most of their time is waiting; every test method counts.
python_tests() {
    local file code seconds log ran bad
    mkdir -p "$LOGS/python"
    printf '%s\n' "$@" | xargs -P2 -I{} sh -c 'log=$1/python/$(echo {} | tr / _).log start=$(date +%s)
        DIRRELAY_BUILD=$2 PYTHONPATH=tests timeout 1500 /usr/bin/python3 -m unittest -v {} >"$log" 2>&1
        echo "{} $? $(($(date +%s) - start))" >>"$1/python.done"' sh "$LOGS" "${DIRRELAY_BUILD:-$PWD/build-asan}"
    while read -r file code seconds; do
        log=$LOGS/python/${file//\//_}.log
        { echo "file: $file"; cat "$log"; } >>"$LOGS/results"
        ran=$(sed -nE 's/^Ran ([0-9]+) tests?.*/\1/p' "$log")
        bad=$(grep -cE '^(FAIL|ERROR): ' "$log")
        [ "$code" != 0 ] && [ "$bad" = 0 ] && bad=1
        passed=$((passed + ${ran:-0} - (bad > ${ran:-0} ? ${ran:-0} : bad))) failed=$((failed + bad))
        echo "$([ "$bad" = 0 ] && echo ok || echo FAIL)    $file: ${ran:-0} tests ($seconds s)"
        [ "$bad" = 0 ] || tail -n 100 "$log"
    done <"$LOGS/python.done"
    rm "$LOGS/python.done"
}

check "packages" tests/packages.sh test
check "build asan" build_preset asan
unit asan
if [ "$mode" != unit ]; then
    check "edges" /usr/bin/python3 tests/tools/check_edges.py
    check "format" tests/tools/check_format.sh
    check "generated documents are current" tests/tools/generate_docs.sh --check
    check "build release" build_release
    check "instructions of the hot paths" tests/bench/hot_paths.py build
    python_tests tests/integration/test_*.py tests/e2e/test_*.py
fi
if [ "$mode" != unit ]; then
    check "every row of the attack matrix is proven" sh -c '/usr/bin/python3 tests/tools/check_matrix.py "$1" >build-asan/matrix.md' sh "$LOGS/results"
    echo "build-asan/matrix.md: row, tests, result"
fi
if [ "$mode" = all ]; then
    check "compose files on a Docker Engine" tests/e2e/compose.sh
    grep '^skipped: ' "$LOGS/check.log" || true
    check "build with clang" build_clang
    check "build tsan" build_preset tsan
    TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp halt_on_error=1" unit tsan '^(loop|base|queue|smtp_server|delivery|source|directory|auth)/'
    python_tests tests/e2e/test_threads.py tests/e2e/test_login_threads.py # skipped above where tsan was not built yet
    check "build fuzz" build_preset fuzz
    fuzz
fi

echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
