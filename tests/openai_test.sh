#!/usr/bin/env bash
# The official OpenAI client, as tests/openai/package-lock.json pins it, drives every endpoint.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/openai" && pwd)
# Kept between runs: what npm installs is the same as long as the lock file is.
modules=${SOTTO_NODE_DIR:-$(dirname "$sotto")/node-openai}
folder=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT

if ! cmp -s "$source/package-lock.json" "$modules/package-lock.json"; then
  mkdir -p "$modules"
  cp "$source/package.json" "$modules"
  cp "$source/package-lock.json" "$folder"
  (cd "$modules" && cp "$folder/package-lock.json" lock && mv lock package-lock.json &&
    npm ci --ignore-scripts --no-audit --no-fund) || { rm -f "$modules/package-lock.json"; exit 1; }
fi
cp "$source/openai_test.mjs" "$modules"

cd "$folder"
key=$("$sotto" keys add tester --keys keys.toml 2>/dev/null)
"$sotto" serve demo,alias=demo --listen 127.0.0.1:0 --keys keys.toml --parallel 16 2>screen &
server=$!
for _ in $(seq 100); do
  ! grep -qs '^try:' screen || break
  sleep 0.1
done
url=$(sed -n 's/^at \(http[^,]*\),.*/\1/p' screen)
[ -n "$url" ] || { cat screen; exit 1; }

status=0
BASE_URL="$url/v1" OPENAI_API_KEY=$key node "$modules/openai_test.mjs" || status=$?
kill "$server"
wait "$server" || { echo "FAILED: the server did not stop well"; status=1; }
server=
if grep -q "attestation" screen; then
  echo "FAILED: a prompt is in the log"
  status=1
fi
exit $status
