#!/usr/bin/env bash
# `sotto bench`, tiny: it measures, says the same twice, and refuses what cannot be.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
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
  "$sotto" bench "$@" >"$work/stdout" 2>"$work/stderr" || status=$?
  [[ $status -eq $code ]] || fail "bench $*: exit $status, not $code: $(cat "$work/stderr")"
  [[ -z $message ]] || grep -qF -- "$message" "$work/stderr" ||
    fail "bench $*: no '$message' in $(cat "$work/stderr")"
  checks=$((checks + 1))
}

# field FILE NAME: a number or string of the one JSON object in FILE.
field() {
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"
}

# positive FILE NAMES...: each is a number above zero.
positive() {
  python3 - "$@" <<'PYTHON' || fail "a number of $1 is not above zero"
import json, sys
values = json.load(open(sys.argv[1]))
for name in sys.argv[2:]:
    assert values[name] > 0, (name, values[name])
PYTHON
  checks=$((checks + 1))
}

measures=(weight_bytes weight_bytes_per_token read_bytes_per_second prompt_tokens_per_second
  generate_tokens_per_second weight_bytes_per_second bandwidth_share kv_bytes memory_peak_bytes)

"$sotto" bench demo --prompt 16 --generate 8 --threads 1 --json >"$work/one"
positive "$work/one" "${measures[@]}"
"$sotto" bench demo --prompt 16 --generate 8 --threads 2 --repeat 2 --json >"$work/two"
[[ $(field "$work/one" hash) == "$(field "$work/two" hash)" ]] || fail "threads changed the tokens"

SOTTO_ISA=scalar "$sotto" bench demo --prompt 16 --generate 8 --json >"$work/scalar"
[[ $(field "$work/scalar" isa) == scalar ]] || fail "SOTTO_ISA=scalar was not heeded"
[[ $(field "$work/one" hash) == "$(field "$work/scalar" hash)" ]] || fail "scalar changed the tokens"

"$sotto" bench demo --prompt 16 --generate 8 --parallel 3 --kv q8_0 --json >"$work/parallel"
positive "$work/parallel" "${measures[@]}"

# The smallest preset, with blocks of 32 and of 256, and without generation or without a prompt.
for type in Q4_K_M Q8_0; do
  "$sotto" bench --preset gpt2 --type $type --prompt 8 --generate 2 --json >"$work/preset"
  positive "$work/preset" "${measures[@]}"
  [[ $(field "$work/preset" type) == "$type" ]] || fail "another type was measured"
done
# A preset that is written as a file computes the same from there.
"$sotto" bench --preset gpt2 --type Q4_K_M --prompt 8 --generate 2 --json >"$work/preset"
"$sotto" bench --preset gpt2 --type Q4_K_M --write "$work/gpt2.gguf"
"$sotto" bench "$work/gpt2.gguf" --prompt 8 --generate 2 --json >"$work/written"
[[ $(field "$work/preset" hash) == "$(field "$work/written" hash)" ]] || fail "the file differs"
[[ $(field "$work/written" synthetic) == False ]] || fail "the file was not read"
checks=$((checks + 2))

"$sotto" bench demo --prompt 0 --generate 4 >"$work/text"
grep -q '^generate  1 x 4 tokens' "$work/text" || fail "no generation in: $(cat "$work/text")"
"$sotto" bench demo --prompt 4 --generate 0 >"$work/text"
grep -q '^prompt    1 x 4 tokens' "$work/text" || fail "no prompt in: $(cat "$work/text")"

# --compare runs a peer in turn with us: here one that says what it was asked and its own speeds.
model=$work/gpt2.gguf
peer="python3 '$(dirname "$0")/fake_peer.py' '$work/peer.log' {model} {prompt} {generate}"
"$sotto" bench "$model" --prompt 8 --generate 2 --threads 2 --repeat 3 --json \
  --compare "$peer {parallel} {threads} {kv}" >"$work/compared"
[[ $(wc -l <"$work/peer.log") -eq 3 ]] || fail "the peer did not run three times"
[[ $(sort -u "$work/peer.log") == "$model 8 2 1 2 f16" ]] || fail "asked: $(cat "$work/peer.log")"
python3 - "$work/compared" <<'PYTHON' || fail "the comparison is wrong"
import json, sys
run = json.load(open(sys.argv[1]))
peer = run['peer']
assert '{' not in peer['command'] and 'fake_peer' in peer['command'], peer['command']
assert peer['prompt_tokens_per_second'] == 150 and peer['generate_tokens_per_second'] == 15, peer
assert [pair['peer_prompt'] for pair in peer['pairs']] == [100, 150, 225], peer['pairs']
for phase in 'prompt', 'generate':
    ratios = sorted(pair[phase] / pair['peer_' + phase] for pair in peer['pairs'])
    spread = peer[phase + '_ratio']
    assert [spread['min'], spread['median'], spread['max']] == ratios, (spread, ratios)
    assert run[phase + '_tokens_per_second'] == sorted(pair[phase] for pair in peer['pairs'])[1]
PYTHON
checks=$((checks + 3))
"$sotto" bench demo --prompt 4 --generate 2 --compare "$peer" >"$work/text" 2>"$work/stderr" &&
  fail "{model} stood for the bundled model"
grep -qF 'needs a MODEL that is a file' "$work/stderr" || fail "$(cat "$work/stderr")"
"$sotto" bench demo --prompt 4 --generate 0 --compare \
  'echo "{\"prompt_tokens_per_second\": 2}"' >"$work/text"
grep -qE 'the peer 2.0 tokens/s; ours is [0-9.]+ times that' "$work/text" || fail "$(cat "$work/text")"
checks=$((checks + 2))

[[ $("$sotto" bench --list-presets | wc -l) -ge 12 ]] || fail "fewer than 12 presets"

expect_exit 2 'either a MODEL or a --preset'
expect_exit 2 'either a MODEL or a --preset' demo --preset gpt2
expect_exit 2 '--type is for a --preset' demo --type Q8_0
expect_exit 2 '--write is for a --preset' demo --write "$work/demo.gguf"
expect_exit 3 'cannot create' --preset gpt2 --write /nonexistent-folder/gpt2.gguf
small=(demo --prompt 4 --generate 2)
expect_exit 3 'the command ended with exit status 4' "${small[@]}" --compare 'exit 4'
expect_exit 3 'printed no line of JSON' "${small[@]}" --compare 'echo fast'
expect_exit 3 'generate_tokens_per_second is missing' "${small[@]}" \
  --compare 'echo "{\"prompt_tokens_per_second\": 2}"'
expect_exit 3 'took longer than 1 s' "${small[@]}" --compare 'sleep 1000' --compare-seconds 1
expect_exit 2 '--threads' demo --threads 0
expect_exit 3 'gpt2-large' --preset gpt5
expect_exit 3 'Q4_K_M' --preset gpt2 --type Q9
expect_exit 3 'context' demo --prompt 1000000
# 160 GB of weights, and a cache beyond any machine's memory.
expect_exit 3 'GB available' --preset deepseek-r1-distill-llama-70b --type F32 --parallel 1024 \
  --prompt 100000

echo "$checks checks passed"
