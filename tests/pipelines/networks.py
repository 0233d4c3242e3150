# SPDX-License-Identifier: Apache-2.0
"""Small networks and data for the tests of training, and what is to be seen in the results: by Python's
own numbers and struct, without a line of ours.

networks.py make              writes dots-*.idx, dots-*.csv, and mlp (and before, the same), softmax, norm,
                              conv, shaped (conv, with the sizes that it reshapes to as a tensor),
                              fixed, loop (Erf, twice, in the body of a Loop), choice (mlp, its
                              Relu in a branch of an If), inner (one with a weight in a branch),
                              half (mlp, with a Constant of 0.5) and power (mlp, with exponents in the
                              place of its Relu) .onnx
networks.py accuracy MODEL    of a network of mlp's or softmax's form, on the data for testing
networks.py quantised MODEL   writes quantised.onnx: MODEL, of mlp's form, with codes of 8 bits around its
                              products
networks.py fashion           writes fashion.onnx, 784-32-10
networks.py values            writes values.npz: pictures, and what mlp.onnx gives for them, and a half
networks.py damaged MODEL NAME NUMBER
                              writes damaged.onnx: MODEL, with NUMBER, as nan, as the second element of a weight
networks.py weight MODEL NAME prints the bytes of a weight as hexadecimal digits
"""
import struct
import sys
import zipfile

SIDE, CLASSES, HIDDEN = 4, 4, 12

