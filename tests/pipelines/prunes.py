# SPDX-License-Identifier: Apache-2.0
"""What test-prune.sh expects, computed anew.

prunes.py WAS IS all SHARE [LEAST]      the smallest of all tensors together; of layer.1.weight LEAST stays
prunes.py WAS IS each SHARE NAME OTHER  of each tensor by itself; of the tensor NAME the share OTHER
prunes.py WAS IS of N M                 N of M neighbours in a row stay
prunes.py WAS IS kernels                makes IS: kernels of convolutions
prunes.py WAS IS mask                   IS has a bool for each float of WAS
prunes.py WAS IS masks                  makes IS: masks of two tensors, in which every third weight is protected
prunes.py WAS IS held SHARE MASKS       the smallest of all together but those that are protected
prunes.py WAS IS blocks SHARE ROWS COLUMNS   of all tensors together, by their mean magnitudes
"""
import math
import struct
import sys

from techniques import FORMATS, float32, numbers, read, write


def rounded(number):
    return math.floor(number + 0.5)


def smallest(entries, count, caps=None):
    """Of (size, tensor, place) those that go."""
    gone, taken = set(), {}
    for size, tensor, place in sorted(entries):
        if len(gone) == count:
            break
        if caps and taken.get(tensor, 0) == caps.get(tensor, len(entries)):
            continue
        taken[tensor] = taken.get(tensor, 0) + 1
        gone.add((tensor, place))
    return gone


def weights(number, values):
    return [(abs(value), number, place) for place, value in enumerate(values)]


def all_together(tensors, share, least=None):
    entries = [entry for number, (_, _, values) in enumerate(tensors.values()) for entry in weights(number, values)]
    caps = {}
    if least:
        number = list(tensors).index("layer.1.weight")
        count = len(tensors["layer.1.weight"][2])
        caps[number] = count - math.ceil(float(least) * count)
    return smallest(entries, rounded(float(share) * len(entries)), caps)


def held(tensors, share, path):
    masks = {name: values for name, (_, _, values) in read(path).items()}
    entries = [entry for number, (name, (_, _, values)) in enumerate(tensors.items())
               for entry in weights(number, values)]
    free = [(size, number, place) for size, number, place in entries
            if not masks.get(list(tensors)[number], [False] * len(entries))[place]]
    return smallest(free, rounded(float(share) * len(entries)))


def each(tensors, share, named, other):
    gone = set()
    for number, (name, (_, _, values)) in enumerate(tensors.items()):
        part = float(other) if name == named else float(share)
        gone |= smallest(weights(number, values), rounded(part * len(values)))
    return gone


def of(tensors, n, m):
    gone = set()
    for number, (_, shape, values) in enumerate(tensors.values()):
        length = len(values) // shape[0]
        for start in range(0, len(values), length):
            row = weights(number, values)[start:start + length]
            for first in range(0, len(row), int(m)):
                group = row[first:first + int(m)]
                gone |= smallest(group, max(0, len(group) - int(n)))
    return gone


def blocks(tensors, share, rows, columns):
    rows, columns, entries, places = int(rows), int(columns), [], {}
    for number, (_, shape, values) in enumerate(tensors.values()):
        high, wide = shape[0], len(values) // shape[0]
        count = 0
        for row in range(0, high, rows):
            for column in range(0, wide, columns):
                inside = [r * wide + c for r in range(row, min(row + rows, high))
                          for c in range(column, min(column + columns, wide))]
                norm = sum(abs(values[place]) for place in inside) / len(inside)
                entries.append((float32(norm), number, count))
                places[number, count] = inside
                count += 1
    return {(number, place) for number, block in smallest(entries, rounded(float(share) * len(entries)))
            for place in places[number, block]}


def check_mask(was, now):
    wanted = {name: [value != 0 for value in values] for name, (dtype, _, values) in was.items() if dtype != "I32"}
    if wanted != {name: values for name, (_, _, values) in now.items()}:
        sys.exit("the masks do not say where the weights are")


def main():
    FORMATS["BOOL"] = "?"
    was = read(sys.argv[1])
    if sys.argv[3] == "masks":
        write(sys.argv[2], {name: ("BOOL", was[name][1], [place % 3 == 0 for place in range(len(was[name][2]))])
                            for name in list(was)[:3:2]})
        return
    if sys.argv[3] == "kernels":
        write(sys.argv[2], {f"conv{i}.weight": ("F32", shape, list(numbers(math.prod(shape), i)))
                            for i, shape in enumerate([[32, 1, 3, 3], [6, 7, 3, 3], [5, 3, 7]])})
        return
    if sys.argv[3] == "mask":
        check_mask(was, read(sys.argv[2]))
        return
    now = read(sys.argv[2])
    modes = {"held": held, "all": all_together, "each": each, "of": of, "blocks": blocks}
    matrices = {name: tensor for name, tensor in was.items() if len(tensor[1]) > 1 and tensor[0] != "I32"}
    gone = modes[sys.argv[3]](matrices, *sys.argv[4:])
    if list(was) != list(now):
        sys.exit(f"tensors are {list(now)}, should be {list(was)}")
    for name, (dtype, shape, values) in was.items():
        number = list(matrices).index(name) if name in matrices else -1
        for place, value in enumerate(values):
            wanted = 0.0 if (number, place) in gone else value
            if struct.pack("<d", now[name][2][place]) != struct.pack("<d", wanted):
                sys.exit(f"{name}[{place}] was {value}, is {now[name][2][place]}, should be {wanted}")


main()
