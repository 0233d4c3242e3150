# SPDX-License-Identifier: Apache-2.0
"""Teachers for test-distill.sh, and what the losses of a student are before it has learnt anything, computed anew in
Python from what papers say of them.

distills.py make                       writes wise.onnx (as mlp of networks.py, which must lie there, with other
                                       numbers), wide.onnx (with more in the middle), eye.onnx (as conv, with 5 filters)
distills.py masked                     writes masked.onnx: one of four classes is never the answer, by an infinity
distills.py loss STUDENT TEACHER KIND [WEIGHT OTHER]
                                       prints the loss of the first 20 examples: hard, few (labels of the first 5
                                       alone), soft (with OTHER: WEIGHT of the teacher and the rest of OTHER), feature,
                                       attention, distance, angle
"""
import math
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import networks  # noqa: E402

EXAMPLES, TEMPERATURE, SIDE, CLASSES = 20, 3.0, networks.SIDE, networks.CLASSES


def make():
    size = SIDE * SIDE
    for name, hidden, seed in ("wise", networks.HIDDEN, 21), ("wide", 20, 33):
        weights = {"fc1.weight": ([size, hidden], networks.spread(size * hidden, seed, 1.5)),
                   "fc1.bias": ([hidden], networks.spread(hidden, seed + 1, 0.3)),
                   "fc2.weight": ([hidden, CLASSES], networks.spread(hidden * CLASSES, seed + 2, 1.5)),
                   "fc2.bias": ([CLASSES], networks.spread(CLASSES, seed + 3, 0.3))}
        networks.write(f"{name}.onnx", [
            networks.node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], "fc1"),
            networks.node("Relu", ["a"], ["r"], "relu"),
            networks.node("Gemm", ["r", "fc2.weight", "fc2.bias"], ["y"], "fc2")], weights, ["N", size])
    weights = {"conv.weight": ([5, 1, 3, 3], networks.spread(45, 19, 1.2)),
               "conv.bias": ([5], networks.spread(5, 20, 0.2)),
               "fc2.weight": ([80, CLASSES], networks.spread(80 * CLASSES, 25, 0.6)),
               "fc2.bias": ([CLASSES], [0.0] * CLASSES)}
    networks.write("eye.onnx", [
        networks.node("Conv", ["x", "conv.weight", "conv.bias"], ["a"], "conv", pads=[1, 1, 1, 1]),
        networks.node("Relu", ["a"], ["r"], "relu"), networks.node("Flatten", ["r"], ["f"], "flat"),
        networks.node("Gemm", ["f", "fc2.weight", "fc2.bias"], ["y"], "fc2")], weights, ["N", 1, SIDE, SIDE])


def make_masked():
    weights = {"fc1.weight": ([SIDE * SIDE, CLASSES], networks.spread(SIDE * SIDE * CLASSES, 27, 1.5)),
               "never": ([CLASSES], [float("-inf")] + [0.0] * (CLASSES - 1))}
    networks.write("masked.onnx", [networks.node("MatMul", ["x", "fc1.weight"], ["a"], "fc1"),
                                   networks.node("Add", ["a", "never"], ["y"], "mask")], weights, ["N", SIDE * SIDE])


# ---- Networks: (what is in the middle, scores) of an example. Of a convolution the middle is a list of channels.


def convolved(w, x):
    middle = []
    for f, bias in enumerate(networks.matrix(w, "conv.bias")[0]):
        kernel = [v for row in networks.matrix(w, "conv.weight")[f * 3:f * 3 + 3] for v in row]
        middle.append([max(0.0, bias + sum(
            kernel[ky * 3 + kx] * x[(py + ky - 1) * SIDE + px + kx - 1]
            for ky in range(3) for kx in range(3)
            if 0 <= py + ky - 1 < SIDE and 0 <= px + kx - 1 < SIDE)) for py in range(SIDE) for px in range(SIDE)])
    return middle


def computed(path):
    w = networks.weights_of(path)
    for pixels, _ in networks.pictures(EXAMPLES, 1):
        x = [p / 255 for p in pixels]
        if "conv.weight" in w:
            middle = convolved(w, x)
            flat = [v for channel in middle for v in channel]
        else:
            flat = middle = [max(0.0, v) for v in networks.layer(x, networks.matrix(w, "fc1.weight"),
                                                                 networks.matrix(w, "fc1.bias")[0])]
        yield middle, flat, networks.layer(flat, networks.matrix(w, "fc2.weight"), networks.matrix(w, "fc2.bias")[0])


# ---- Losses.


def softmax(scores, temperature=1.0):
    powers = [math.exp((s - max(scores)) / temperature) for s in scores]
    return [p / sum(powers) for p in powers]


def mean(numbers):
    numbers = list(numbers)
    return sum(numbers) / len(numbers)


def hard(student, count):
    labels = [label for _, label in networks.pictures(EXAMPLES, 1)][:count]
    return mean(-math.log(softmax(scores)[label]) for (_, _, scores), label in zip(student, labels))


def soft(student, wanted):
    return TEMPERATURE ** 2 * mean(
        sum(p * math.log(p / q) for p, q in zip(probabilities, softmax(scores, TEMPERATURE)))
        for (_, _, scores), probabilities in zip(student, wanted))


def feature(student, teacher):
    return mean((a - b) ** 2 for (_, own, _), (_, other, _) in zip(student, teacher) for a, b in zip(own, other))


def attention_of(middle):
    places = [sum(channel[i] ** 2 for channel in middle) for i in range(len(middle[0]))]
    length = math.sqrt(sum(p * p for p in places))
    return [p / length for p in places]


def attention(student, teacher):
    return mean(sum((a - b) ** 2 for a, b in zip(attention_of(own), attention_of(other)))
                for (own, _, _), (other, _, _) in zip(student, teacher))


def huber(x):
    return x * x / 2 if abs(x) < 1 else abs(x) - 0.5


def distances_of(vectors):
    all_of = [[math.dist(a, b) for b in vectors] for a in vectors]
    middle = mean(d for row in all_of for d in row if d > 0)
    return [d / middle for row in all_of for d in row]


def angles_of(vectors):
    found = []
    for at in vectors:
        ways = []
        for other in vectors:
            length = math.dist(at, other)
            ways.append([(o - a) / length if length > 0 else 0.0 for a, o in zip(at, other)])
        found += [sum(p * q for p, q in zip(one, two)) for one in ways for two in ways]
    return found


def relation(of, student, teacher):
    own, other = (of([flat for _, flat, _ in network]) for network in (student, teacher))
    return mean(huber(a - b) for a, b in zip(own, other))


def loss(student, teacher, kind, weight="1", third=None):
    own, other = list(computed(student)), list(computed(teacher))
    wanted = [softmax(scores, TEMPERATURE) for _, _, scores in other]
    if third:
        share = float(weight)
        wanted = [[share * p + (1 - share) * q for p, q in zip(first, softmax(scores, TEMPERATURE))]
                  for first, (_, _, scores) in zip(wanted, computed(third))]
    return {"hard": lambda: hard(own, EXAMPLES), "few": lambda: hard(own, 5), "soft": lambda: soft(own, wanted),
            "feature": lambda: feature(own, other), "attention": lambda: attention(own, other),
            "distance": lambda: relation(distances_of, own, other),
            "angle": lambda: relation(angles_of, own, other)}[kind]()


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    elif sys.argv[1] == "masked":
        make_masked()
    else:
        print(repr(loss(*sys.argv[2:])))
