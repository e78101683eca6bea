#!/usr/bin/env bash
# `sotto tokenize`: every form of input and output, refusals, and every case of the oracle through
# the real program.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
oracle=${SOTTO_ORACLE_DIR:-$source_dir/../shared/oracle}/tokenizer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
checks=0

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# same WHAT ACTUAL EXPECTED
same() {
  [[ $2 == "$3" ]] || fail "$1: '$2' is not '$3'"
  checks=$((checks + 1))
}

# expect_exit CODE MESSAGE ARGUMENTS...: the exit code, and a part of what stands on standard error.
expect_exit() {
  local code=$1 message=$2 status=0
  shift 2
  "$sotto" tokenize "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || status=$?
  [[ $status -eq $code ]] || fail "tokenize $*: exit $status, not $code: $(cat "$work/stderr")"
  grep -qF -- "$message" "$work/stderr" ||
    fail "tokenize $*: no '$message' in $(cat "$work/stderr")"
  checks=$((checks + 1))
}

command -v python3 >/dev/null || fail "this test needs python3"

# The same ids from an argument, from standard input, as JSON and as lines; and the text back.
text=$'It\'s 12345 — naïve 日本語 \U1F600\n\n  "end"'
printf '%s' "$text" >"$work/text"
ids=$("$sotto" tokenize demo "$text")
[[ $ids =~ ^[0-9]+(\ [0-9]+)+$ ]] || fail "not ids: $ids"
same "standard input" "$("$sotto" tokenize demo <"$work/text")" "$ids"
same "--json" "$("$sotto" tokenize demo "$text" --json)" "{\"ids\":[${ids// /,}]}"
python3 -c 'import json, sys; print(json.dumps({"text": sys.stdin.read()}))' \
  <"$work/text" >"$work/line"
same "--jsonl" "$("$sotto" tokenize demo --jsonl <"$work/line")" "{\"ids\":[${ids// /,}]}"
same "--pieces" "$("$sotto" tokenize demo "$text" --pieces | awk '{print $1}' | xargs)" "$ids"
"$sotto" tokenize demo --decode "$ids" >"$work/back"
cmp "$work/text" "$work/back" || fail "decoding does not give the text back"
"$sotto" tokenize demo --decode "[${ids// /, }]" | cmp - "$work/text" || fail "ids in brackets"
"$sotto" tokenize demo --jsonl <"$work/line" | "$sotto" tokenize demo --jsonl --decode |
  python3 -c 'import json, sys; sys.stdout.write(json.loads(sys.stdin.read())["text"])' |
  cmp - "$work/text" || fail "lines do not give the text back"
same "no text" "$("$sotto" tokenize demo --json "")" '{"ids":[]}'
checks=$((checks + 4))

# Markers are recognised only when asked for, and shown only when asked for.
plain=$("$sotto" tokenize demo "<|im_end|>" | wc -w)
marker=$("$sotto" tokenize demo "<|im_end|>" --special)
[[ $plain -gt 1 ]] || fail "untrusted text spelled a marker"
[[ $marker =~ ^[0-9]+$ ]] || fail "no marker in '$marker'"
"$sotto" tokenize demo "<|im_end|>" --special --pieces | grep -q 'marker$' || fail "no marker shown"
same "a marker decoded" "$("$sotto" tokenize demo --decode "$marker")" ""
same "a marker shown" "$("$sotto" tokenize demo --decode --special "$marker")" "<|im_end|>"
checks=$((checks + 3))

# A bad line is answered in its place; those after it still are, and the exit code tells.
printf '%s\n' '{"text":"a"}' 'nonsense' '{"text":7}' '[]' '{"text":"\ud800"}' '{"text":"a"}' \
  >"$work/lines"
status=0
"$sotto" tokenize demo --jsonl <"$work/lines" >"$work/answers" 2>"$work/stderr" || status=$?
same "exit code after bad lines" "$status" 3
same "answers" "$(sed -E 's/^\{"(ids|error)":.*/\1/' "$work/answers" | xargs)" \
  "ids error error error error ids"
grep -qF "4 of 6 lines" "$work/stderr" || fail "no count of bad lines"
printf '%s\n' '{"ids":[99999999]}' '{"ids":["x"]}' '{"ids":[1.5]}' '{}' >"$work/lines"
"$sotto" tokenize demo --jsonl --decode <"$work/lines" >"$work/answers" 2>/dev/null || status=$?
same "answers" "$(sed -E 's/^\{"(text|error)":.*/\1/' "$work/answers" | xargs)" \
  "error error error error"

# Refusals.
expect_exit 3 "not in the vocabulary" demo --decode 99999999
expect_exit 3 "number 2 of the ids" demo --decode "1 x"
expect_exit 3 "nowhere" "$work/nowhere.gguf" "text"
expect_exit 2 "" demo "text" --jsonl
expect_exit 2 "" demo --pieces --decode 1
expect_exit 2 ""

# Every case of the oracle.
if [[ ! -d $oracle ]]; then
  echo "SKIPPED: no oracle at $oracle"
else
  vocabularies=0
  for vocabulary in "$oracle"/*.gguf; do
    [[ -e $vocabulary ]] || fail "no vocabularies in $oracle"
    cases=${vocabulary%.gguf}.jsonl
    "$sotto" tokenize "$vocabulary" --jsonl <"$cases" >"$work/plain"
    "$sotto" tokenize "$vocabulary" --jsonl --special <"$cases" >"$work/special"
    "$sotto" tokenize "$vocabulary" --jsonl --decode <"$cases" >"$work/texts"
    python3 - "$cases" "$work/plain" "$work/special" "$work/texts" <<'PYTHON' ||
import json, sys
cases, plain, special, texts = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
assert len(cases) > 0 and len(cases) == len(plain) == len(special) == len(texts)
for case, a, b, c in zip(cases, plain, special, texts):
    assert a["ids"] == case["ids"] and b["ids"] == case["ids_special"], case
    assert c["text"] == case["text"], case
PYTHON
      fail "$vocabulary differs from the oracle"
    vocabularies=$((vocabularies + 1))
    checks=$((checks + 1))
  done
  [[ $vocabularies -gt 0 ]] || fail "no vocabularies in $oracle"
fi

echo "$checks checks passed"
