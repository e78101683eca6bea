#!/usr/bin/env bash
# HTTP/2, with TLS and without, by curl and by Node's client; HTTP/1.1 beside it.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
# shellcheck source=tests/with_server.sh
source "$SOTTO_SOURCE_DIR/tests/with_server.sh"
fail() { echo "FAILED: $1"; exit 1; }
client=$SOTTO_SOURCE_DIR/tests/http2_client.mjs

start_server demo --listen 127.0.0.1:0 --log log --parallel 16 --queue 200
spoken() { curl -s -o answer -w '%{http_version} %{http_code}' "$@"; }
[ "$(spoken --http2-prior-knowledge "$url/v1/models")" = "2 200" ] || fail "prior knowledge"
[ "$(spoken "$url/v1/models")" = "1.1 200" ] || fail "HTTP/1.1 beside it"
[ "$(spoken --http2-prior-knowledge "$url/none")" = "2 404" ] || fail "a path that is not there"
[ "$(spoken --http2-prior-knowledge -I "$url/v1/models")" = "2 200" ] || fail "HEAD"
[ "$(spoken --http2-prior-knowledge -H 'expect: 100-continue' -d '{' -H 'content-type: application/json' "$url/v1/chat/completions")" = "2 400" ] || fail "100-continue"
[ "$(spoken --http2-prior-knowledge -H "x: $(head -c 40000 /dev/zero | tr '\0' a)" "$url/v1/models")" = "2 431" ] || fail "a large header"
node "$client" "$url" || fail "Node's client"
# The preface where a second request should be.
python3 - "${url##*:}" <<'PY'
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20) as raw:
    raw.sendall(b"GET /health HTTP/1.1\r\nHost: h\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    answer = b""
    while piece := raw.recv(65536):
        answer += piece
assert answer.startswith(b"HTTP/1.1 200") and b"HTTP/1.1 505" in answer, answer
PY
# Answers that are on their way come to their end when the server is asked to stop.
printf '{"prompt":"zebrafinch","stream":true,"max_tokens":900,"n":8,"logit_bias":{"2043":-100,"2045":-100}}' >long
asking=()
for i in 1 2; do  # 16 answers, which is as many as there are places
  curl -sN --http2-prior-knowledge -H 'content-type: application/json' "$url/v1/completions" -d @long >"last$i" &
  asking+=($!)
done
for i in 1 2; do
  for _ in $(seq 200); do [ ! -s "last$i" ] || break; sleep 0.02; done
done
! grep -q '^data: \[DONE\]' last? || fail "an answer was over too soon to see it end"
stop_server
for i in 1 2; do
  wait "${asking[i - 1]}" || fail "answer $i was cut off"
  grep -q '^data: \[DONE\]' "last$i" || fail "answer $i has no end"
done
! grep -q zebrafinch log screen || fail "words are in a log"

SOTTO_TEE=simulated SOTTO_PLAIN='' start_server demo --listen 127.0.0.1:0 --log log --parallel 16 --queue 200
[ "$(spoken -k --http2 "$url/health")" = "2 200" ] || fail "ALPN chooses no h2"
[ "$(spoken -k --http1.1 "$url/health")" = "1.1 200" ] || fail "HTTP/1.1 with TLS"
node "$client" "$url" || fail "Node's client, with TLS"
"$sotto" chat "$url" --allow-simulated --direct "Hello" >out 2>err || fail "our own client: $(cat err)"
stop_server
echo "http2: all passed"
