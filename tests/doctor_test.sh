#!/usr/bin/env bash
# `sotto doctor` on machines that are played: what it looks for, what it finds, and what it says to do.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() { echo "FAILED: $1"; cat "$folder/out"; exit 1; }
see() { "$sotto" doctor --root "$folder/$1" >"$folder/out" || fail "$1: exit code $?"; }

mkdir -p "$folder/none"
see none
grep -q 'missing *TEE .*no sign of a TEE' "$folder/out" && grep -q -- '--tee simulated' "$folder/out" || fail "a machine without a TEE"
for what in kernel 'instruction set' memory 'core dumps' 'Nitro Security Module' configfs-tsm 'TDX guest device' 'SEV guest device' TPM; do
  grep -q "$what" "$folder/out" || fail "it does not speak of $what"
done

mkdir -p "$folder/tdx/dev" "$folder/tdx/proc" "$folder/tdx/sys/kernel/config/tsm/report" \
  "$folder/tdx/sys/devices/virtual/misc/tdx_guest/measurements"
: >"$folder/tdx/dev/tdx_guest"
echo 'flags : fpu tdx_guest' >"$folder/tdx/proc/cpuinfo"
head -c 48 /dev/zero >"$folder/tdx/sys/devices/virtual/misc/tdx_guest/measurements/rtmr3:sha384"
see tdx
grep -q 'ok *TEE .*Intel TDX' "$folder/out" || fail "a TD"
grep -q 'ok *run-time register' "$folder/out" || fail "a TD's RTMR3"
rm "$folder/tdx/sys/devices/virtual/misc/tdx_guest/measurements/rtmr3:sha384"
see tdx
grep -q 'note *run-time register' "$folder/out" && grep -q '6.16' "$folder/out" || fail "a TD on an older kernel"

mkdir -p "$folder/snp/dev"
: >"$folder/snp/dev/sev-guest"
see snp
grep -q 'ok *TEE .*AMD SEV-SNP' "$folder/out" || fail "an SNP guest"
mkdir -p "$folder/nitro/dev"
: >"$folder/nitro/dev/nsm"
see nitro
grep -q 'ok *TEE .*Nitro' "$folder/out" || fail "an enclave"

"$sotto" doctor --root "$folder/tdx" --json >"$folder/out"
python3 - "$folder/out" <<'PY'
import json, sys
findings = {one["what"]: one for one in json.load(open(sys.argv[1]))}
assert findings["TEE"]["grade"] == "ok" and "Intel TDX" in findings["TEE"]["found"], findings["TEE"]
PY
echo "doctor: all passed"
