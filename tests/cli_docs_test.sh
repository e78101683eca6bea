#!/usr/bin/env bash
# docs/reference/cli.md and --help name the same commands and the same options.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
page=${SOTTO_SOURCE_DIR:-$(cd "$(dirname "$0")/.." && pwd)}/docs/reference/cli.md
failures=0

# compare WHAT ONE-LIST OTHER-LIST: each a list of lines; what stands in one only is a failure.
compare() {
  local what=$1 missing
  missing=$(comm -23 <(sort -u <<<"$2") <(sort -u <<<"$3"))
  if [ -n "$missing" ]; then
    printf 'FAILED: %s: not in the page: %s\n' "$what" "$(tr '\n' ' ' <<<"$missing")"
    failures=$((failures + 1))
  fi
  missing=$(comm -13 <(sort -u <<<"$2") <(sort -u <<<"$3"))
  if [ -n "$missing" ]; then
    printf 'FAILED: %s: only in the page: %s\n' "$what" "$(tr '\n' ' ' <<<"$missing")"
    failures=$((failures + 1))
  fi
}

# The long options that a command's --help lists, one a line.
options_of_program() {
  "$sotto" "$1" --help | grep -oE '^ +(-\w,)?--[a-z][a-z0-9-]*' | grep -oE -- '--[a-z0-9-]+' |
    grep -vx -- '--help'
}

# Those in the first column of the table under the command's heading.
options_of_page() {
  awk -v heading="## \`sotto $1\`" '/^## /{ inside = ($0 == heading) } inside' "$page" |
    grep -oE '^\| `([^|\\]|\\.)*`' | grep -oE -- '--[a-z0-9-]+' | grep -vx -- '--help'
}

commands=$("$sotto" --help | sed -n '/^Subcommands:/,/^$/p' | grep -oE '^  [a-z]+' | tr -d ' ')
[ "$(wc -w <<<"$commands")" -ge 6 ] || { echo "FAILED: --help lists too few commands"; exit 1; }
compare commands "$commands" "$(grep -oE '^## `sotto [a-z]+`' "$page" | grep -oE '[a-z]+`$' | tr -d '`')"
for command in $commands; do
  # A command without any option is an empty list on both sides.
  compare "sotto $command" "$(options_of_program "$command" || true)" \
    "$(options_of_page "$command" || true)"
  "$sotto" "$command" --help | grep -q 'xample' ||
    { echo "FAILED: sotto $command --help has no example"; failures=$((failures + 1)); }
done
[ "$failures" -eq 0 ] || exit 1
echo "$(wc -w <<<"$commands") commands agree with their page"
