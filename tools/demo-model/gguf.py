"""Writes and reads the GGUF file of the demonstration model: version 3, Q8_0 and F32 tensors.

SPDX-License-Identifier: Apache-2.0
"""

import struct

import numpy

MAGIC = 0x46554747
VERSION = 3
ALIGNMENT = 32
F32, Q8_0 = 0, 8
BLOCK = 32
BLOCK_DTYPE = numpy.dtype([("scale", "<f2"), ("weights", "i1", BLOCK)])
UINT32, FLOAT32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", UINT32: "<I", 5: "<i", FLOAT32: "<f", BOOL: "<?",
           10: "<Q", 11: "<q", 12: "<d"}


def quantize(values):
    """Q8_0: blocks of 32 weights, one half-precision scale each."""
    blocks = values.astype(numpy.float32).reshape(-1, BLOCK)
    scale = numpy.abs(blocks).max(axis=1) / 127
    inverse = numpy.where(scale > 0, 1 / numpy.where(scale > 0, scale, 1), 0)
    out = numpy.empty(len(blocks), BLOCK_DTYPE)
    out["scale"] = scale
    out["weights"] = numpy.rint(blocks * inverse[:, None]).astype(numpy.int8)
    return out.tobytes()


def dequantize(data):
    blocks = numpy.frombuffer(data, BLOCK_DTYPE)
    return blocks["weights"].astype(numpy.float32) * blocks["scale"].astype(numpy.float32)[:, None]


def pack_string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def pack_value(value):
    """The type is taken from Python's: bool, int (as u32), float (as f32), str, list."""
    if isinstance(value, bool):
        return BOOL, struct.pack("<?", value)
    if isinstance(value, int):
        return UINT32, struct.pack("<I", value)
    if isinstance(value, float):
        return FLOAT32, struct.pack("<f", value)
    if isinstance(value, str):
        return STRING, pack_string(value)
    packed = [pack_value(item) for item in value]
    kind = packed[0][0]
    assert all(item[0] == kind for item in packed)
    return ARRAY, struct.pack("<IQ", kind, len(packed)) + b"".join(item[1] for item in packed)


def pad(data):
    return data + bytes(-len(data) % ALIGNMENT)


def write(path, metadata, tensors):
    """`tensors`: name -> float array in row-major order; matrices become Q8_0, vectors F32."""
    head = struct.pack("<IIQQ", MAGIC, VERSION, len(tensors), len(metadata))
    for key, value in metadata.items():
        kind, data = pack_value(value)
        head += pack_string(key) + struct.pack("<I", kind) + data
    body = b""
    for name, values in tensors.items():
        kind = Q8_0 if values.ndim == 2 else F32
        data = quantize(values) if kind == Q8_0 else values.astype("<f4").tobytes()
        head += pack_string(name) + struct.pack("<I", values.ndim)
        head += struct.pack(f"<{values.ndim}Q", *reversed(values.shape))
        head += struct.pack("<IQ", kind, len(body))
        body += pad(data)
    path.write_bytes(pad(head) + body)


class Reader:
    """Reads what write() writes, for the check; it trusts the file."""

    def __init__(self, path):
        self.data = path.read_bytes()
        self.at = 0
        magic, version, tensor_count, metadata_count = self.take("<IIQQ")
        assert (magic, version) == (MAGIC, VERSION), "not a GGUF file of version 3"
        self.metadata = {}
        for _ in range(metadata_count):
            key = self.string()
            self.metadata[key] = self.value(self.take("<I")[0])
        infos = [self.tensor_info() for _ in range(tensor_count)]
        base = self.at + (-self.at % ALIGNMENT)
        self.tensors = {name: self.tensor(shape, kind, base + offset)
                        for name, shape, kind, offset in infos}

    def take(self, layout):
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def string(self):
        length, = self.take("<Q")
        text = self.data[self.at:self.at + length].decode()
        self.at += length
        return text

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, count = self.take("<IQ")
            return [self.value(kind) for _ in range(count)]
        return self.take(SCALARS[kind])[0]

    def tensor_info(self):
        name = self.string()
        dimensions, = self.take("<I")
        shape = tuple(reversed(self.take(f"<{dimensions}Q")))
        kind, offset = self.take("<IQ")
        return name, shape, kind, offset

    def tensor(self, shape, kind, offset):
        count = int(numpy.prod(shape))
        if kind == F32:
            return numpy.frombuffer(self.data, "<f4", count, offset).reshape(shape)
        size = count // BLOCK * BLOCK_DTYPE.itemsize
        return dequantize(self.data[offset:offset + size]).reshape(shape)
