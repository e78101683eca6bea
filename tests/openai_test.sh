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

# The same, unchanged, through the verifying proxy to a node with the simulated TEE: sealed over plain TCP, and with TLS
# to the node. What is between the two is captured, and so is what is between client and proxy, for comparison.
taps=()
leave_all() { for tap in "${taps[@]}"; do kill "$tap" 2>/dev/null || true; done; leave; }
trap leave_all EXIT
# start_tap URL FILE: sets `tapped`, the URL to use instead.
start_tap() {
  python3 "$source/../wiretap.py" "${1##*:}" "$2" >tap_port &
  taps+=($!)
  for _ in $(seq 100); do [ ! -s tap_port ] || break; sleep 0.1; done
  tapped=${1%:*}:$(cat tap_port)
  rm tap_port
}
export SOTTO_TEE=simulated
mkdir receipts
for way in sealed direct; do
  options=(--allow-simulated)
  case $way in
    sealed) SOTTO_PLAIN=true; options+=(--receipts receipts) ;;
    direct) SOTTO_PLAIN=; options+=(--direct) ;;
  esac
  start_server demo,alias=demo --listen 127.0.0.1:0 --keys keys.toml --parallel 16
  start_tap "$url" "wire_$way"
  start_proxy "$tapped" "${options[@]}"
  start_tap "$proxy" "clear_$way"
  BASE_URL="$tapped/v1" OPENAI_API_KEY=$key node "$modules/openai_test.mjs" || status=$?
  stop_proxy
  stop_server
  python3 "$source/../wiretap.py" --compare "clear_$way" "wire_$way" || { echo "FAILED: $way"; status=1; }
done
[ "$(find receipts -name '*.json' | wc -l)" -gt 30 ] || { echo "FAILED: receipts are missing"; status=1; }
exit $status
