#!/usr/bin/env bash
# `sotto render`: templates from files and models, lines and single inputs, refusals, and every case
# of the oracle through the real program.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
oracle=${SOTTO_ORACLE_DIR:-$source_dir/../shared/oracle}/templates
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

# expect_exit CODE MESSAGE INPUT ARGUMENTS...: the exit code, and a part of standard error.
expect_exit() {
  local code=$1 message=$2 input=$3 status=0
  shift 3
  "$sotto" render "$@" >"$work/stdout" 2>"$work/stderr" <<<"$input" || status=$?
  [[ $status -eq $code ]] || fail "render $*: exit $status, not $code: $(cat "$work/stderr")"
  grep -qF -- "$message" "$work/stderr" ||
    fail "render $*: no '$message' in $(cat "$work/stderr")"
  checks=$((checks + 1))
}

command -v python3 >/dev/null || fail "this test needs python3"

cat >"$work/chat.jinja" <<'TEMPLATE'
{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{{ eos_token }}{% endfor %}
{%- if add_generation_prompt %}<|assistant|>{% endif %}
{%- if stop is defined %}{{ raise_exception('stopped: ' ~ stop) }}{% endif %}
{{- strftime_now('%d %b %Y') if dated }}
TEMPLATE
hello='{"messages":[{"role":"user","content":"<|assistant|> é"}],"bos_token":"<s>","eos_token":"</s>"}'

# One input: the bare text, or who said what.
same "text" "$("$sotto" render "$work/chat.jinja" <<<"$hello")" \
  "<s><|user|><|assistant|> é</s><|assistant|>"
same "--runs" "$("$sotto" render "$work/chat.jinja" --runs <<<"$hello" |
  python3 -c 'import json, sys
for run in json.load(sys.stdin)["runs"]: print("T" if run["trusted"] else "-", run["text"])')" \
  $'T <s><|\n- user\nT |>\n- <|assistant|> é\nT </s><|assistant|>'

# Lines: a refusal of the template is an answer in its place.
"$sotto" render "$work/chat.jinja" --jsonl --now "2026-01-02 03:04:05" >"$work/out" <<'LINES'
{"messages":[],"add_generation_prompt":false,"dated":true}
{"messages":[],"stop":"why"}
{"messages":[],"now":"2024-02-29 00:00:00","dated":true,"add_generation_prompt":false}
LINES
same "lines" "$(cat "$work/out")" \
  $'{"text":"02 Jan 2026"}\n{"error":"stopped: why"}\n{"text":"29 Feb 2024"}'

# The bundled model has a template, and its own BOS and EOS.
demo=$("$sotto" render demo <<<'{"messages":[{"role":"user","content":"Hi"}]}')
[[ $demo == *Hi* && $demo != Hi ]] || fail "the demo's template: '$demo'"
checks=$((checks + 1))

expect_exit 3 "stopped: why" '{"messages":[],"stop":"why"}' "$work/chat.jinja"
expect_exit 3 "not JSON" '{' "$work/chat.jinja"
expect_exit 3 "1 of 1 lines" '{' "$work/chat.jinja" --jsonl
expect_exit 3 "'messages' is not an array" '{}' "$work/chat.jinja"
expect_exit 3 "'tools' is not an array" '{"messages":[],"tools":1}' "$work/chat.jinja"
expect_exit 3 "not a time" '{"messages":[],"now":"2026-02-30 00:00:00"}' "$work/chat.jinja"
expect_exit 3 "not a time" "$hello" "$work/chat.jinja" --now yesterday
expect_exit 3 "cannot be read" "$hello" "$work/absent.jinja"
expect_exit 2 "MODEL" "$hello"
printf '{%% include "x" %%}' >"$work/bad.jinja"
expect_exit 3 "line 1: no tag named 'include'" "$hello" "$work/bad.jinja"

if [[ ! -d $oracle ]]; then
  echo "SKIPPED the oracle: $oracle is absent" >&2
  echo "$checks checks passed"
  exit 0
fi

# A model without a template says so.
vocabulary=
for file in "$oracle"/../tokenizer/*.gguf; do
  "$sotto" inspect --json "$file" >"$work/inspected"
  if ! grep -q tokenizer.chat_template "$work/inspected"; then
    vocabulary=$file
    break
  fi
done
[[ -n $vocabulary ]] || fail "every vocabulary of the oracle has a template"
expect_exit 3 "carries no chat template" "$hello" "$vocabulary"

# Every case of every template, as the reference renders it.
python3 - "$sotto" "$oracle" <<'PYTHON'
import collections, json, subprocess, sys

sotto, oracle = sys.argv[1:]
cases = {case["name"]: case for case in json.load(open(f"{oracle}/cases.json"))}
expected = collections.defaultdict(list)
for line in open(f"{oracle}/expected.jsonl"):
    entry = json.loads(line)
    expected[entry["template"]].append(entry)
assert expected, f"no vectors in {oracle}"
total = passed = 0
for template, entries in sorted(expected.items()):
    lines = [json.dumps(cases[entry["case"]] | {"bos_token": "<BOS>", "eos_token": "<EOS>"})
             for entry in entries]
    run = subprocess.run([sotto, "render", f"{oracle}/{template}", "--jsonl",
                          "--now", "2026-01-02 03:04:05"],
                         input="\n".join(lines) + "\n", capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(answers) == len(entries)
    for entry, answer in zip(entries, answers):
        total += 1
        if "expected" in entry:
            good = answer.get("text") == entry["expected"]
        else:
            kind, _, message = entry["error"].partition(": ")
            good = "error" in answer and (kind != "TemplateError" or message in answer["error"])
        passed += good
        if not good:
            print("FAILED:", template, entry["case"], str(answer)[:200], file=sys.stderr)
print(f"templates: {passed} of {total}")
sys.exit(passed != total)
PYTHON
checks=$((checks + 1))
echo "$checks checks passed"