# ---- Protocol buffers, as far as ONNX needs them.


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, value):
    kinds = {int: (3, 2), bytes: (6, 5)}
    if isinstance(value, float):
        return field(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + field(20, 1)
    if isinstance(value, tuple):  # ("t", a tensor)
        return field(1, name) + field(5, value[1]) + field(20, 4)
    if isinstance(value, list):
        return field(1, name) + b"".join(field(8, i) for i in value) + field(20, 7)
    number, kind = kinds[type(value)]
    return field(1, name) + field(number, value) + field(20, kind)


def node(op, inputs, outputs, name="", **attributes):
    return (b"".join(field(1, i) for i in inputs) + b"".join(field(2, o) for o in outputs)
            + field(3, name) + field(4, op)
            + b"".join(field(5, attribute(k, v)) for k, v in attributes.items()))


def tensor(name, shape, values, kind=None):
    kind = kind or ("q" if all(isinstance(v, int) for v in values) else "f")
    return (b"".join(field(1, d) for d in shape) + field(2, {"f": 1, "B": 2, "b": 3, "q": 7}[kind])
            + field(8, name) + field(9, struct.pack(f"<{len(values)}{kind}", *values)))


def info(name, shape, kind=1):
    dims = b"".join(field(1, field(2, d) if isinstance(d, str) else field(1, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, dims)))


def write(path, nodes, weights, shape, classes=CLASSES):
    graph = (b"".join(field(1, n) for n in nodes) + field(2, "g")
             + b"".join(field(5, tensor(n, *w)) for n, w in weights.items())
             + field(11, info("x", shape)) + field(12, info("y", [shape[0], classes])))
    with open(path, "wb") as file:
        file.write(field(1, 8) + field(7, graph) + field(8, field(2, 17)))


def parse(data):
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            yield key >> 3, number()
        else:
            size = number() if key & 7 == 2 else {5: 4, 1: 8}[key & 7]
            yield key >> 3, data[at:at + size]
            at += size


def weights_of(path):
    with open(path, "rb") as file:
        graph = dict(parse(file.read()))[7]
    found = {}
    for number, value in parse(graph):
        if number == 5:
            fields = list(parse(value))
            shape = [v for n, v in fields if n == 1]
            # Dimensions may be packed into one field.
            if shape and isinstance(shape[0], bytes):
                shape = list(shape[0])
            entry = dict(fields)
            found[entry[8].decode()] = (shape, entry.get(9, b""))
    return found


# ---- Data: pictures of 4 by 4, of which one quarter is bright.


def numbers(seed):
    while True:
        seed = (seed * 1103515245 + 12345) % 2**31
        yield seed / 2**31


def pictures(count, seed):
    """Neighbours in the file are of all classes, so that it need not be shuffled."""
    random = numbers(seed)
    for i in range(count):
        label = i * 7 % CLASSES
        pixels = []
        for y in range(SIDE):
            for x in range(SIDE):
                bright = (y // 2) * 2 + x // 2 == label
                pixels.append(int(min(255, (110 if bright else 40) + 130 * next(random))))
        yield pixels, label


def make_data(name, count, seed):
    rows = list(pictures(count, seed))
    with open(f"dots-{name}-images.idx", "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, SIDE, SIDE) + bytes(p for r, _ in rows for p in r))
    with open(f"dots-{name}-labels.idx", "wb") as file:
        file.write(struct.pack(">II", 0x801, count) + bytes(label for _, label in rows))
    with open(f"dots-{name}.csv", "w") as file:
        file.write(",".join(f"p{i}" for i in range(SIDE * SIDE)) + ",kind\n")
        for pixels, label in rows:
            file.write(",".join(f"{p / 255:.9f}" for p in pixels) + f",{label}\n")


def spread(count, seed, scale):
    random = numbers(seed)
    return [(next(random) - 0.5) * scale for _ in range(count)]


def make_loop():
    body = (field(1, node("Erf", ["s"], ["t"], "bend"))
            + field(2, "turn") + field(11, info("i", [], 7)) + field(11, info("on", [], 9))
            + field(11, info("s", ["N", SIDE, SIDE])) + field(12, info("on", [], 9))
            + field(12, info("t", ["N", SIDE, SIDE])))
    write("loop.onnx", [node("Loop", ["turns", "", "x"], ["z"], "again", body=body),
                        node("ReduceMean", ["z"], ["y"], axes=[1], keepdims=0)],
          {"turns": ([], [2], "q")}, ["N", SIDE, SIDE])


def make_choice(first, last, weights):
    branch = {op: field(1, node(op, ["a"], [op])) + field(2, op)
              + field(12, info(op, ["N", HIDDEN])) for op in ("Relu", "Erf")}
    write("choice.onnx", [node("Cast", ["one"], ["yes"], "yes", to=9), first,
                          node("If", ["yes"], ["r"], "choice", then_branch=branch["Relu"],
                               else_branch=branch["Erf"]), last],
          {**weights, "one": ([], [1], "q")}, ["N", SIDE * SIDE])


def make_inner(first, last, weights):
    """A branch has a weight of its own, and in front of it is a node that does nothing."""
    taken = (field(1, node("Mul", ["b", "scale"], ["t"])) + field(2, "taken") + field(12, info("t", ["N", HIDDEN]))
             + field(5, tensor("scale", [1], [0.5])))
    other = field(1, node("Relu", ["b"], ["o"])) + field(2, "other") + field(12, info("o", ["N", HIDDEN]))
    write("inner.onnx", [node("Cast", ["one"], ["yes"], "yes", to=9), first, node("Identity", ["a"], ["b"]),
                         node("If", ["yes"], ["r"], "choice", then_branch=taken, else_branch=other), last],
          {**weights, "one": ([], [1], "q")}, ["N", SIDE * SIDE])


def make_half(first, last, weights):
    half = (node("Constant", [], ["half"], "half")
            + field(5, field(1, "value") + field(5, tensor("", [], [0.5])) + field(20, 4)))
    write("half.onnx", [half, first, node("Mul", ["a", "half"], ["b"], "mul"),
                        node("Identity", ["b"], ["c"]), node("Relu", ["c"], ["r"], "relu"), last], weights, ["N", SIDE * SIDE])


def make_power(first, last, weights):
    """The square of a layer normalisation that was taken apart, as an initialiser, and an exponent that is learnt:
    its root is taken behind it."""
    write("power.onnx", [first, node("Abs", ["a"], ["d"], "abs"), node("Pow", ["d", "two"], ["s"], "square"),
                         node("Pow", ["d", "p"], ["u"], "mean"), node("Reciprocal", ["p"], ["q"], "root"),
                         node("Add", ["s", "u"], ["v"], "sum"), node("Mul", ["v", "q"], ["r"], "scale"), last],
          {**weights, "two": ([], [2.0]), "p": ([1], [3.0])}, ["N", SIDE * SIDE])


def make():
    make_loop()
    make_data("train", 202, 1)
    make_data("check", 50, 77)
    make_data("test", 101, 1234)
    size = SIDE * SIDE
    weights = {"fc1.weight": ([size, HIDDEN], spread(size * HIDDEN, 3, 0.8)),
               "fc1.bias": ([HIDDEN], [0.0] * HIDDEN),
               "fc2.weight": ([HIDDEN, CLASSES], spread(HIDDEN * CLASSES, 5, 0.8)),
               "fc2.bias": ([CLASSES], [0.0] * CLASSES)}
    first = node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], "fc1")
    last = node("Gemm", ["r", "fc2.weight", "fc2.bias"], ["y"], "fc2")
    relu = node("Relu", ["a"], ["r"], "relu")
    write("mlp.onnx", [first, relu, last], weights, ["N", size])
    write("before.onnx", [first, relu, last], weights, ["N", size])
    make_choice(first, last, weights)
    make_inner(first, last, weights)
    make_half(first, last, weights)
    make_power(first, last, weights)
    write("fixed.onnx", [first, relu, last], weights, [8, size])
    write("softmax.onnx", [first, relu, node("Gemm", ["r", "fc2.weight", "fc2.bias"], ["z"], "fc2"),
                           node("Softmax", ["z"], ["y"], "soft", axis=1)], weights, ["N", size])
    norm = {"bn.scale": ([HIDDEN], [1.0] * HIDDEN), "bn.shift": ([HIDDEN], [0.0] * HIDDEN),
            "bn.mean": ([HIDDEN], [0.0] * HIDDEN), "bn.variance": ([HIDDEN], [1.0] * HIDDEN)}
    write("norm.onnx", [first, node("BatchNormalization", ["a", *norm], ["b"], "bn"),
                        node("Relu", ["b"], ["r"], "relu"), last], {**weights, **norm}, ["N", size])
    filters = {"conv.weight": ([3, 1, 3, 3], spread(27, 9, 0.8)), "conv.bias": ([3], [0.0] * 3),
               "fc2.weight": ([48, CLASSES], spread(48 * CLASSES, 5, 0.4)),
               "fc2.bias": ([CLASSES], [0.0] * CLASSES)}
    write("conv.onnx", [node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], "conv",
                             pads=[1, 1, 1, 1]),
                        relu, node("Flatten", ["r"], ["f"], "flat"),
                        node("Gemm", ["f", "fc2.weight", "fc2.bias"], ["y"], "fc2")],
          filters, ["N", 1, SIDE, SIDE])
    write("shaped.onnx", [node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], "conv",
                               pads=[1, 1, 1, 1]),
                          relu, node("Reshape", ["r", "sizes"], ["f"], "flat"),
                          node("Gemm", ["f", "fc2.weight", "fc2.bias"], ["y"], "fc2")],
          {**filters, "sizes": ([2], [-1, 48])}, ["N", 1, SIDE, SIDE])


