#!/usr/bin/env bash
# `sotto inspect`: a person's view, a machine's view, the identity beside a second implementation of
# its specification, and files that mean harm.
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

# expect_line FILE TEXT: a line of the file has the text in it.
expect_line() {
  grep -qF -- "$2" "$1" || fail "no '$2' in: $(head -c 2000 "$1")"
  checks=$((checks + 1))
}

# expect_exit CODE MESSAGE ARGUMENTS...: the exit code, and a part of what stands on standard error.
expect_exit() {
  local code=$1 message=$2 status=0
  shift 2
  "$sotto" inspect "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  [[ $status -eq $code ]] || fail "inspect $*: exit $status, not $code: $(cat "$work/stderr")"
  expect_line "$work/stderr" "$message"
}

# json EXPRESSION: of the report in $work/report, as Python sees it.
json() { python3 -c "import json, sys; r = json.load(open('$work/report')); print($1)"; }

# identity_agrees FILE: the program and the second implementation give the same digests.
identity_agrees() {
  "$sotto" inspect "$1" --json >"$work/report"
  PYTHONPATH=$source_dir/tools PYTHONDONTWRITEBYTECODE=1 python3 - "$work/report" "$1" <<'PYTHON' ||
import json, sys
import model_identity
report = json.load(open(sys.argv[1]))
expected = model_identity.identity(sys.argv[2:])
assert report["model_root"] == expected["model_root"], expected
assert [file["sha256"] for file in report["files"]] == expected["file_sha256"], expected
PYTHON
    fail "$1: the identity differs from the second implementation's"
  checks=$((checks + 1))
}

command -v python3 >/dev/null || fail "this test needs python3"

# What a person sees of the bundled model.
"$sotto" inspect demo --tensors >"$work/text"
expect_line "$work/text" 'general.architecture'
expect_line "$work/text" '"qwen2"'
expect_line "$work/text" 'token_embd.weight'
expect_line "$work/text" "file_sha256  $(sha256sum "$source_dir/models/demo.gguf" | cut -d' ' -f1)"
"$sotto" inspect demo --no-identity >"$work/text"
if grep -q 'sha256' "$work/text"; then fail "--no-identity shows digests"; fi

# The second implementation, on everything at hand.
identity_agrees "$source_dir/models/demo.gguf"
for name in good_v2 good_v3 metadata_every_type tensor_every_type alignment_512 nothing; do
  identity_agrees "$source_dir/fuzz/gguf/$name"
done
if [[ -d $oracle ]]; then
  models=0
  for model in "$oracle"/models/*.gguf "$oracle"/tokenizer/*.gguf; do
    [[ -e $model ]] || continue
    identity_agrees "$model"
    models=$((models + 1))
  done
  [[ $models -gt 0 ]] || fail "no models in $oracle"
else
  echo "SKIPPED: $oracle is not there, so its models were not compared"
fi

# The machine's view: long arrays are counted and cut, or whole when asked.
"$sotto" inspect "$source_dir/fuzz/gguf/tensor_every_type" --json >"$work/report"
[[ $(json "len(r['types']), r['total']['tensors'], len(r['tensors'])") == "24 24 24" ]] ||
  fail "not 24 tensor types"
"$sotto" inspect demo --json >"$work/report"
tokens="[e for e in r['metadata'] if e['key'] == 'tokenizer.ggml.tokens'][0]"
[[ $(json "$tokens['item_count'] > len($tokens['items']) == 8") == True ]] || fail "array not cut"
"$sotto" inspect demo --json --full >"$work/report"
[[ $(json "$tokens['item_count'] == len($tokens['items'])") == True ]] || fail "array not whole"
checks=$((checks + 3))

# Text in a file must not drive the terminal.
python3 - "$work/hostile.gguf" <<'PYTHON'
import struct, sys
text = lambda s: struct.pack("<Q", len(s)) + s
evil = b"\x1b]0;owned\x07\x9b31m\r\x00\xff\xe2\x80\xae" + "\u009b".encode() + b"\nGGUF version 9"
file = b"GGUF" + struct.pack("<IQQ", 3, 0, 2)
file += text(b"general.name") + struct.pack("<I", 8) + text(evil)
file += text(b"list") + struct.pack("<IIQ", 9, 8, 1) + text(evil)
open(sys.argv[1], "wb").write(file)
PYTHON
"$sotto" inspect "$work/hostile.gguf" --full >"$work/text"
python3 - "$work/text" <<'PYTHON' || fail "control characters on the terminal"
import sys
text = open(sys.argv[1], "rb").read().decode()
assert all(c == "\n" or (c >= " " and not "\x7f" <= c <= "\x9f" and c != "\u202e") for c in text)
assert not any(line.startswith("GGUF version 9") for line in text.splitlines())
PYTHON
expect_line "$work/text" '\u{1b}]0;owned\u{7}\x9b31m'
"$sotto" inspect "$work/hostile.gguf" --json >"$work/report"
json "r['metadata'][0]['value']" >/dev/null

# Errors say what is wrong, where, and exit as documented.
expect_exit 3 'big-endian' "$source_dir/fuzz/gguf/big_endian"
expect_exit 3 'GGUF version 1' "$source_dir/fuzz/gguf/version_1"
expect_exit 3 'overlaps' "$source_dir/fuzz/gguf/tensors_overlap"
expect_exit 3 'end beyond the file' "$source_dir/fuzz/gguf/truncated_data"
expect_exit 3 'cannot be opened' "$work/absent/x.gguf"
expect_exit 2 'FILE'

# Evidence, certificates, logs and bundles, known by their content.
for kind in azure-hcl-report nitro-document nvidia-gpu-report sgx-quote snp-report tdx-quote tpm-quote ita-token; do
  good=$(find "$source_dir/testdata/attest/$kind" -maxdepth 1 -name 'good*' | sort | head -1)
  "$sotto" inspect "$good/evidence.bin" --json >"$work/shown"
  wanted=$kind
  [ "$kind" != ita-token ] || wanted=token
  grep -q "^{\"kind\":\"$wanted\",\"verified\":false," "$work/shown" ||
    { echo "FAILED: $kind is shown as $(head -c 200 "$work/shown")"; exit 1; }
  "$sotto" inspect "$good/evidence.bin" --kind "$kind" >"$work/shown"
  grep -q 'nothing of this is verified' "$work/shown" || { echo "FAILED: $kind: verified or not?"; exit 1; }
  head -c 300 "$good/evidence.bin" >"$work/cut"
  if "$sotto" inspect "$work/cut" --kind "$kind" >/dev/null 2>&1; then echo "FAILED: half of $kind"; exit 1; fi
  checks=$((checks + 3))
done
"$sotto" attest --tee simulated --out "$work/bundle.json" 2>/dev/null
"$sotto" inspect "$work/bundle.json" >"$work/shown"
grep -q 'simulated-quote' "$work/shown" && grep -q 'sotto: configuration_sha256=' "$work/shown" &&
  grep -q 'tcb_info.json' "$work/shown" || { echo "FAILED: a bundle: $(head -40 "$work/shown")"; exit 1; }
"$sotto" inspect "$source_dir/testdata/attest/tdx-quote/root.pem" | grep -q 'CN=Sotto Test Root' ||
  { echo "FAILED: a certificate"; exit 1; }

echo "$checks checks passed"
