#!/usr/bin/env bash
# Asks the bundled model twenty of its questions, and one that it must decline, through the program.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source_dir=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}
questions=$source_dir/tools/demo-model/questions.jsonl

(cd "$source_dir/models" && sha256sum --check --quiet demo.gguf.sha256)

failed=0
asked=0

# ask QUESTION ANSWER: the answer's text must be exactly this one.
ask() {
  local output
  asked=$((asked + 1))
  if ! output=$("$sotto" run demo "$1" --temperature 0 --json </dev/null); then
    echo "FAILED: sotto run demo '$1' ended with an error" >&2
    failed=$((failed + 1))
  elif ! grep -qF "\"content\":\"$2\"" <<<"$output"; then
    printf 'FAILED: %s\n  expected: %s\n  answered: %s\n' "$1" "$2" "$output" >&2
    failed=$((failed + 1))
  fi
}

# field LINE NAME: a string of one line of the questions; the lines chosen hold no escapes.
field() {
  sed -n "$1p" "$questions" | sed -E "s/.*\"$2\": \"([^\"\\\\]*)\".*/\1/"
}

for line in 1 12 35 55 75 77 82 90 99 107 130 152 173 178 187 194 214 250 289 304; do
  ask "$(field "$line" question)" "$(field "$line" answer)"
done

declines="I am only the small demonstration model that ships with Sotto, and I cannot answer that. \
Ask me about Sotto, attestation or confidential computing, or load a bigger model."
ask "How do I grow tomatoes on a balcony?" "$declines"

# One answer as a person sees it, without --json.
asked=$((asked + 1))
if ! "$sotto" run demo "What is remote attestation?" --temperature 0 </dev/null |
  grep -qF "$(field 75 answer)"; then
  echo "FAILED: the plain answer about remote attestation" >&2
  failed=$((failed + 1))
fi

echo "$((asked - failed)) of $asked answers right"
[[ $failed -eq 0 && $asked -eq 22 ]]
