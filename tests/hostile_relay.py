#!/usr/bin/env python3
# A relay between the proxy and a node that does one bad thing: hostile_relay.py NODE_PORT WIRE MODE_FILE
# SPDX-License-Identifier: Apache-2.0
"""Prints its port. Reads the mode anew for each request; appends all that passes to the file WIRE."""

import http.client
import http.server
import json
import sys
import base64

NODE, WIRE, MODE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
kept = {}


def b64(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def unb64(data):
    return base64.urlsafe_b64encode(data).decode().rstrip('=')


def chunks_of(body):
    """The response's nonce and its chunks, each with its length in front."""
    parts, at = [body[:16]], 16
    while at < len(body):
        size = 1 << (body[at] >> 6)
        value = body[at] & 0x3f
        for byte in body[at + 1:at + size]:
            value = value << 8 | byte
        end = len(body) if value == 0 else at + size + value
        parts.append(body[at:end])
        at = end
    return parts


def spoil_bundle(mode, body):
    bundle = json.loads(body)
    statement = b64(bundle['statement'])
    if mode == 'statement':
        bundle['statement'] = unb64(statement.replace(b'"demo"', b'"Demo"'))
    elif mode == 'ohttp-key':
        text = json.loads(statement)
        keys = bytearray(b64(text['ohttp_keys']))
        keys[7] ^= 1
        text['ohttp_keys'] = unb64(bytes(keys))
        bundle['statement'] = unb64(json.dumps(text, separators=(',', ':')).encode())
    elif mode == 'receipt-key':
        text = json.loads(statement)
        text['receipt_key'] = unb64(bytes(32))
        bundle['statement'] = unb64(json.dumps(text, separators=(',', ':')).encode())
    elif mode == 'old-bundle':
        return kept.setdefault('bundle', body)
    elif mode == 'no-evidence':
        bundle['evidence'] = []
    elif mode == 'no-collateral':
        bundle['collateral'] = {}
    elif mode == 'unknown-member':
        bundle['verified'] = True
    elif mode == 'other-evidence':
        other = json.loads(kept.setdefault('other', body))
        bundle['evidence'] = other['evidence']
        bundle['collateral'] = other['collateral']
    return json.dumps(bundle).encode()


def spoil_answer(mode, body):
    parts = chunks_of(body)
    name, _, number = mode.partition(' ')
    # How many there are depends on how fast tokens come; the last one is a border, too.
    at = min(int(number or 0), len(parts) - (2 if name == 'swap' else 1))
    if name == 'cut':
        parts = parts[:at]
    elif name == 'swap':
        parts[at], parts[at + 1] = parts[at + 1], parts[at]
    elif name == 'double':
        parts.insert(at, parts[at])
    elif name == 'drop':
        del parts[at]
    elif name == 'splice':
        other = kept.setdefault('answer', parts)
        parts[at] = other[min(at, len(other) - 1)]
    elif name == 'flip':
        part = bytearray(parts[at])
        part[-1] ^= 1
        parts[at] = bytes(part)
    elif name == 'replay-answer':
        parts = kept.setdefault('whole', parts)
    return b''.join(parts)


class Relay(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def pass_on(self):
        mode = open(MODE).read().strip()
        length = int(self.headers.get('content-length') or 0)
        asked = self.rfile.read(length)
        with open(WIRE, 'ab') as wire:
            wire.write(asked)
        if mode == 'answer-in-clear' and self.path == '/ohttp':
            return self.reply(200, 'application/json', b'{"choices":[]}')
        if mode == 'downgrade' and self.path == '/ohttp':
            return self.reply(307, 'text/plain', b'', location='/v1/chat/completions')
        if mode == 'refuse-key' and self.path == '/ohttp':
            return self.reply(400, 'application/problem+json',
                              b'{"type":"https://iana.org/assignments/http-problem-types#ohttp-key"}')
        if mode == 'empty-evidence' and self.path.startswith('/attestation'):
            return self.reply(200, 'application/json', b'')
        if mode == 'replay' and self.path == '/ohttp':
            asked = kept.setdefault('request', asked)
        node = http.client.HTTPConnection('127.0.0.1', NODE)
        fields = {'content-type': self.headers.get('content-type') or 'text/plain'}
        try:
            node.request(self.command, self.path, asked, fields)
            answer = node.getresponse()
            body = answer.read()
        except OSError:
            return self.reply(502, 'text/plain', b'')
        if self.path.startswith('/attestation') and answer.status == 200:
            body = spoil_bundle(mode, body)
        elif self.path == '/ohttp' and answer.status == 200:
            body = spoil_answer(mode, body)
        with open(WIRE, 'ab') as wire:
            wire.write(body)
        self.reply(answer.status, answer.getheader('content-type'), body)

    def reply(self, status, kind, body, **fields):
        self.send_response(status)
        self.send_header('content-type', kind)
        self.send_header('content-length', str(len(body)))
        for name, value in fields.items():
            self.send_header(name, value)
        try:
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            pass  # who sees a bad piece does not wait for the rest

    do_GET = do_POST = pass_on

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request, address):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # clients leave at what is bad
            super().handle_error(request, address)


server = Server(('127.0.0.1', 0), Relay)
print(server.server_address[1], flush=True)
server.serve_forever()
