#!/usr/bin/env python3
"""Prints a GGUF model's file_sha256 and model_root: a second implementation of docs/protocols/model-identity.md.

It trusts its input to be well formed, reads it with the standard library only, and shares no code with Sotto, so that the
two can be held against each other.

Usage: model_identity.py FILE.gguf [FILE.gguf ...]   (all files of a split set, in order)
       model_identity.py --leaves FILE.gguf
"""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import struct
import sys

SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY = 8, 9
# Tensor type number: (elements, bytes) of a block.
BLOCKS = {
    0: (1, 4), 1: (1, 2), 30: (1, 2),
    2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 20: (32, 18),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 21: (256, 110), 22: (256, 82),
    23: (256, 136), 29: (256, 56), 34: (256, 54), 35: (256, 66),
}


class Reader:
    def __init__(self, file):
        self.file = file

    def take(self, count):
        data = self.file.read(count)
        if len(data) != count:
            raise ValueError("the file ends early")
        return data

    def number(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize(form)))[0]

    def string(self):
        return self.take(self.number("Q"))

    def value(self, kind):
        """The encoded bytes of one value."""
        if kind == STRING:
            text = self.string()
            return struct.pack("<Q", len(text)) + text
        if kind == ARRAY:
            item = self.number("I")
            count = self.number("Q")
            head = struct.pack("<IQ", item, count)
            if item == STRING:
                return head + b"".join(self.value(STRING) for _ in range(count))
            return head + self.take(SCALAR_BYTES[item] * count)
        return self.take(SCALAR_BYTES[kind])


def string(data):
    return struct.pack("<Q", len(data)) + data


def leaf(content):
    return hashlib.sha256(b"\0" + content).digest()


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return hashlib.sha256(b"\1" + root(leaves[:left]) + root(leaves[left:])).digest()


def read_file(path):
    """The metadata pairs as (key, encoded value with its type), and the tensor leaves, each with its name."""
    with open(path, "rb") as file:
        reader = Reader(file)
        assert reader.take(4) == b"GGUF" and reader.number("I") in (2, 3)
        tensor_count, pair_count = reader.number("Q"), reader.number("Q")
        pairs = []
        for _ in range(pair_count):
            key, kind = reader.string(), reader.number("I")
            pairs.append((key, struct.pack("<I", kind) + reader.value(kind)))
        tensors = []
        for _ in range(tensor_count):
            name = reader.string()
            shape = [reader.number("Q") for _ in range(reader.number("I"))]
            tensors.append((name, shape, reader.number("I"), reader.number("Q")))
        alignment = 32
        for key, value in pairs:
            if key == b"general.alignment":
                alignment = struct.unpack("<I", value[4:])[0]
        data = -(-file.tell() // alignment) * alignment
        leaves = []
        for name, shape, kind, offset in tensors:
            elements, size = BLOCKS[kind]
            left = size
            for dimension in shape:
                left *= dimension
            left //= elements
            file.seek(data + offset)
            digest = hashlib.sha256()
            while left:
                piece = reader.take(min(left, 1 << 20))
                digest.update(piece)
                left -= len(piece)
            content = b"T" + string(name) + struct.pack("<II", kind, len(shape))
            content += b"".join(struct.pack("<Q", dimension) for dimension in shape) + digest.digest()
            leaves.append((name, leaf(content)))
        return pairs, leaves


def file_sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def named_leaves(paths):
    files = [read_file(path) for path in paths]
    pairs = files[0][0]
    sections = [b"general.sampling.", b"tokenizer."]
    for key, value in pairs:
        if key == b"general.architecture" and value[:4] == struct.pack("<I", STRING) and len(value) > 12:
            sections.append(value[12:] + b".")
    covered = [
        (key, leaf(b"M" + string(key) + value))
        for key, value in pairs
        if key == b"general.architecture" or any(key.startswith(s) for s in sections)
    ]
    tensors = [entry for _, leaves in files for entry in leaves]
    head = leaf(string(b"sotto-model-v1") + struct.pack("<QQ", len(covered), len(tensors)))
    return [(b"header", head)] + covered + tensors


def identity(paths):
    return {
        "file_sha256": [file_sha256(path) for path in paths],
        "model_root": root([digest for _, digest in named_leaves(paths)]).hex(),
    }


def main():
    arguments = sys.argv[1:]
    show_leaves = arguments[:1] == ["--leaves"]
    paths = arguments[show_leaves:]
    if not paths or paths[0].startswith("-"):
        sys.exit(__doc__)
    answer = identity(paths)
    if show_leaves:
        answer["leaves"] = [[name.decode(), digest.hex()] for name, digest in named_leaves(paths)]
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
