# SPDX-License-Identifier: Apache-2.0
"""What test-low-rank.sh asks numpy.

low-rank.py make                writes decaying.safetensors, and products.onnx
low-rank.py best IN OUT FACTOR  no factors of OUT are further from a tensor of IN than FACTOR times numpy's best ones of
                                that rank
low-rank.py dense IN OUT INTO   writes the products of the factors of OUT under the names that they have in IN
"""
import json
import os
import struct
import sys

import numpy

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "pipelines"))
import networks  # noqa: E402

TYPES = {"F16": numpy.float16, "F32": numpy.float32, "F64": numpy.float64}


def read(path):
    with open(path, "rb") as file:
        raw = file.read()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8:8 + size])
    header.pop("__metadata__", None)
    return {name: numpy.frombuffer(raw[8 + size:][slice(*entry["data_offsets"])], TYPES[entry["dtype"]])
            .reshape(entry["shape"]) for name, entry in header.items()}


def write(path, tensors):
    names = {kind: name for name, kind in TYPES.items()}
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = numpy.ascontiguousarray(tensor).tobytes()
        header[name] = {"dtype": names[tensor.dtype.type], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def make():
    draw = numpy.random.default_rng(5)

    def fading(rows, columns, fade, kind):
        least = min(rows, columns)
        left = numpy.linalg.qr(draw.standard_normal((rows, least)))[0]
        right = numpy.linalg.qr(draw.standard_normal((columns, least)))[0]
        return (left * fade(numpy.arange(1, least + 1)) @ right.T).astype(kind)

    write("decaying.safetensors", {
        "slow.weight": fading(130, 90, lambda i: i ** -0.5, numpy.float32),
        "power.weight": fading(80, 300, lambda i: 1.0 / i, numpy.float32),
        "fast.weight": fading(200, 200, lambda i: 0.8 ** i, numpy.float64),
        "half.weight": fading(64, 96, lambda i: 20.0 / i, numpy.float16),
        "flat.weight": draw.standard_normal((70, 75)).astype(numpy.float32),
    })


def products():
    """A weight on either side of each kind of product, turned and not, and one that two nodes need."""
    draw = numpy.random.default_rng(8)
    shapes = {"a": [16, 18], "b": [14, 18], "c": [20, 22], "d": [12, 14], "e": [12, 20], "g": [13, 22], "h": [17, 13],
              "i": [19, 17], "bias": [14], "more": [22]}
    weights = {name: (shape, [float(x) for x in draw.standard_normal(int(numpy.prod(shape))) * 0.3])
               for name, shape in shapes.items()}
    node = networks.node
    networks.write("products.onnx", [
        node("MatMul", ["x", "a"], ["t"], "one"), node("MatMul", ["s", "a"], ["u"], "two"),
        node("Sin", ["x"], ["s"], "sine"), node("Add", ["t", "u"], ["t0"], "sum"),
        node("Gemm", ["t0", "b", "bias"], ["t1"], "right-turned", transB=1),
        node("Gemm", ["t1", "c"], ["t2"], "right-of-turned", transA=1),
        node("Gemm", ["d", "t2", "more"], ["t3"], "left"),
        node("Gemm", ["e", "t3"], ["t4"], "left-turned", transA=1),
        node("Gemm", ["g", "t4"], ["t5"], "left-of-turned", transB=1),
        node("MatMul", ["h", "t5"], ["t6"], "left-plain"),
        node("Gemm", ["t6", "i"], ["y"], "both", transA=1, transB=1),
    ], weights, [20, 16], 19)


def pairs(before, after):
    for name, tensor in before.items():
        stem = name[:-len(".weight")] if name.endswith(".weight") else name
        end = name[len(stem):]
        if f"{stem}.u{end}" in after:
            u, v = after[f"{stem}.u{end}"], after[f"{stem}.v{end}"]
            yield name, tensor, u.reshape(u.shape[:2]).astype(float), v.reshape(len(v), -1).astype(float)


def best(before, after, factor):
    count = 0
    for name, tensor, u, v in pairs(before, after):
        whole = tensor.reshape(len(tensor), -1).astype(float)
        values = numpy.linalg.svd(whole, compute_uv=False)
        least = numpy.sqrt((values[u.shape[1]:] ** 2).sum()) / numpy.linalg.norm(whole)
        found = numpy.linalg.norm(whole - u @ v) / numpy.linalg.norm(whole)
        rounding = {2: 2e-3, 4: 2e-7, 8: 1e-14}[tensor.dtype.itemsize]
        print(name, "rank", u.shape[1], "error", found, "best", least)
        if not least * (1 - 1e-5) - rounding <= found <= least * factor + rounding:
            sys.exit(f"{name}: the error is {found}, and {least} is the best one")
        count += 1
    if count != len(before):
        sys.exit(f"{count} of {len(before)} tensors are factors")


def main():
    if sys.argv[1] == "make":
        make()
        return products()
    before, after = read(sys.argv[2]), read(sys.argv[3])
    if sys.argv[1] == "best":
        return best(before, after, float(sys.argv[4]))
    return write(sys.argv[4], {name: (u @ v).reshape(tensor.shape).astype(tensor.dtype)
                               for name, tensor, u, v in pairs(before, after)})


main()
