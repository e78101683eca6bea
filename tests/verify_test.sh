#!/usr/bin/env bash
# `sotto verify` gives every synthetic piece of evidence in testdata/attest/ its verdict, reason and exit code.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
root=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

fail() {
  printf 'FAILED: %s\n' "$*"
  failures=$((failures + 1))
}

# field NAME: that member of the JSON object on standard input; of "error", its kind.
field() {
  python3 -c 'import json, sys
value = json.load(sys.stdin)[sys.argv[1]]
print(value["kind"] if isinstance(value, dict) else value)' "$1"
}

# What the cases of these kinds were asked with.
declare -A nonces=([tpm-quote]=$(printf '5a%.0s' {1..32}) [azure-hcl-report]=$(printf '5a%.0s' {1..32})
  [azure-imds-document]=$(printf 20220415-052000 | od -An -tx1 | tr -d ' \n'))

# check_case KIND NAME TIME VERDICT
check_case() {
  local folder="$root/testdata/attest/$1" code=0 said nonce=()
  [ -z "${nonces[$1]:-}" ] || nonce=(--nonce "${nonces[$1]}")
  "$sotto" verify "$folder/$2/evidence.bin" --offline --kind "$1" --collateral "$folder/$2" --at "$3" \
    --root "$folder/root.pem" --json "${nonce[@]}" >"$scratch/out" 2>"$scratch/err" || code=$?
  if [ "$4" = verified ]; then
    said=$(field verdict <"$scratch/out")
    [ "$code $said" = "0 verified" ] || fail "$1/$2: exit $code, $said; expected verified"
  else
    said=$(field error <"$scratch/out")
    [ "$code $said" = "1 $4" ] || fail "$1/$2: exit $code, $said; expected 1, $4"
  fi
}

for list in "$root"/testdata/attest/*/cases.txt; do
  kind=$(basename "$(dirname "$list")")
  # The cases of tokens are asked with issuers and keys that the command does not take; unit tests do.
  case $kind in *-token) continue ;; esac
  count=0
  while read -r name time verdict _; do
    check_case "$kind" "$name" "$time" "$verdict"
    count=$((count + 1))
  done <"$list"
  [ "$count" -gt 5 ] || fail "$kind: only $count cases"
  printf '%-20s %3d cases\n' "$kind" "$count"
done

# What a person sees, and what is wrong usage.
good="$root/testdata/attest/tdx-quote/good"
at=$(awk '$1 == "good" { print $2 }' "$root/testdata/attest/tdx-quote/cases.txt")
verify() { "$sotto" verify "$good/evidence.bin" --offline --kind tdx-quote --at "$at" "$@" 2>&1; }
given=(--collateral "$good" --root "$root/testdata/attest/tdx-quote/root.pem")
out=$(verify "${given[@]}") || fail "a good quote: exit $?"
grep -q '^VERIFIED' <<<"$out" || fail "a good quote: no VERIFIED"
grep -q 'root was replaced' <<<"$out" || fail "a replaced root: not said"
grep -q 'pins no measurement' <<<"$out" || fail "no measurement: not said"
out=$(verify --collateral "$good") && fail "a test root: accepted without --root"
grep -q '^REJECTED untrusted-root' <<<"$out" || fail "a test root: not called untrusted"

printf 'version = 1\n[intel-tdx]\ntcb_statuses = ["UpToDate"]\nmeasurements = { mrtd = "%s" }\n' \
  "$(printf '4d%.0s' {1..48})" >"$scratch/pinned.toml"
verify "${given[@]}" --policy "$scratch/pinned.toml" >/dev/null || fail "the pinned MRTD: refused"
sed 's/4d/4e/g' "$scratch/pinned.toml" >"$scratch/other.toml"
out=$(verify "${given[@]}" --policy "$scratch/other.toml") && fail "another MRTD: accepted"
grep -q '^REJECTED measurement-mismatch' <<<"$out" || fail "another MRTD: not called a mismatch"
verify "${given[@]}" --nonce "$(printf 'd7%.0s' {1..64})" >/dev/null || fail "the nonce: refused"
verify "${given[@]}" --nonce d7 >/dev/null && fail "another nonce: accepted"
verify "${given[@]}" --ear | grep -q '"ear.status":"affirming"' || fail "--ear: not affirming"

code=0; verify --kind nonsense >/dev/null || code=$?
[ "$code" = 2 ] || fail "an unknown kind: exit $code"
code=0; verify "${given[@]}" --policy "$scratch/none.toml" >/dev/null || code=$?
[ "$code" = 3 ] || fail "no policy there: exit $code"
code=0; verify "${given[@]}" --at yesterday >/dev/null || code=$?
[ "$code" -ge 2 ] || fail "no time: exit $code"

[ "$failures" = 0 ] || { printf '%d failures\n' "$failures"; exit 1; }
