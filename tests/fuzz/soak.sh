#!/usr/bin/env bash
# Fuzzes every target for long, one after the other on each core, and says what of the code each reached.
#
#   tests/fuzz/soak.sh [HOURS] [TARGET...]     HOURS for all of it together (8); targets without "fuzz_", all when none is named
#
# Builds with clang in build-fuzz (the sanitizers) and build-coverage (what is reached). New inputs go to build-soak/NAME, what
# failed to build-soak/NAME.failed; tests/fuzz/corpus is not touched: take over what reaches more, reduced with -merge=1.
# build-soak/coverage.txt has a line a target: lines of server/ reached, of those in the files that it reaches at all.
# Exit 1 when anything failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
hours=${1:-8}
shift $(($# > 0))
out=$PWD/build-soak
cores=$(nproc)
suffix=$(clang --version | sed -nE 's/.*version ([0-9]+).*/-\1/p;q')
profdata=$(command -v "llvm-profdata$suffix" || command -v llvm-profdata)
cov=$(command -v "llvm-cov$suffix" || command -v llvm-cov)

names=("$@")
if [ ${#names[@]} = 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c); names+=("${name#fuzz_}")
    done
fi
programs=("${names[@]/#/fuzz_}")
cmake --preset fuzz >/dev/null && cmake --build build-fuzz --target "${programs[@]}"
CC=clang cmake -S . -B build-coverage -G Ninja -DCMAKE_BUILD_TYPE=Debug -DDIRRELAY_FUZZ=ON -DDIRRELAY_SANITIZE=fuzzer-no-link \
    -DCMAKE_C_FLAGS="-fprofile-instr-generate -fcoverage-mapping" >/dev/null && cmake --build build-coverage --target "${programs[@]}"

seconds=$(awk -v h="$hours" -v n="${#names[@]}" -v c="$cores" 'BEGIN { s = int(h * 3600 * c / n); print s < 1 ? 1 : s }')
mkdir -p "$out"
echo "${#names[@]} targets, $seconds s each, $cores at a time"

soak_one() {
    local name=$1 seconds=$2 out=$3
    mkdir -p "$out/$name" "$out/$name.failed" "tests/fuzz/corpus/$name"
    if build-fuzz/fuzz_"$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$out/$name.failed/" \
        "$out/$name" "tests/fuzz/corpus/$name" >"$out/$name.log" 2>&1; then
        echo "ok    $name: $(sed -nE 's/^(Done [0-9]+ runs).*/\1/p' "$out/$name.log")"
    else
        echo "FAIL  $name: $out/$name.log"
        return 1
    fi
}
export -f soak_one
failed=0
printf '%s\n' "${names[@]}" | xargs -P "$cores" -I{} bash -c 'soak_one "$@"' _ {} "$seconds" "$out" || failed=1

: >"$out/coverage.txt"
for name in "${names[@]}"; do
    LLVM_PROFILE_FILE="$out/$name.profraw" build-coverage/fuzz_"$name" -runs=0 "$out/$name" "tests/fuzz/corpus/$name" >/dev/null 2>&1 || true
    "$profdata" merge -sparse "$out/$name.profraw" -o "$out/$name.profdata"
    "$cov" export -summary-only -instr-profile="$out/$name.profdata" "build-coverage/fuzz_$name" |
        jq -r --arg name "$name" '[.data[0].files[] | select((.filename | test("/server/[a-z_]+/")) and .summary.lines.covered > 0)] | sort_by(-.summary.lines.covered)
            | "\($name): \(map(.summary.lines.covered) | add) of \(map(.summary.lines.count) | add) lines; most in "
              + (.[:3] | map("\(.filename | sub(".*/server/"; "")) \(.summary.lines.percent | floor)%") | join(", "))' >>"$out/coverage.txt"
    rm -f "$out/$name.profraw" "$out/$name.profdata"
done
cat "$out/coverage.txt"
exit $failed
