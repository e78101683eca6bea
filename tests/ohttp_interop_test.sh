#!/usr/bin/env bash
# Oblivious HTTP with an independent client and gateway, put together from @hpke/core and bhttp-js as
# tests/ohttp/package-lock.json pins them, in both directions, with every AEAD, whole and in chunks.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
tool=$(dirname "$sotto")/../../tests/ohttp_client
source=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/ohttp" && pwd)
modules=${SOTTO_NODE_DIR:-$(dirname "$sotto")}/node-ohttp
. "$source/../with_server.sh"

if ! cmp -s "$source/package-lock.json" "$modules/package-lock.json"; then
  mkdir -p "$modules"
  cp "$source/package.json" "$modules"
  cp "$source/package-lock.json" "$folder"
  (cd "$modules" && cp "$folder/package-lock.json" lock && mv lock package-lock.json &&
    npm ci --ignore-scripts --no-audit --no-fund) || { rm -f "$modules/package-lock.json"; exit 1; }
fi
cp "$source/ohttp_test.mjs" "$modules"
export SOTTO_TEE=simulated
start_server demo --listen 127.0.0.1:0 --log log
node "$modules/ohttp_test.mjs" "$url" "$tool"
stop_server
