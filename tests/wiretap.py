"""Passes TCP connections on to a port of this machine and keeps every byte of both directions in a file:
wiretap.py PORT FILE prints its own port. wiretap.py --compare CLEAR WIRE fails where what people said, as it stands
in the first file, stands in the second, too."""
# SPDX-License-Identifier: Apache-2.0
import re
import socket
import sys
import threading


def carry(source, sink, file, lock):
    try:
        while data := source.recv(65536):
            with lock:
                file.write(data)
                file.flush()
            sink.sendall(data)
    except OSError:
        pass
    for one in (source, sink):
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def tap(port, path):
    listener = socket.create_server(('127.0.0.1', 0))
    print(listener.getsockname()[1], flush=True)
    lock = threading.Lock()
    with open(path, 'ab') as file:
        while True:
            client, _ = listener.accept()
            node = socket.create_connection(('127.0.0.1', port))
            for one in (client, node):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for ends in ((client, node), (node, client)):
                threading.Thread(target=carry, args=(*ends, file, lock), daemon=True).start()


def compare(clear, wire):
    said = re.findall(rb'"(?:content|text|input|prompt|arguments|delta)":"((?:[^"\\]|\\.){8,})"', open(clear, 'rb').read())
    seen = open(wire, 'rb').read()
    assert len(set(said)) >= 20, f'only {len(set(said))} things were said'
    assert len(seen) > 100000, 'the wire was not captured'
    for words in set(said):
        assert words not in seen, f'{words!r} is on the wire'
    print(f'{len(set(said))} things were said, none of them is in the {len(seen)} bytes on the wire')


if sys.argv[1] == '--compare':
    compare(*sys.argv[2:])
else:
    tap(int(sys.argv[1]), sys.argv[2])