def make_quantised(path):
    size = SIDE * SIDE
    weights = weights_of(path)
    hidden = [max(0, v) for pixels, _ in pictures(50, 77)
              for v in layer([p / 255 for p in pixels], matrix(weights, "fc1.weight"),
                             matrix(weights, "fc1.bias")[0])]
    made = {"x.scale": ([], [1 / 255]), "x.zero": ([], [0], "B"),
            "r.scale": ([], [max(hidden) / 255]), "r.zero": ([], [0], "B")}
    for name, shape in ("fc1", [size, HIDDEN]), ("fc2", [HIDDEN, CLASSES]):
        rows = matrix(weights, name + ".weight")
        scales = [max(abs(row[c]) for row in rows) / 127 for c in range(shape[1])]
        made[name + ".codes"] = (shape, [round(v / s) for row in rows for v, s in zip(row, scales)], "b")
        made[name + ".scale"] = ([shape[1]], scales)
        made[name + ".zero"] = ([shape[1]], [0] * shape[1], "b")
        made[name + ".bias"] = ([shape[1]], matrix(weights, name + ".bias")[0])

    def coded(value):
        return [node("QuantizeLinear", [value, f"{value}.scale", f"{value}.zero"], [f"{value}.q"]),
                node("DequantizeLinear", [f"{value}.q", f"{value}.scale", f"{value}.zero"], [f"{value}.d"])]

    def product(name, value, out):
        return [node("DequantizeLinear", [f"{name}.codes", f"{name}.scale", f"{name}.zero"], [f"{name}.w"],
                     axis=1),
                node("Gemm", [value, f"{name}.w", f"{name}.bias"], [out], name)]
    write("quantised.onnx", [*coded("x"), *product("fc1", "x.d", "a"), node("Relu", ["a"], ["r"], "relu"),
                             *coded("r"), *product("fc2", "r.d", "y")], made, ["N", size])


