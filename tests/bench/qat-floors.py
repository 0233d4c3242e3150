# SPDX-License-Identifier: Apache-2.0
"""For bench-qat.sh. qat-floors.py codes FILE.onnx says which share of a network's codes is zero, and how many values the weight has
that has most; qat-floors.py floors FILE says what its rows, of all seeds, are held to, and whether they reach it."""
import importlib.util
import os
import sys
from statistics import mean, median

LEVELS = ("int8", "int4", "int3", "int2")


def codes(path):
    place = os.path.join(os.path.dirname(__file__), "..", "pipelines", "networks.py")
    spec = importlib.util.spec_from_file_location("networks", place)
    networks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(networks)
    weights = [data for name, (_, data) in networks.weights_of(path).items() if name.endswith(".weight")]
    zeros = sum(data.count(0) for data in weights) / sum(len(data) for data in weights)
    print(f"{zeros:.4f}", max(len(set(data)) for data in weights))


def rows_of(path):
    """Words that are numbers are such; others ("-", where nothing was measured) are None behind the first three."""
    def number(word):
        try:
            return float(word)
        except ValueError:
            return None
    with open(path) as file:
        for line in file:
            words = line.split()
            yield words[:3], [number(word) for word in words[3:]]


def middle(rows, value, of=mean):
    found = [value(*numbers) for numbers in rows if value(*numbers) is not None]
    return of(found) if found else None


def tell(what, figure, needed, reached):
    if figure is None:
        print(f"floor: {what}: not measured")
    else:
        print(f"floor: {what}: {figure:.4f}, needed {needed}: {'reached' if reached(figure) else 'NOT REACHED'}")


def at_least(what, figure, least):
    tell(what, figure, f"at least {least:g}", lambda x: x >= least - 1e-9)


def level(name, width, rows):
    """One width of one network: rows of dense, static, ours, torch, and of the two speeds."""
    def of(value, by=mean):
        return middle(rows, value, by)
    if width == "int8":
        at_least(f"{name}, int8, ours less dense", of(lambda d, s, o, t, f, p: o - d), -.002)
        at_least(f"{name}, int8, ours less static", of(lambda d, s, o, t, f, p: o - s if s else None), 0)
    elif width in ("int4", "int2"):
        tell(f"{name}, {width}, ours less static", of(lambda d, s, o, t, f, p: o - s if s else None), "more than 0",
             lambda x: x > 0)
    if width == "int4" and name == "cnn":
        at_least("cnn, int4, ours less dense", of(lambda d, s, o, t, f, p: o - d), -.006)
    if width == "int2":
        at_least(f"{name}, int2, ours", of(lambda d, s, o, t, f, p: o), .893 if name == "cnn" else .889)
    ours, theirs = of(lambda d, s, o, t, f, p: o), of(lambda d, s, o, t, f, p: t)
    at_least(f"{name}, {width}, ours less torch", None if theirs is None else ours - theirs, 0)
    at_least(f"{name}, {width}, times torch's speed", of(lambda d, s, o, t, f, p: f / p if p else None, median), 1.5)


def few(name, form, rows):
    """Rows of dense, accuracy, share of zeros, and values of the weight that has most."""
    at_least(f"{name}, pruned, clustered and int8 ({form}), ours less dense", middle(rows, lambda d, a, z, v: a - d), -.005)
    at_least(f"{name}, pruned, clustered and int8 ({form}), share of zeros", min(r[2] for r in rows), .5)
    tell(f"{name}, pruned, clustered and int8 ({form}), values of a weight", max(r[3] for r in rows), "at most 16",
         lambda x: x <= 16)


def floors(path):
    found = {}
    for (name, _, what), numbers in rows_of(path):
        found.setdefault((name, what), []).append(numbers)
    for (name, what), rows in found.items():
        (level if what in LEVELS else few)(name, what, rows)


if __name__ == "__main__":
    {"codes": codes, "floors": floors}[sys.argv[1]](sys.argv[2])
