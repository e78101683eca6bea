#!/usr/bin/env bash
# The encrypted channel with somebody hostile in the middle, from the real client to the real node: everything that
# is not the node's own answer, whole and in order, is an error with its own message; and no word is on the wire.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
# shellcheck source=tests/with_server.sh
source "$SOTTO_SOURCE_DIR/tests/with_server.sh"
fail() { echo "FAILED: $1"; exit 1; }
relay=
also_leave() { [ -z "$relay" ] || kill "$relay" 2>/dev/null || true; leave; }
trap also_leave EXIT

export SOTTO_TEE=simulated
start_server demo --listen 127.0.0.1:0 --log log
port=${url##*:}
: >wire
echo honest >mode
python3 "$SOTTO_SOURCE_DIR/tests/hostile_relay.py" "$port" wire mode >relay_port &
relay=$!
for _ in $(seq 100); do [ ! -s relay_port ] || break; sleep 0.1; done
middle=http://127.0.0.1:$(cat relay_port)

ask() { "$sotto" chat "$middle" --allow-simulated "Tell me of the zebrafinch, please." >out 2>err; }

ask || fail "an honest relay: $(cat err)"
grep -q '^verified: simulated' err && grep -q 'protects nothing' err || fail "what the client says: $(cat err)"
[ -s out ] || fail "no answer"
answer=$(cat out)

# Evidence that lies: nothing is sent, so nothing reaches the wire but the question for evidence.
# expect MODE TEXT: the client refuses, and says this.
expect() {
  echo "$1" >mode
  local status=0
  ask || status=$?
  [ $status -eq 1 ] || fail "$1: exit code $status, $(cat out err)"
  grep -q -- "$2" err || fail "$1: it says $(cat err)"
}
expect statement 'binding'
expect ohttp-key 'binding'
expect receipt-key 'binding'
echo old-bundle >mode; ask || fail "the first of two equal bundles"
expect old-bundle 'bundle-nonce'
expect no-evidence 'processor-evidence'
expect no-collateral 'missing-collateral'
echo other-evidence >mode; ask || true
expect other-evidence 'binding'
for one in unknown-member empty-evidence; do
  echo $one >mode
  status=0; ask || status=$?
  [ $status -ne 0 ] && [ ! -s out ] || fail "$one passes"
done
echo honest >mode
status=0; "$sotto" chat "$middle" "zebrafinch" >out 2>err || status=$?
[ $status -eq 1 ] || fail "a simulated TEE passes unasked"

# Answers that are not the node's.
expect answer-in-clear 'not sealed'
expect downgrade 'not sealed'
expect refuse-key 'not sealed'
echo replay >mode; ask || fail "the first of two equal requests"
expect replay 'not sealed'
echo replay-answer >mode; ask || fail "the first of two equal answers"
expect replay-answer 'changed'

# At every border of the stream: cut, swapped, doubled, left out, changed, taken from another answer.
printf '{"messages":[{"role":"user","content":"zebrafinch"}],"max_tokens":3,"stream":true}' >body
echo honest >mode
start_proxy "$middle" --allow-simulated
stream() { curl -sfN -H 'content-type: application/json' --data-binary @body "$proxy/v1/chat/completions" >streamed 2>curl_err; }
stream || fail "an honest stream through the proxy"
grep -q '^data: \[DONE\]' streamed || fail "the stream has no end: $(cat streamed)"
! grep -q '^:pad' streamed || fail "padding is left in the stream"
borders=0
for at in 1 2 3 4; do
  for what in cut drop double flip splice; do
    echo honest >mode; [ $what != splice ] || { echo "splice $at" >mode; stream || true; }
    echo "$what $at" >mode
    if stream; then fail "a stream with '$what $at' comes to an end"; fi
    borders=$((borders + 1))
  done
  echo "swap $at" >mode
  if stream; then fail "a stream with 'swap $at' comes to an end"; fi
done
echo honest >mode
stream || fail "an honest stream after all that"

# The node is started anew with another identity, and the proxy notices before it sends anything more.
stop_server
start_server "other=demo" --listen "127.0.0.1:$port" --log log2
stream || fail "the proxy does not go on with a node that proves itself anew"
curl -s "$proxy/verification" | grep -q '"name":"other"' || fail "the proxy did not verify anew"
stop_proxy

# A policy that pins the models is the same refusal in another place.
printf 'version = 1\n[statement]\nmodels = "%s"\n[simulated]\nallow_simulated = true\n' "$(printf '00%.0s' $(seq 32))" >pinned.toml
status=0; "$sotto" chat "$middle" --policy pinned.toml "zebrafinch" >out 2>err || status=$?
[ $status -eq 1 ] && grep -q 'statement-models' err || fail "another model than the pinned one: $(cat err)"

# A clock that is wrong by a year, either way.
for when in '+1y expired' '-1y not-yet-valid'; do
  for way in '' --direct; do
    # shellcheck disable=SC2086
    status=0; faketime -f "${when% *}" "$sotto" chat "$middle" --allow-simulated $way "zebrafinch" >out 2>err || status=$?
    [ $status -eq 1 ] && grep -q "${when#* }" err && [ ! -s out ] || fail "a clock that is wrong by ${when% *}: $status, $(cat err)"
  done
done

# A node whose evidence is gone, or that is gone itself.
stop_server
SOTTO_TEE=none start_server demo --listen "127.0.0.1:$port" --log log3
expect honest 'no evidence'
stop_server
echo honest >mode
status=0; ask || status=$?
[ $status -ne 0 ] && [ ! -s out ] || fail "it talks to nobody"

for word in zebrafinch "$(echo "$answer" | tail -1 | cut -c1-24)"; do
  ! grep -qaF -- "$word" wire || fail "'$word' is on the wire"
done
[ "$(stat -c %s wire)" -gt 100000 ] || fail "the wire was not captured"
! grep -qsF zebrafinch log log2 log3 screen proxy_screen || fail "words are in a log"
echo "the channel holds: $borders bad streams and 16 bad answers refused"
