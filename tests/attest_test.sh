#!/usr/bin/env bash
# A node with the simulated TEE and whoever verifies it: `sotto attest`, GET /attestation, `sotto verify`.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
# shellcheck source=tests/with_server.sh
source "$SOTTO_SOURCE_DIR/tests/with_server.sh"
fail() { echo "FAILED: $1"; exit 1; }

nonce=$(openssl rand -hex 32)
"$sotto" attest --tee simulated --nonce "$nonce" --out bundle.json 2>screen
grep -q 'protects nothing' screen || fail "attest does not say what it is"
[ "$(stat -c %a bundle.json | cut -c1)" = 6 ] || fail "the bundle's mode"

# Nobody takes it for real who does not say so, and it is not remembered.
status=0; "$sotto" verify bundle.json >out || status=$?
[ $status -eq 1 ] && grep -q 'REJECTED' out || fail "a simulated TEE passes by default"
"$sotto" verify bundle.json --allow-simulated --nonce "$nonce" >out || fail "it is not verified: $(cat out)"
grep -q 'VERIFIED' out && grep -q 'protects nothing' out && grep -q 'pins no measurement' out || fail "what verify says: $(cat out)"
status=0; "$sotto" verify bundle.json >out || status=$?
[ $status -eq 1 ] || fail "it is remembered"
status=0; "$sotto" verify bundle.json --allow-simulated --nonce "$(openssl rand -hex 32)" --json >out || status=$?
[ $status -eq 1 ] && grep -q '"kind":"binding-mismatch"' out || fail "an old nonce passes"
status=0; "$sotto" verify bundle.json --allow-simulated --at 2020-01-01 --json >out || status=$?
[ $status -eq 1 ] && grep -q '"kind":"not-yet-valid"' out || fail "it passes before it was made"
status=0; "$sotto" verify /dev/null 2>out || status=$?
[ $status -eq 3 ] || fail "an empty file is $status"
status=0; "$sotto" verify bundle.json --kind tdx-quote --json >out || status=$?
[ $status -eq 1 ] || fail "a bundle passes as a quote"
status=0; "$sotto" attest --tee simulated --nonce 00 2>out || status=$?
[ $status -eq 3 ] && grep -q '16 to 64' out || fail "a short nonce: $(cat out)"

# What one machine said of itself is pinned, and then only that passes.
python3 - <<'PY'
import json
out = json.loads(__import__("subprocess").check_output(["cat", "bundle.json"]))
assert set(out) >= {"version", "statement", "nonce", "evidence", "collateral", "event_logs"}, out.keys()
assert out["tee_verified"] is False and out["platform"] == "simulated", "the hints"
PY
"$sotto" verify bundle.json --allow-simulated --json >verdict
python3 - <<'PY'
import json
verdict = json.load(open("verdict"))
mrtd = verdict["evidence"][0]["claims"]["measurements"]["mrtd"]
program = verdict["statement"]["program"]["sha256"]
text = 'version = 1\nname = "mine"\n[statement]\nmeasured = true\nprograms = "%s"\n[simulated]\nallow_simulated = true\n[simulated.measurements]\nmrtd = "%s"\n'
open("good.toml", "w").write(text % (program, mrtd))
open("bad.toml", "w").write(text % (program, "00" + mrtd[2:]))
open("other.toml", "w").write(text % ("00" + program[2:], mrtd))
PY
"$sotto" verify bundle.json --policy good.toml >out || fail "the pinned program is refused: $(cat out)"
! grep -q 'pins no measurement' out || fail "it says that nothing is pinned"
for policy in bad other; do
  status=0; "$sotto" verify bundle.json --policy $policy.toml >out || status=$?
  [ $status -eq 1 ] || fail "$policy.toml passes"
done

# The same from a server, for any nonce that somebody sends, before anybody has a key.
"$sotto" keys add somebody --keys keys >/dev/null
SOTTO_TEE=simulated start_server demo --listen 127.0.0.1:0 --keys keys --log log
curl -sf "$url/attestation?nonce=$nonce" >served.json
"$sotto" verify served.json --allow-simulated --nonce "$nonce" --json >verdict || fail "the server is not verified"
python3 - <<'PY'
import json
statement = json.load(open("verdict"))["statement"]
assert [model["name"] for model in statement["models"]] == ["demo"], statement
PY
curl -sf "$url/attestation" >first.json
curl -sf "$url/attestation" >second.json
cmp -s first.json second.json || fail "without a nonce evidence is made each time"
"$sotto" verify first.json --allow-simulated >/dev/null || fail "evidence without a nonce"
status=0; "$sotto" verify first.json --allow-simulated --nonce "$nonce" >/dev/null || status=$?
[ $status -eq 1 ] || fail "evidence without a nonce passes for one"
for query in nonce= nonce=00 nonce=zz "nonce=$nonce$nonce$nonce" other=1 "nonce=$nonce&a=b"; do
  [ "$(curl -s -o out -w '%{http_code}' "$url/attestation?$query")" = 400 ] || fail "the query $query: $(cat out)"
  grep -q '"param":"nonce"' out || fail "the error for $query: $(cat out)"
done
# The settings in the statement are those that --print-config prints.
"$sotto" serve demo --tee simulated --listen 127.0.0.1:0 --keys keys --log log --print-config >config
python3 - <<'PY'
import hashlib, json
stated = json.load(open("verdict"))["statement"]["configuration_sha256"]
assert stated == hashlib.sha256(open("config", "rb").read()).hexdigest(), "the configuration's digest"
PY
# Who asks too fast waits; what was made before is there for everybody.
codes=$(for i in $(seq 60); do echo "url = \"$url/attestation?nonce=$(printf '%032x' "$i")\""; echo 'output = "/dev/null"'; done |
  curl -s -K - -w '%{http_code}\n' | sort | uniq -c | awk '{print $2}' | tr '\n' ' ')
[ "$codes" = "200 429 " ] || fail "60 questions at once: $codes"
[ "$(curl -s -o /dev/null -w '%{http_code}' "$url/attestation")" = 200 ] || fail "nothing without a nonce"
stop_server
grep -q "$nonce" log && fail "the nonce is in the log"

SOTTO_TEE=none start_server demo --listen 127.0.0.1:0 --log log
[ "$(curl -s -o out -w '%{http_code}' "$url/attestation")" = 404 ] && grep -q no_evidence out || fail "without a TEE: $(cat out)"
stop_server

if [ ! -e /dev/tdx_guest ] && [ ! -e /dev/sev-guest ] && [ ! -e /dev/nsm ] && [ ! -e /dev/tpmrm0 ]; then
  status=0; SOTTO_TEE=auto "$sotto" serve demo --listen 127.0.0.1:0 2>out || status=$?
  [ $status -eq 3 ] && grep -q -- '--tee simulated' out && grep -q -- '--tee none' out || fail "no TEE and it serves: $(cat out)"
fi
echo "attest: all passed"
