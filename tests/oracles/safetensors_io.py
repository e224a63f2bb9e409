# SPDX-License-Identifier: MIT
"""Reads and writes safetensors files with numpy alone (Debian's Python has no package for it).

A file is: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}}, the data."""
import json
import struct

import numpy as np

NUMPY_OF = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?"}
NAME_OF = {np.dtype(code): name for name, code in NUMPY_OF.items()}


def header(path):
    """(header as a dict, offset of the data section)"""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        return json.loads(file.read(size)), 8 + size


def metadata(path):
    return header(path)[0].get("__metadata__", {})


def load(path):
    """name -> array, read-only and mapped from the file: large files cost memory only where they are looked at."""
    entries, start = header(path)
    data = np.memmap(path, np.uint8, "r")
    arrays = {}
    for name, entry in entries.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            arrays[name] = np.frombuffer(data[start + begin:start + end], NUMPY_OF[entry["dtype"]]).reshape(entry["shape"])
    return arrays


def save(path, arrays, metadata=None):
    entries, blobs, offset = {"__metadata__": metadata} if metadata else {}, [], 0
    for name, array in arrays.items():
        array = np.asarray(array)
        entries[name] = {"dtype": NAME_OF[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        blobs.append(array)
        offset += array.nbytes
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in blobs:
            file.write(np.ascontiguousarray(array).tobytes())