def make_fashion():
    size, hidden, classes = 784, 32, 10
    write("fashion.onnx",
          [node("Gemm", ["x", "w1", "b1"], ["a"], "fc1"), node("Relu", ["a"], ["r"], "relu"),
           node("Gemm", ["r", "w2", "b2"], ["y"], "fc2")],
          {"w1": ([size, hidden], spread(size * hidden, 3, 0.07)), "b1": ([hidden], [0.0] * hidden),
           "w2": ([hidden, classes], spread(hidden * classes, 5, 0.35)), "b2": ([classes], [0.0] * classes)},
          ["N", size], classes)


# ---- What should be seen.


def matrix(weights, name):
    shape, raw = weights[name]
    values = struct.unpack(f"<{len(raw) // 4}f", raw)
    columns = shape[-1]
    return [values[i:i + columns] for i in range(0, len(values), columns)]


def layer(inputs, weight, bias):
    return [b + sum(x * row[i] for x, row in zip(inputs, weight)) for i, b in enumerate(bias)]


def scores_of(w, pixels):
    hidden = layer([p / 255 for p in pixels], matrix(w, "fc1.weight"), matrix(w, "fc1.bias")[0])
    return layer([max(0.0, h) for h in hidden], matrix(w, "fc2.weight"), matrix(w, "fc2.bias")[0])


def accuracy(path):
    w = weights_of(path)
    guesses = [(scores_of(w, pixels), label) for pixels, label in pictures(101, 1234)]
    return sum(scores.index(max(scores)) == label for scores, label in guesses) / len(guesses)


def npy(kind, shape, raw):
    header = str({"descr": kind, "fortran_order": False, "shape": tuple(shape)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + raw


def values():
    w, rows = weights_of("mlp.onnx"), [pixels for pixels, _ in pictures(20, 8)]
    wanted = [score + 0.5 for pixels in rows for score in scores_of(w, pixels)]
    with zipfile.ZipFile("values.npz", "w") as archive:
        archive.writestr("x.npy", npy("|u1", (20, SIDE, SIDE), bytes(p for r in rows for p in r)))
        archive.writestr("y.npy", npy("<f4", (20, CLASSES), struct.pack(f"<{len(wanted)}f", *wanted)))


def damage(path, name, number):
    weight = weights_of(path)[name][1]
    with open(path, "rb") as file:
        data = file.read()
    assert data.count(weight) == 1
    with open("damaged.onnx", "wb") as file:
        file.write(data.replace(weight, weight[:4] + struct.pack("<f", float(number)) + weight[8:]))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    elif sys.argv[1] == "quantised":
        make_quantised(sys.argv[2])
    elif sys.argv[1] == "fashion":
        make_fashion()
    elif sys.argv[1] == "values":
        values()
    elif sys.argv[1] == "accuracy":
        print(f"{accuracy(sys.argv[2]):.12f}")
    elif sys.argv[1] == "damaged":
        damage(*sys.argv[2:])
    elif sys.argv[1] == "weight":
        print(weights_of(sys.argv[2])[sys.argv[3]][1].hex())
