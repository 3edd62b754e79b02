"""A plain safetensors reader and writer: 8 bytes header length (little endian), JSON header, tensor bytes."""

import json
import struct

import torch

_NAME_OF = {torch.float64: "F64", torch.float32: "F32", torch.bfloat16: "BF16", torch.int64: "I64"}
_TYPE_OF = {name: dtype for dtype, name in _NAME_OF.items()}
_BYTES_OF = {"F64": 8, "F32": 4, "BF16": 2, "I64": 8}


def write(path, tensors):
    """Writes {name: tensor}: larger element types first, then by name, without gaps; the header padded to 8 bytes."""
    names = sorted(tensors, key=lambda name: (-_BYTES_OF[_NAME_OF[tensors[name].dtype]], name))
    header = {"__metadata__": {"format": "pt"}}
    chunks, offset = [], 0
    for name in names:
        tensor = tensors[name].detach().contiguous()
        chunk = _bytes(tensor)
        header[name] = {
            "dtype": _NAME_OF[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(chunk)],
        }
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for chunk in chunks:
            file.write(chunk)


def read(path):
    """Reads {name: tensor} in the stored types; refuses gaps and bytes that no tensor owns."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    data = content[8 + length :]
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        start, stop = entry["data_offsets"]
        if start != end:
            raise ValueError(f"{path}: tensor '{name}' starts at {start}, the one before it ends at {end}.")
        end = stop
        tensors[name] = _tensor(data[start:stop], entry["dtype"], entry["shape"])
    if end != len(data):
        raise ValueError(f"{path}: {len(data) - end} bytes after the last tensor.")
    return tensors


def _bytes(tensor):
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.numpy().astype(tensor.numpy().dtype.newbyteorder("<")).tobytes()


def _tensor(chunk, type_name, shape):
    dtype = _TYPE_OF[type_name]
    if not chunk:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(chunk), dtype=dtype).reshape(shape).clone()
