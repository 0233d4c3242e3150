# SPDX-License-Identifier: Apache-2.0
"""Models for the tests of quantize, and what is to be seen in the results: by Python's own numbers and struct,
without a line of ours.

quantizes.py make                writes plain, outlier, odd, few, few-mended (what few is with NaN as zero, infinities as
                                 the greatest) and vector.safetensors, and products.onnx
quantizes.py odd FILE INFINITY   FILE is odd.safetensors as int8 per tensor, NaN as zero, infinities as INFINITY
quantizes.py biases FILE ...     what the errors of plain.safetensors' w add up to, in steps of its codes, the
                                 most of its rows
quantizes.py error FILE          the mean square of what FILE's w of int8 codes is off outlier.safetensors'
quantizes.py moved FILE LIMIT    FILE is what `why` says of a weight: code, scale and error are of one another
quantizes.py nodes FILE          how many nodes of each operator the network has
"""
import json
import math
import struct
import sys
from collections import Counter

from networks import field, info, node, numbers, parse, tensor

ROWS, COLUMNS = 32, 64


def gauss(count, seed):
    draw = numbers(seed)
    return [math.sqrt(-2 * math.log(next(draw) + 1e-9)) * math.cos(2 * math.pi * next(draw))
            for _ in range(count)]


def save(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def load(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    kinds = {"F32": "f", "I8": "b", "U8": "B"}
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        kind = kinds[entry["dtype"]]
        found[name] = struct.unpack(f"<{(end - begin) // struct.calcsize(kind)}{kind}", data[begin:end])
    return found


# Products of every kind: Gemm with its second factor turned, scaled, and with a bias; MatMul; Gemm of what Gemm
# gave; two of them with the same first factor.
def make_products():
    shapes = {"w1": [16, 24], "b1": [16], "w2": [24, 16], "w3": [16, 4], "b3": [4]}
    values = {name: [v / 4 for v in gauss(math.prod(shape), 20 + i)]
              for i, (name, shape) in enumerate(shapes.items())}
    # networks.py has no attributes that are floats: their number is 2, their type 1
    alpha = field(5, field(1, "alpha") + varfloat(0.5) + field(20, 1))
    beta = field(5, field(1, "beta") + varfloat(2.0) + field(20, 1))
    nodes = [node("Gemm", ["x", "w1", "b1"], ["a"], "first", transB=1) + alpha + beta,
             node("MatMul", ["x", "w2"], ["m"], "second"), node("Add", ["a", "m"], ["s"], "sum"),
             node("Relu", ["s"], ["r"], "relu"), node("Gemm", ["r", "w3", "b3"], ["y"], "third")]
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "g")
             + b"".join(field(5, tensor(n, shapes[n], values[n])) for n in shapes)
             + field(11, info("x", ["N", 24])) + field(12, info("y", ["N", 4])))
    with open("products.onnx", "wb") as file:
        file.write(field(1, 8) + field(7, graph) + field(8, field(2, 17)))


def varfloat(value):
    return bytes([2 << 3 | 5]) + struct.pack("<f", value)


def make():
    w = gauss(ROWS * COLUMNS, 3)
    w[5::7] = [0.0] * len(w[5::7])
    save("plain.safetensors", {"w": ([ROWS, COLUMNS], w), "b": ([ROWS], gauss(ROWS, 4)),
                               "u": ([8, 63], gauss(8 * 63, 14))})
    save("vector.safetensors", {"v": ([ROWS], gauss(ROWS, 5))})
    out = gauss(64 * 4096, 6)
    out[77] = 300.0
    save("outlier.safetensors", {"w": ([64, 4096], out)})
    odd = gauss(32, 8)
    odd[5], odd[9], odd[20] = math.nan, math.inf, -math.inf
    save("odd.safetensors", {"w": ([4, 8], odd), "fine": ([4, 8], gauss(32, 9))})
    few = [0.0] * 32
    few[1], few[7], few[8] = 2.0, -5.0, 3.0
    few[9], few[20] = 5.0, -5.0
    save("few-mended.safetensors", {"w": ([4, 8], few)})
    few[5], few[9], few[20] = math.nan, math.inf, -math.inf
    save("few.safetensors", {"w": ([4, 8], few)})
    make_products()


def check_odd(path, infinity):
    before, after = load("odd.safetensors")["w"], load(path)
    scale, = after["w.scale"]
    most = max(abs(v) for v in before if math.isfinite(v))
    assert abs(scale * 127 - most) < 1e-5 * most, (scale, most)
    for i, (was, code) in enumerate(zip(before, after["w"])):
        wanted = was if math.isfinite(was) else 0.0
        if math.isinf(was) and infinity == "greatest":
            wanted = math.copysign(most, was)
        assert abs(code * scale - wanted) <= scale * 0.5001, (i, was, code)


def rows(values):
    return [values[i:i + COLUMNS] for i in range(0, len(values), COLUMNS)]


def biases(path):
    before, after = load("plain.safetensors")["w"], load(path)
    most = 0.0
    for was, codes, scale in zip(rows(before), rows(after["w"]), after["w.scale"]):
        assert all(c == 0 for v, c in zip(was, codes) if v == 0), "a zero is none any more"
        assert all(abs(c * scale - v) <= scale * 1.01 for v, c in zip(was, codes)), "a code is too far"
        most = max(most, abs(sum(c * scale - v for v, c in zip(was, codes))) / scale)
    return most


def error(path):
    before, after = load("outlier.safetensors")["w"], load(path)
    scale, = after["w.scale"]
    return sum((c * scale - v) ** 2 for v, c in zip(before, after["w"])) / len(before)


def moved(path, limit):
    with open(path) as file:
        stage, = json.load(file)["stages"]
    assert abs(stage["error"]) <= limit * max(0.1, abs(stage["before"])), stage
    assert abs(stage["before"] + stage["error"] - stage["after"]) < 1e-6, stage
    if stage["codec"] == "int8" and "scale" in stage:
        assert abs(stage["code"] * stage["scale"] - stage["after"]) < 1e-6, stage


def nodes(path):
    with open(path, "rb") as file:
        graph = dict(parse(file.read()))[7]
    ops = Counter(dict(parse(v))[4].decode() for n, v in parse(graph) if n == 1)
    return " ".join(f"{op}={count}" for op, count in sorted(ops.items()))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    elif sys.argv[1] == "odd":
        check_odd(sys.argv[2], sys.argv[3])
    elif sys.argv[1] == "biases":
        print(*(f"{biases(path):.3f}" for path in sys.argv[2:]))
    elif sys.argv[1] == "error":
        print(f"{error(sys.argv[2]):.9f}")
    elif sys.argv[1] == "moved":
        moved(sys.argv[2], float(sys.argv[3]))
    elif sys.argv[1] == "nodes":
        print(nodes(sys.argv[2]))
