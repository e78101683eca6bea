#!/usr/bin/env bash
# Receipts of every kind of answer: checked with `sotto verify --receipt`, and answered again with `sotto replay`.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
# shellcheck source=tests/with_server.sh
source "$SOTTO_SOURCE_DIR/tests/with_server.sh"
fail() { echo "FAILED: $1"; exit 1; }

export SOTTO_TEE=simulated
start_server demo --listen 127.0.0.1:0 --log log
curl -sf "$url/attestation" >bundle.json
salt=$(openssl rand -hex 16)

# ask PATH BODY: the files request, response, head and receipt.
ask() {
  printf '%s' "$2" >request
  curl -s -D head -o response -H 'content-type: application/json' -H "x-sotto-salt: $salt" \
    --data-binary @request "$url$1"
  tr -d '\r' <head | sed -n 's/^x-sotto-receipt: //p' >receipt
  [ -s receipt ] || cp response receipt
}
check() {
  "$sotto" verify --receipt receipt --request request --response response --salt "$salt" \
    --bundle bundle.json --allow-simulated "$@"
}
chat='"messages":[{"role":"user","content":"Tell me of the zebrafinch."}],"max_tokens":24'
paths=(/v1/chat/completions /v1/chat/completions /v1/chat/completions /v1/responses /v1/responses /v1/completions /v1/completions /v1/embeddings)
bodies=("{$chat}" "{$chat,\"stream\":true}" "{$chat,\"n\":3,\"temperature\":1.2,\"logit_bias\":{\"7\":-2}}"
  '{"input":"Say something.","max_output_tokens":20}' '{"input":"Say something.","max_output_tokens":20,"stream":true}'
  '{"prompt":["Once","Twice"],"max_tokens":12}' '{"prompt":"Once","max_tokens":12,"stream":true,"seed":7}' '{"input":["one","two"]}')
for i in "${!paths[@]}"; do
  what="${paths[$i]} ${bodies[$i]}"
  ask "${paths[$i]}" "${bodies[$i]}"
  check >out || fail "$what is not verified: $(tail -20 out)"
  grep -q "this node's" out || fail "what it says of $what: $(tail -3 out)"
  if grep -q zebrafinch receipt && ! grep -q 'data:' receipt; then fail "words of the prompt are in the receipt"; fi
  # Its counts are the tokenizer's.
  check --model demo --json >out || fail "the tokens of $what: $(cat out)"
  python3 - "$what" <<'PY'
import json, sys
verdict = json.load(open("out"))
rules = {rule["name"]: rule for rule in verdict["rules"]}
assert rules["receipt-model"]["verdict"] == rules["receipt-prompt-tokens"]["verdict"] == "passed", rules
assert verdict["counted"]["prompt_tokens"] == int(rules["receipt-prompt-tokens"]["expected"]) > 0
counted = verdict["counted"]["text_tokens"]
assert (counted > 0) == ("embeddings" not in sys.argv[1]), counted
PY
  # The answer comes again from the receipt alone, on the plainest instruction set too.
  "$sotto" replay demo --receipt receipt --request request --response response --bundle bundle.json >out ||
    fail "$what is not the same again: $(cat out)"
  SOTTO_ISA=scalar "$sotto" replay demo --receipt receipt --request request --response response --bundle bundle.json \
    --json --threads 1 >out || fail "$what is not the same on scalar: $(cat out)"
  grep -q '"verdict":"same"' out || fail "replay says $(cat out)"
done

