# SPDX-License-Identifier: Apache-2.0
"""What test-hebbian.sh expects, without a line of ours and without numpy.

hebbians.py make              writes cloud.csv (numbers of which some go together, and a last column of labels), plain.csv
                              (the same without it), two.csv (two examples at right angles) and arms.csv
hebbians.py cosines MODEL WEIGHT CSV COUNT [LABEL]
                              of the first COUNT rows of a weight with the principal components of the table, less its
                              mean; LABEL: the last column is none of its numbers
hebbians.py row MODEL WEIGHT  the numbers of a weight
hebbians.py directions CSV COUNT [LABEL]
                              the components themselves
hebbians.py kept DENSE MASKS PRUNED WEIGHT COUNT
                              COUNT of a weight are protected, and of those that stay are as they were; of the others
                              the largest stay
"""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import networks
import techniques


def table(path, labels):
    with open(path) as file:
        rows = [[float(cell) for cell in line.split(",")] for line in file if line[0].isdigit() or line[0] in "-."]
    rows = [row[:-1] if labels else row for row in rows]
    means = [sum(column) / len(rows) for column in zip(*rows)]
    return [[x - m for x, m in zip(row, means)] for row in rows]


def times(matrix, vector):
    return [sum(a * b for a, b in zip(row, vector)) for row in matrix]


def cosine(a, b):
    length = sum(x * x for x in a) * sum(x * x for x in b)
    return abs(sum(x * y for x, y in zip(a, b))) / length ** .5


def components(rows, count):
    """By powers of the covariance, what was found being taken off it."""
    columns = list(zip(*rows))
    matrix = [[sum(x * y for x, y in zip(a, b)) / len(rows) for b in columns] for a in columns]
    found = []
    for k in range(count):
        vector = [1.0 + (i * 7 + k) % 5 for i in range(len(columns))]
        for _ in range(400):
            vector = times(matrix, vector)
            length = sum(x * x for x in vector) ** .5
            vector = [x / length for x in vector]
        value = sum(a * b for a, b in zip(times(matrix, vector), vector))
        matrix = [[m - value * a * b for m, b in zip(row, vector)] for row, a in zip(matrix, vector)]
        found.append(vector)
    return found


def weight(model, name):
    shape, data = networks.weights_of(model)[name]
    numbers = struct.unpack(f"<{len(data) // 4}f", data)
    return [numbers[i:i + shape[1]] for i in range(0, len(numbers), shape[1])] if len(shape) > 1 else [numbers]


def make():
    draw = random.Random(5)
    with open("cloud.csv", "w") as cloud, open("plain.csv", "w") as plain:
        cloud.write("a,b,c,d,e,label\n")
        plain.write("a,b,c,d,e\n")
        for i in range(400):
            p, q, r = (draw.gauss(0, s) for s in (2, 1.2, 0.6))
            row = [p + 3, p * .5 - q + 1, q + r, p * -.3 + r - 2, draw.gauss(0, .2)]
            text = ",".join(f"{x:.6f}" for x in row)
            plain.write(text + "\n")
            cloud.write(f"{text},{i % 3}\n")
    with open("two.csv", "w") as two:
        two.write("a,b\n1.0,0.0\n0.0,1.0\n")
    with open("arms.csv", "w") as arms:
        arms.write("a,b,label\n")
        for i in range(200):
            arms.write(f"{1.0 - i % 2},{float(i % 2)},{i % 2}\n")


def kept(dense, masks, pruned, name, count):
    techniques.FORMATS["BOOL"] = "?"
    was, now = (techniques.read(path)[name][2] for path in (dense, pruned))
    held = techniques.read(masks)[name][2]
    others = [abs(x) for x, h in zip(was, held) if not h]
    left = [abs(x) for x, y, h in zip(was, now, held) if not h and y]
    if list(techniques.read(masks)) != [name] or sum(held) != int(count):
        sys.exit(f"protected are {sum(held)} of {list(techniques.read(masks))}")
    if any(h and x != y for x, y, h in zip(was, now, held)) or sorted(left) != sorted(others)[len(others) - len(left):]:
        sys.exit("what is protected, or large, has gone")


def main():
    verb, arguments = sys.argv[1], sys.argv[2:]
    labels = arguments[-1:] == ["LABEL"]
    if verb == "make":
        make()
    elif verb == "row":
        print(" ".join(f"{x:.9g}" for row in weight(*arguments[:2]) for x in row))
    elif verb == "kept":
        kept(*arguments)
    elif verb == "directions":
        for vector in components(table(arguments[0], labels), int(arguments[1])):
            print(" ".join(f"{x:.6f}" for x in vector))
    else:
        model, name, path, count = arguments[:4]
        pairs = zip(weight(model, name), components(table(path, labels), int(count)))
        print(" ".join(f"{cosine(a, b):.9f}" for a, b in pairs))


main()
