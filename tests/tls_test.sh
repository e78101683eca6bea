#!/usr/bin/env bash
# TLS that ends in the node: its attested key, an operator's certificate, and whoever ends TLS in between.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
sotto=$1
# shellcheck source=tests/with_server.sh
source "$SOTTO_SOURCE_DIR/tests/with_server.sh"
fail() { echo "FAILED: $1"; exit 1; }
middle=
also_leave() { [ -z "$middle" ] || kill "$middle" 2>/dev/null || true; leave; }
trap also_leave EXIT
export SOTTO_TEE=simulated SOTTO_PLAIN=

start_server demo --listen 127.0.0.1:0 --log log
case $url in https://*) ;; *) fail "with a TEE it speaks no TLS: $url" ;; esac
port=${url##*:}
curl -skf "$url/health" >/dev/null || fail "no TLS"
! curl -sf "http://127.0.0.1:$port/health" >/dev/null || fail "it speaks plain HTTP, too"
! curl -skf --tls-max 1.2 "$url/health" >/dev/null || fail "it speaks TLS 1.2"
# The certificate's key is the statement's, and the certificate has the evidence.
curl -skf "$url/attestation" >bundle.json
"$sotto" verify bundle.json --allow-simulated --json >verdict
openssl s_client -connect "127.0.0.1:$port" </dev/null 2>/dev/null | openssl x509 -out node.pem
spki=$(openssl x509 -in node.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -c1-64)
openssl x509 -in node.pem -outform DER >node.der
# The two extensions carry one wrapper, id-pe-cmw inside an OCTET STRING of its own; with collateral it verifies.
python3 - <<'PY'
import json, subprocess
def extension(oid):
    lines = subprocess.run(["openssl", "asn1parse", "-inform", "DER", "-in", "node.der"], capture_output=True, text=True, check=True).stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.endswith(":" + oid))
    value = next(line for line in lines[at:] if "OCTET STRING" in line)
    return bytes.fromhex(value.rsplit(":", 1)[1])
cmw, tcg = extension("1.3.6.1.5.5.7.1.35"), extension("2.23.133.5.4.9")
assert cmw[:2] == b"\x04\x82" and int.from_bytes(cmw[2:4], "big") == len(cmw) - 4 and cmw[4:] == tcg, "the wrappers differ"
media_type = b"application/vnd.sotto.bundle+json"
head = b"\x82\x78" + bytes([len(media_type)]) + media_type
assert tcg.startswith(head + b"\x59") and int.from_bytes(tcg[len(head) + 1:len(head) + 3], "big") == len(tcg) - len(head) - 3
certified = json.loads(tcg[len(head) + 3:])
assert not certified.get("collateral"), "collateral in every handshake"
certified["collateral"] = json.load(open("bundle.json"))["collateral"]
json.dump(certified, open("certified.json", "w"))
PY
"$sotto" verify certified.json --allow-simulated >/dev/null || fail "the certificate's evidence"
python3 - "$spki" <<'PY'
import base64, json, sys
stated = json.load(open("verdict"))["statement"]["tls_spki_sha256"]
assert base64.urlsafe_b64decode(stated + "=") == bytes.fromhex(sys.argv[1]), "another key than the statement's"
PY
# An end of ours is told from one that somebody else made.
python3 - "$port" <<'PY'
import socket, ssl, sys
context = ssl._create_unverified_context()
requests = {
    "Connection: close": b"GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    "HTTP/1.0": b"GET /health HTTP/1.0\r\nHost: h\r\n\r\n",
    "a bad request": b"GET /health NONSENSE\r\n\r\n" + 60000 * b"x",
}
for name, request in requests.items():
    raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
    with context.wrap_socket(raw, suppress_ragged_eofs=False) as tls:
        tls.sendall(request)
        answer = b""
        while piece := tls.recv(65536):  # raises where the end is not TLS's own
            answer += piece
    assert answer.startswith(b"HTTP/1.1 "), (name, answer)
