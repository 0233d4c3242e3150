# SPDX-License-Identifier: Apache-2.0
"""Models for test-first-techniques.sh, and what should have become of them, computed anew: by Python's
own numbers and struct, without a line of ours.

techniques.py make      writes a.safetensors, b.safetensors, bad.safetensors, other.safetensors
techniques.py NAME FILE compares a result with what NAME expects
"""
import json
import math
import struct
import sys

FORMATS = {"F32": "f", "F16": "e", "F64": "d", "I32": "i"}


def write(path, tensors):
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}{FORMATS[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    with open(path, "rb") as file:
        raw = file.read()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        bytes_ = raw[8 + size + first:8 + size + last]
        if entry["dtype"] == "BF16":
            halves = struct.unpack(f"<{len(bytes_) // 2}H", bytes_)
            values = [struct.unpack("<f", struct.pack("<I", half << 16))[0] for half in halves]
        else:
            code = FORMATS[entry["dtype"]]
            values = list(struct.unpack(f"<{len(bytes_) // struct.calcsize(code)}{code}", bytes_))
        tensors[name] = (entry["dtype"], entry["shape"], values)
    return tensors


def float32(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


def float16(number):
    return struct.unpack("<e", struct.pack("<e", number))[0]


def bfloat16(number):
    (bits,) = struct.unpack("<I", struct.pack("<f", number))
    bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def numbers(count, seed):
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) % 2**31
        yield float32(math.tan((seed / 2**31 - 0.5) * 3.1) * 0.02)


def model(seed, extra=0.0):
    return {
        "layer.0.weight": ("F32", [120, 50], list(numbers(6000, seed))),
        "layer.0.bias": ("F32", [50], [0.0] * 20 + list(numbers(30, seed + 1))),
        "layer.1.weight": ("F16", [3, 50], [float16(x) for x in numbers(150, seed + 2)]),
        "ids": ("I32", [4], [1, 2, 3, 400000 + int(extra)]),
    }


def make():
    write("a.safetensors", model(1))
    write("b.safetensors", model(7, 1))
    bad = model(1)
    bad["layer.0.weight"][2][4321] = math.inf
    write("bad.safetensors", bad)
    other = model(7)
    other["layer.0.weight"] = ("F32", [50, 120], other["layer.0.weight"][2])
    write("other.safetensors", other)
    large = model(1)
    large["layer.0.weight"][2][17] = 1e6
    write("large.safetensors", large)
    # Of float16 the least number is 2^-24; half of it is the last one that becomes zero.
    write("tiny.safetensors", {
        "w": ("F32", [6], [0.0, -0.0, 2.0**-25, 2.0**-25 * (1 + 2.0**-20), -1e-10, 1.0]),
        "d": ("F64", [4], [1.0, 1e-46, -1e-320, 0.0]),
    })


def cast(tensors):
    return {name: (dtype, shape, values) if dtype == "I32"
            else ("BF16", shape, [bfloat16(x) for x in values]) if name.endswith("bias")
            else ("F16", shape, [float16(x) for x in values])
            for name, (dtype, shape, values) in tensors.items()}


def clip_to(values, threshold):
    return [math.copysign(threshold, x) if abs(x) > threshold else x for x in values]


def below(dtype, threshold):
    """The largest number of the type that is not above the threshold."""
    if dtype != "F16":
        return threshold
    near = float16(threshold)
    (bits,) = struct.unpack("<H", struct.pack("<e", near))
    return struct.unpack("<e", struct.pack("<H", bits - (near > threshold)))[0]


def clip(tensors):
    sizes = sorted(abs(x) for dtype, _, values in tensors.values() if dtype != "I32" for x in values)
    threshold = sizes[math.ceil(len(sizes) * 97 / 100) - 1]
    return {name: (dtype, shape, values if dtype == "I32" else clip_to(values, below(dtype, threshold)))
            for name, (dtype, shape, values) in tensors.items()}


def clip_tensor(tensors):
    result = {}
    for name, (dtype, shape, values) in tensors.items():
        if dtype != "I32":
            sizes = sorted(abs(x) for x in values)
            values = clip_to(values, sizes[math.ceil(len(sizes) * 90 / 100) - 1])
        result[name] = (dtype, shape, values)
    return result


def merge(tensors):
    result, others = {}, read("b.safetensors")
    for name, (dtype, shape, values) in tensors.items():
        if dtype != "I32":
            rounded = float32 if dtype == "F32" else float16
            values = [rounded(0.75 * x + 0.25 * y) for x, y in zip(values, others[name][2])]
        result[name] = (dtype, shape, values)
    return result


def rename(tensors):
    return {{"ids": "tokens"}.get(name, name.replace("layer.", "blk.")): entry
            for name, entry in tensors.items()}


EXPECTED = {"cast": cast, "clip": clip, "clip-tensor": clip_tensor, "merge": merge, "rename": rename}


def compare(name, path):
    wanted, found = EXPECTED[name](read("a.safetensors")), read(path)
    if sorted(wanted) != sorted(found):
        sys.exit(f"{name}: tensors are {sorted(found)}, wanted {sorted(wanted)}")
    for tensor, (dtype, shape, values) in wanted.items():
        if found[tensor][:2] != (dtype, shape):
            sys.exit(f"{name}: {tensor} is {found[tensor][:2]}, wanted {(dtype, shape)}")
        for i, (got, want) in enumerate(zip(found[tensor][2], values)):
            if got != want or math.copysign(1, got) != math.copysign(1, want):
                sys.exit(f"{name}: {tensor}[{i}] is {got!r}, wanted {want!r}")


def profile(path):
    """The table of a report against the model."""
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)["stages"]["profile"]["tables"]["tensors"]
    tensors = read("a.safetensors")
    if [row["tensor"] for row in rows] != list(tensors):
        sys.exit(f"profile: rows are {[row['tensor'] for row in rows]}")
    for row in rows:
        _, shape, values = tensors[row["tensor"]]
        wanted = {"shape": "x".join(map(str, shape)), "parameters": len(values),
                  "zeros": values.count(0), "min": min(values), "max": max(values),
                  "mean": math.fsum(values) / len(values),
                  "distinct": str(len(set(values))) if len(set(values)) <= 256 else ">256"}
        for key, value in wanted.items():
            close = isinstance(value, float) and math.isclose(row[key], value, rel_tol=1e-15)
            if row[key] != value and not close:
                sys.exit(f"profile: {row['tensor']} has {key} {row[key]!r}, wanted {value!r}")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    elif sys.argv[1] == "profile":
        profile(sys.argv[2])
    else:
        compare(sys.argv[1], sys.argv[2])