# Whatever is not what was signed is refused: another answer, another question, another salt, another node.
ask /v1/chat/completions "{$chat,\"seed\":5}"
cp response kept
cp request kept_request
sed -i 's/"content":"/"content":"X/' response
status=0; check --json >out || status=$?
[ $status -eq 1 ] && grep -q '"name":"receipt-response","verdict":"failed"' out || fail "an edited answer passes"
status=0; "$sotto" replay demo --receipt receipt --request request --response response --bundle bundle.json >out || status=$?
[ $status -eq 1 ] && grep -q 'NOT the same' out || fail "an edited answer is the same again"
cp kept response
printf ' ' >>request
status=0; check --json >out || status=$?
[ $status -eq 1 ] && grep -q '"name":"receipt-request","verdict":"failed"' out || fail "an edited question passes"
truncate -s -1 request
check >/dev/null || fail "the whole is not verified"
# Another prompt has other counts, and another model counts for nobody.
printf '%s' '{"messages":[{"role":"user","content":"Tell me of the zebrafinch, and at length."}]}' >request
status=0; check --model demo --json >out || status=$?
[ $status -eq 1 ] && grep -q '"name":"receipt-prompt-tokens","verdict":"failed"' out || fail "other counts pass"
cp kept_request request
head -c 100 /dev/zero >no_model
status=0; check --model ./no_model >out 2>&1 || status=$?
[ $status -eq 3 ] || fail "a file that is no model: $status, $(tail -3 out)"
mine=$salt
salt=$(openssl rand -hex 16)
status=0; check >/dev/null || status=$?
[ $status -eq 1 ] || fail "another salt passes"
salt=$mine
cp receipt good
cut -c 2- good >receipt
status=0; check --json >out || status=$?
[ $status -eq 1 ] && grep -q '"name":"receipt-signature","verdict":"failed"' out || fail "a cut receipt passes"
cp good receipt
"$sotto" attest --tee simulated --out other.json 2>/dev/null
status=0; "$sotto" verify --receipt receipt --request request --response response --salt "$salt" --bundle other.json \
  --allow-simulated >out || status=$?
[ $status -eq 1 ] || fail "a receipt passes with another node's bundle"
status=0; "$sotto" verify --receipt receipt --request request --response response --salt "$salt" --bundle bundle.json >out || status=$?
[ $status -eq 1 ] || fail "a receipt passes although its node does not"

# Errors have one; so has an answer whose asker went away, for whoever asks for it.
ask /v1/chat/completions '{"messages":[],"temperature":9}'
grep -q '^HTTP/1.1 400' head || fail "it answered $(head -1 head)"
check >out || fail "an error's receipt: $(tail -5 out)"
grep -q 'status 400, failed' out || fail "what an error's receipt says: $(cat out)"
status=0; check --model demo >out 2>&1 || status=$?
[ $status -eq 3 ] && grep -q 'of an error' out || fail "an error's tokens: $status, $(tail -1 out)"
[ "$(curl -s -o out -w '%{http_code}' -H 'content-type: application/json' -H 'x-sotto-salt: 00' -d "{$chat}" "$url/v1/chat/completions")" = 400 ] &&
  grep -q 'x-sotto-salt' out || fail "a short salt: $(cat out)"
id=$(tr -d '\r' <head | sed -n 's/^x-request-id: //p')
curl -sf "$url/v1/receipts/$id" >out || fail "the receipt is not kept"
grep -qF "$(cat receipt)" out || fail "another receipt is kept"
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/v1/receipts/req_0")" = 404 ] || fail "a receipt of nothing"
timeout 0.3 curl -sN -D head -o /dev/null -H 'content-type: application/json' \
  -d '{"prompt":"On","max_tokens":900,"stream":true,"logit_bias":{"0":-100}}' "$url/v1/completions" || true
id=$(tr -d '\r' <head | sed -n 's/^x-request-id: //p')
for _ in $(seq 50); do
  if curl -sf "$url/v1/receipts/$id" >out; then break; fi
  sleep 0.1
done
python3 - <<'PY'
import base64, json
payload = json.load(open("out"))["receipt"].split(".")[1]
receipt = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
assert receipt["outcome"] in ("aborted", "completed") and receipt["usage"]["completion_tokens"] > 0, receipt
PY
# A node without a salt from the asker draws one and tells it.
curl -sf -D head -o response -H 'content-type: application/json' -d "{$chat}" "$url/v1/chat/completions"
grep -qi '^x-sotto-salt: [0-9a-f]\{64\}' head || fail "no salt is told"
stop_server
! grep -q zebrafinch log screen || fail "words of the prompt are in the log"

SOTTO_TEE=none start_server demo --listen 127.0.0.1:0 --log log
ask /v1/chat/completions "{$chat}"
! grep -qi '^x-sotto' head || fail "a receipt without evidence"
stop_server
echo "receipts: all passed"