PY
"$sotto" chat "$url" --allow-simulated --direct "zebrafinch?" >out 2>err || fail "--direct: $(cat err)"
[ -s out ] || fail "--direct: no answer"
"$sotto" chat "$url" --allow-simulated "zebrafinch?" >out 2>err || fail "sealed, over TLS: $(cat err)"
"$sotto" verify "$url" --allow-simulated >/dev/null || fail "verify of a URL"

# Somebody who ends TLS with another key sees sealed messages only; without sealing nothing is sent.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout middle.key -out middle.pem -days 2 \
  -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost 2>/dev/null
cat >middle.py <<'PY'
import socket, ssl, sys, threading
port = int(sys.argv[1])
inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
inside.load_cert_chain("middle.pem", "middle.key")
outside = ssl._create_unverified_context()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def carry(a, b):
    try:
        while data := a.recv(65536):
            with open("wire", "ab") as wire:
                wire.write(data)
            b.sendall(data)
    except OSError:
        pass
    for one in (a, b):
        try: one.shutdown(socket.SHUT_RDWR)
        except OSError: pass
def serve(raw):
    try:
        client = inside.wrap_socket(raw, server_side=True)
        node = outside.wrap_socket(socket.create_connection(("127.0.0.1", port)))
    except (OSError, ssl.SSLError):
        return
    threading.Thread(target=carry, args=(client, node), daemon=True).start()
    carry(node, client)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
PY
: >wire
python3 middle.py "$port" >middle_port &
middle=$!
for _ in $(seq 100); do [ ! -s middle_port ] || break; sleep 0.1; done
between=https://127.0.0.1:$(cat middle_port)
"$sotto" chat "$between" --allow-simulated "zebrafinch?" >out 2>err || fail "sealed, through somebody: $(cat err)"
! grep -qa zebrafinch wire || fail "somebody in between reads a sealed question"
status=0; "$sotto" chat "$between" --allow-simulated --direct "zebrafinch?" >out 2>err || status=$?
[ $status -eq 1 ] && [ ! -s out ] || fail "--direct goes through somebody: $status, $(cat err)"
! grep -qa zebrafinch wire || fail "--direct: the question was sent before the key was looked at"
stop_server

# An operator's certificate; the official client checks it like any other.
start_server demo --listen 127.0.0.1:0 --log log --tls-cert middle.pem --tls-key middle.key
curl -sf --cacert middle.pem "$url/health" >/dev/null || fail "the operator's certificate"
"$sotto" chat "$url" --allow-simulated --direct "Hello" >out 2>err || fail "--direct with the operator's certificate: $(cat err)"
stop_server
openssl ecparam -name prime256v1 -genkey -noout -out other.key
status=0; "$sotto" serve demo --tls-cert middle.pem --tls-key other.key 2>err || status=$?
[ $status -eq 3 ] && grep -q 'tls-key' err || fail "a key of another certificate: $(cat err)"
status=0; "$sotto" serve demo --tls-cert middle.pem 2>err || status=$?
[ $status -eq 2 ] || fail "a certificate without its key"

# Plain by name, and the statement's configuration says so.
"$sotto" serve demo --tee simulated --plain --print-config | grep -q '^plain = true' || fail "--plain is not in the configuration"
"$sotto" serve demo --tee simulated --azure-document --print-config | grep -q '^azure-document = true' || fail "--azure-document is not in the configuration"
SOTTO_PLAIN=true start_server demo --listen 127.0.0.1:0 --log log
curl -sf "$url/health" >/dev/null || fail "--plain"
status=0; "$sotto" chat "$url" --allow-simulated --direct "zebrafinch?" >out 2>err || status=$?
[ $status -ne 0 ] && [ ! -s out ] || fail "--direct without TLS"
stop_server
! grep -q zebrafinch log screen || fail "words are in a log"
echo "tls: all passed"
