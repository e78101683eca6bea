#!/usr/bin/env bash
# `sotto logits`: the same bits however the work is cut, and close to the reference where it is there.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
oracle=${SOTTO_ORACLE_DIR:-$source_dir/../shared/oracle}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# expect_exit CODE MESSAGE ARGUMENTS...: the exit code, and a part of what stands on standard error.
expect_exit() {
  local code=$1 message=$2 status=0
  shift 2
  "$sotto" logits "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  [[ $status -eq $code ]] || fail "logits $*: exit $status, not $code: $(cat "$work/stderr")"
  [[ -z $message ]] || grep -qF -- "$message" "$work/stderr" ||
    fail "logits $*: no '$message' in $(cat "$work/stderr")"
  checks=$((checks + 1))
}

# The bundled model, whole and in chunks, alone and on two threads.
ids=$(seq -s, 1 100)
"$sotto" logits demo --ids "$ids" --out "$work/whole" --chunk 512 --threads 1
[[ -s $work/whole ]] || fail "no logits"
[[ $(($(stat -c %s "$work/whole") % (100 * 4))) -eq 0 ]] || fail "not 100 rows of floats"
for chunk in 1 7 64; do
  for threads in 1 2; do
    "$sotto" logits demo --ids "$ids" --out "$work/part" --chunk $chunk --threads $threads
    cmp "$work/whole" "$work/part" || fail "chunks of $chunk on $threads threads differ"
    checks=$((checks + 1))
  done
done
"$sotto" logits demo --ids "$ids" --out "$work/q8" --kv q8_0
[[ $(stat -c %s "$work/q8") -eq $(stat -c %s "$work/whole") ]] || fail "--kv q8_0: another size"
! cmp -s "$work/whole" "$work/q8" || fail "--kv q8_0 changed nothing"

expect_exit 0 '' demo --ids 1 --out "$work/one"
expect_exit 2 '--out' demo --ids 1,2
expect_exit 2 '--ids' demo --ids 1,x --out "$work/never"
expect_exit 2 '--chunk' demo --ids 1 --chunk 0 --out "$work/never"
expect_exit 3 '' demo --ids 1,2000000000 --out "$work/never"
expect_exit 3 '' demo --ids=-1 --out "$work/never"
expect_exit 3 'no/such.gguf' no/such.gguf --ids 1 --out "$work/never"
expect_exit 3 'no/folder' demo --ids 1 --out "$work/no/folder"
[[ ! -e $work/never ]] || fail "a failed run left a file"
[[ -z $(find "$work" -name '*.partial') ]] || fail "a partial file was left"

if [[ ! -d $oracle/models ]]; then
  echo "SKIPPED: no reference logits at $oracle/models; $checks other checks passed"
  exit 0
fi
python3 "$source_dir/tests/compare_logits.py" "$sotto" "$oracle/models" "$work"
echo "$checks checks passed besides the reference"
