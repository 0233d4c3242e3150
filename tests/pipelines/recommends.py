# SPDX-License-Identifier: Apache-2.0
"""What test-recommend.sh expects.

recommends.py make              writes six.safetensors and many.safetensors
recommends.py nothing-lost REPORT PLAIN CODED
                                what REPORT says of int8 is the error that PLAIN and CODED show
recommends.py least REPORT LIMIT REPORT...
                                of all mixes of what the last reports have, and of tensors as they are, that of
                                the first one has the least error of those with at most LIMIT bytes
recommends.py bytes FILE LEAST MOST
                                all tensors of FILE together have so many bytes
"""
import itertools
import json
import math
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import techniques  # noqa: E402

techniques.FORMATS.update({"I8": "b", "U8": "B"})


def make():
    draw = random.Random(5)

    def tensor(rows, columns, size):
        values = [draw.gauss(0, 1) * size * (30 if draw.random() < .01 else 1) for _ in range(rows * columns)]
        return ("F32", [rows, columns], values)

    six = {f"t{i}": tensor(4 + 3 * i, 32, 10 ** (i % 3 - 1)) for i in range(6)}
    techniques.write("six.safetensors", six)
    many = {f"layer.{i}*[x].w": tensor(draw.randint(3, 9), 32, 10 ** draw.uniform(-1, 1)) for i in range(60)}
    many.update({f"layer.{i}*[x].b": ("F32", [5], [draw.gauss(0, 1) for _ in range(5)]) for i in range(60)})
    techniques.write("many.safetensors", many)


def mix(path):
    with open(path, encoding="utf-8") as file:
        stage = json.load(file)["stages"]["recommend"]
    return stage["tables"]["mix"], stage


def noise(row, signal):
    return 0 if row["codec"] == "as it is" else signal / 10 ** (row["sqnr"] / 10)


def squares(values):
    return math.fsum(x * x for x in values)


def nothing_lost(report, plain, coded):
    before, after = techniques.read(plain), techniques.read(coded)
    for row in mix(report)[0]:
        name = row["tensor"]
        _, (rows, columns), values = before[name]
        scales = after[name + ".scale"][2]
        back = [code * scales[i // columns] for i, code in enumerate(after[name][2])]
        found = 10 * math.log10(squares(values) / squares(x - y for x, y in zip(values, back)))
        if abs(found - row["sqnr"]) > 1e-4 or row["bytes"] != rows * columns + 4 * rows:
            sys.exit(f"{name}: {row}, and the file has {found} dB")


def least(report, limit, others, model="six.safetensors"):
    signals = {name: squares(t[2]) for name, t in techniques.read(model).items()}
    chosen = mix(report)[0]
    options = []
    for row in chosen:
        ways = [(row["of"], 0.0)]
        for other in others:
            ways += [(r["bytes"], noise(r, signals[r["tensor"]])) for r in mix(other)[0] if r["tensor"] == row["tensor"]]
        options.append(ways)
    best = min(sum(e for _, e in way) for way in itertools.product(*options) if sum(b for b, _ in way) <= limit)
    got = sum(noise(row, signals[row["tensor"]]) for row in chosen)
    size = sum(row["bytes"] for row in chosen)
    if size > limit or abs(got - best) > best * 1e-9:
        sys.exit(f"{size} bytes with an error of {got}, and {best} is the least")


def count(path, low, high):
    size = sum(len(values) * struct.calcsize(techniques.FORMATS[dtype])
               for dtype, _, values in techniques.read(path).values())
    if not low <= size <= high:
        sys.exit(f"{path} has {size} bytes of tensors, wanted {low} to {high}")


def main():
    verb, *rest = sys.argv[1:]
    if verb == "make":
        make()
    elif verb == "nothing-lost":
        nothing_lost(*rest)
    elif verb == "least":
        least(rest[0], int(rest[1]), rest[2:])
    else:
        count(rest[0], int(rest[1]), int(rest[2]))


main()
