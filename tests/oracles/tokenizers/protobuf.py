"""The few steps of protobuf that the scripts here need: fields of a message, and messages of fields."""
import struct


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Yields (number, wire type, value, bytes of the whole field)."""
    at = 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        elif tag & 7 == 2:
            length, at = varint(data, at)
            value = data[at:at + length]
            at += length
        elif tag & 7 == 5:
            value = struct.unpack_from("<f", data, at)[0]
            at += 4
        else:
            raise ValueError(f"wire type {tag & 7}")
        yield tag >> 3, tag & 7, value, data[start:at]


def number(value):
    out = bytearray()
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    out.append(value)
    return bytes(out)


def message(field, data):
    return number(field * 8 + 2) + number(len(data)) + data
