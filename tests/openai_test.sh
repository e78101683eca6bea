#!/usr/bin/env bash
# The official OpenAI client, as tests/openai/package-lock.json pins it, drives every endpoint.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

sotto=$1
source=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/openai" && pwd)
# Kept between runs: what npm installs is the same as long as the lock file is.
modules=${SOTTO_NODE_DIR:-$(dirname "$sotto")/node-openai}
. "$source/../with_server.sh"

if ! cmp -s "$source/package-lock.json" "$modules/package-lock.json"; then
  mkdir -p "$modules"
  cp "$source/package.json" "$modules"
  cp "$source/package-lock.json" "$folder"
  (cd "$modules" && cp "$folder/package-lock.json" lock && mv lock package-lock.json &&
    npm ci --ignore-scripts --no-audit --no-fund) || { rm -f "$modules/package-lock.json"; exit 1; }
fi
cp "$source/openai_test.mjs" "$modules"

key=$("$sotto" keys add tester --keys keys.toml 2>/dev/null)
start_server demo,alias=demo --listen 127.0.0.1:0 --keys keys.toml --parallel 16

status=0
BASE_URL="$url/v1" OPENAI_API_KEY=$key node "$modules/openai_test.mjs" || status=$?
stop_server
if grep -q "attestation" screen; then
  echo "FAILED: a prompt is in the log"
  status=1
fi
[ $status -eq 0 ] || exit $status

# The same, unchanged, through the verifying proxy to a node with the simulated TEE.
export SOTTO_TEE=simulated
start_server demo,alias=demo --listen 127.0.0.1:0 --keys keys.toml --parallel 16
mkdir receipts
start_proxy "$url" --allow-simulated --receipts receipts
BASE_URL="$proxy/v1" OPENAI_API_KEY=$key node "$modules/openai_test.mjs" || status=$?
stop_proxy
stop_server
[ "$(find receipts -name '*.json' | wc -l)" -gt 30 ] || { echo "FAILED: receipts are missing"; status=1; }
exit $status
