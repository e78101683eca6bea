#!/usr/bin/env bash
# Builds Sotto with both compilers and runs every test, or only the steps that are named.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

usage() {
  cat <<'USAGE'
./test.sh            everything, in this order:
  check     the rules of the house: layers, format, sizes, documents (tools/check)
  release   clang-19: unit, oracle and command-line tests, fuzz replay, benches run tiny
  kernels   the objects of the kernels: no weak symbols, nothing that runs before main
  gcc       g++ 12: the same tests
  debug     AddressSanitizer and UndefinedBehaviorSanitizer: unit tests and fuzz replay
  tsan      ThreadSanitizer: the tests of what has threads
  fuzz      each libFuzzer harness for a few seconds, from its corpus
./test.sh --quick    check, release and kernels
./test.sh STEP...    only these

Tests against reference outputs need the folder SOTTO_ORACLE_DIR (default ../shared/oracle) and are
skipped, and counted as skipped, where it is absent. Missing Debian packages are installed.
USAGE
}

root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
cd "$root"
oracle=$(realpath -m "${SOTTO_ORACLE_DIR:-$root/../shared/oracle}")
fuzz_seconds=${SOTTO_FUZZ_SECONDS:-5}
tally=$root/build/tally
passed=0 failed=0 skipped=0
failed_steps=()

# build PRESET TARGETS...: configures and builds in build/PRESET.
build() {
  local preset=$1
  shift
  cmake --preset "$preset" -DSOTTO_TESTS=ON -DSOTTO_ORACLE_DIR="$oracle" --log-level=WARNING
  ninja -C "build/$preset" "$@"
}

# run_ctest PRESET ARGUMENTS...: runs ctest there and writes the counts of its tests to $tally.
run_ctest() {
  local folder=build/$1 results=$root/build/$1/results status=0
  shift
  rm -rf "$results"
  mkdir -p "$results"
  GTEST_OUTPUT="xml:$results/gtest/" ctest --test-dir "$folder" --no-tests=error \
    --output-on-failure --test-output-size-passed 1000000 \
    --output-junit "$results/ctest.xml" "$@" || status=$?
  tools/count_tests.py "$folder" >"$tally"
  return $status
}

step_check() {
  tools/check
}

step_release() {
  build release all
  run_ctest release
}

step_kernels() {
  tools/check --build build/release
}

step_gcc() {
  build gcc all
  run_ctest gcc
}

step_debug() {
  build debug unit_tests fuzzers
  run_ctest debug -L '^unit$|^fuzz$' -E '^(canary|empty)_'
}

step_tsan() {
  local counts status=0
  build tsan base_test gguf_test model_test engine_test serve_test
  run_ctest tsan -R '^(base|gguf|engine|serve)_test$' || status=$?
  counts=$(cat "$tally")
  # Of the models' tests those that have threads in them: the others take minutes here.
  GTEST_FILTER='Multiply.*:Decoding.*:Split.*' run_ctest tsan -R '^model_test$' || status=$?
  counts="$counts $(cat "$tally")"
  awk '{ print $1 + $4, $2 + $5, $3 + $6 }' <<<"$counts" >"$tally"
  return $status
}

step_fuzz() {
  local harness name corpus status=0 good=0 bad=0
  build fuzz fuzzers canary_fuzz
  mkdir -p build/fuzz/crashes
  # First the proof that a bug would be found.
  if build/fuzz/fuzz/canary_fuzz -max_total_time=60 -artifact_prefix=build/fuzz/crashes/canary- \
    >/dev/null 2>&1; then
    echo "the planted bug of fuzz/canary_fuzz.cc was not found"
    return 1
  fi
  good=1
  for harness in build/fuzz/fuzzers/*_fuzz; do
    name=$(basename "$harness" _fuzz)
    corpus=$(mktemp -d)
    cp -r "fuzz/$name/." "$corpus"
    printf '%s: ' "$name"
    if "$harness" -max_total_time="$fuzz_seconds" -timeout=20 -rss_limit_mb=2048 \
      -artifact_prefix="build/fuzz/crashes/$name-" "$corpus" >"build/fuzz/$name.log" 2>&1; then
      grep -E '^Done [0-9]+ runs' "build/fuzz/$name.log"
      good=$((good + 1))
    else
      echo "failed; what broke it lies in build/fuzz/crashes/"
      tail -n 40 "build/fuzz/$name.log"
      bad=$((bad + 1)) status=1
    fi
    rm -rf "$corpus"
  done
  echo "$good $bad 0" >"$tally"
  return $status
}

# Runs one step; whatever happens in it, the next ones run too and the total is honest.
run_step() {
  local name=$1 start=$SECONDS status step_passed step_failed step_skipped
  printf '\n==== %s ====\n' "$name"
  rm -f "$tally"
  set +e
  (set -e; "step_$name")
  status=$?
  set -e
  # A step without counts of its own (tools/check, or a build that failed) counts as one.
  if [ ! -f "$tally" ]; then
    if [ $status -eq 0 ]; then echo '1 0 0' >"$tally"; else echo '0 1 0' >"$tally"; fi
  fi
  read -r step_passed step_failed step_skipped <"$tally"
  if [ $status -ne 0 ] && [ "$step_failed" -eq 0 ]; then step_failed=1; fi
  passed=$((passed + step_passed))
  failed=$((failed + step_failed))
  skipped=$((skipped + step_skipped))
  [ $status -eq 0 ] || failed_steps+=("$name")
  printf -- '---- %s: %d passed, %d failed, %d skipped, %d s\n' \
    "$name" "$step_passed" "$step_failed" "$step_skipped" $((SECONDS - start))
}

say_oracle() {
  if [ -d "$oracle" ]; then
    echo "Reference outputs: $oracle"
  else
    echo "NO REFERENCE OUTPUTS at $oracle: the tests that compare with them are SKIPPED"
  fi
}

steps=(check release kernels gcc debug tsan fuzz)
case ${1:-} in
  -h | --help) usage; exit 0 ;;
  --quick) steps=(check release kernels) ;;
  '') ;;
  *) steps=("$@") ;;
esac
for step in "${steps[@]}"; do
  declare -F "step_$step" >/dev/null || { usage >&2; exit 2; }
done

tools/install-packages build test
mkdir -p build
say_oracle
for step in "${steps[@]}"; do run_step "$step"; done

printf '\n'
say_oracle
[ "$skipped" -eq 0 ] || echo "$skipped tests were skipped; they are named above"
[ ${#failed_steps[@]} -eq 0 ] || echo "Failed steps: ${failed_steps[*]}"
echo "$SECONDS seconds"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ ${#failed_steps[@]} -eq 0 ]
