# SPDX-License-Identifier: Apache-2.0
# What codes of few values and of values that are mostly zero say, read by nothing of ours.
#   book PLAIN CODED    codes of bits and .book are the numbers of PLAIN; prints what they take
#   sparse PLAIN CODED  values and .mask, or .indices, are the numbers of PLAIN; prints what they take
#   int8 PLAIN CODED    zeros are zeros, equal numbers are equal codes, and at most 16 of them
#   plain PLAIN SHARE   at least SHARE of the numbers are zeros, and there are at most 16 different ones
import json
import struct
import sys


def tensors(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
        rest = file.read()
    header.pop("__metadata__", None)
    return {name: (entry, rest[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def floats(data):
    return struct.unpack("<%dI" % (len(data) // 4), data)


def count_of(entry):
    count = 1
    for size in entry["shape"]:
        count *= size
    return count


def stream(data, bits, count):
    number = int.from_bytes(data, "little")
    return [number >> i * bits & (1 << bits) - 1 for i in range(count)]


def in_rows(data, rows, bits, count):
    each, numbers = len(data) // rows, []
    for row in range(rows):
        numbers += stream(data[row * each : (row + 1) * each], bits, count // rows)
    return numbers


def book(entry, coded, name):
    values = floats(coded[name + ".book"][1])
    bits = max(1, (len(values) - 1).bit_length())
    codes = in_rows(coded[name][1], entry["shape"][0], bits, count_of(entry))
    return tuple(values[code] for code in codes)


def sparse(entry, coded, name):
    values, numbers = iter(floats(coded[name][1])), [0] * count_of(entry)
    if name + ".mask" in coded:
        bits = in_rows(coded[name + ".mask"][1], entry["shape"][0], 1, len(numbers))
        return tuple(next(values) if bit else 0 for bit in bits)
    places = coded[name + ".indices"][1]
    for place in struct.unpack("<%dq" % (len(places) // 8), places):
        numbers[place] = next(values)
    return tuple(numbers)


def check_int8(data, coded, name):
    codes = coded[name][1]
    assert len(set(codes)) <= 16, name
    for number, code in zip(floats(data), codes):
        assert number != 0 or code == 0, name
    pairs = set(zip(floats(data), codes))
    assert len(pairs) == len({number for number, _ in pairs}), name


def main(what, plain, other):
    taken, coded = 0, tensors(other) if what != "plain" else {}
    for name, (entry, data) in tensors(plain).items():
        if what == "plain":
            numbers = floats(data)
            assert numbers.count(0) >= float(other) * len(numbers), name
            assert len(set(numbers)) <= 16, name
        elif what == "int8":
            check_int8(data, coded, name)
        else:
            made = (book if what == "book" else sparse)(entry, coded, name)
            assert made == floats(data), name
        taken += sum(len(own) for key, (_, own) in coded.items() if key.split(".", 3)[:3] == name.split("."))
    print(taken)


main(*sys.argv[1:])
