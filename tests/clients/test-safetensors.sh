#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A reader of GGUF and one of safetensors, both written anew by the specifications in a language of
# its own, find the same tensors in a file and in what we made of it.
. "$(dirname "$0")/lib.sh"
need_python
need_data stories260k/stories260K-f32.gguf

cat > readers.py <<'END'
import json, os, struct, sys

def gguf(path):
    data = open(path, "rb").read()
    at = 24
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    def number(form):
        nonlocal at
        value, = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value
    def text():
        nonlocal at
        size = number("Q")
        at += size
        return data[at - size:at].decode()
    def value(kind):
        nonlocal at
        if kind == 8:
            text()
        elif kind == 9:
            item, count = number("I"), number("Q")
            for _ in range(count):
                value(item)
        else:
            at += sizes[kind]
    assert data[:4] == b"GGUF"
    tensors, keys = struct.unpack_from("<QQ", data, 8)
    for _ in range(keys):
        text()
        value(number("I"))
    infos = []
    for _ in range(tensors):
        name = text()
        shape = [number("Q") for _ in range(number("I"))][::-1]
        assert number("I") == 0
        infos.append((name, shape, number("Q")))
    start = (at + 31) // 32 * 32
    found = {}
    for name, shape, offset in infos:
        size = 4
        for dimension in shape:
            size *= dimension
        found[name] = (shape, data[start + offset:start + offset + size])
    return found

def once(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), "a name twice"
    return dict(pairs)

def single(path):
    data = open(path, "rb").read()
    length, = struct.unpack_from("<Q", data)
    assert length % 8 == 0 and data[8:9] == b"{"
    head = json.loads(data[8:8 + length].decode(), object_pairs_hook=once)
    for key, value in head.pop("__metadata__", {}).items():
        assert isinstance(value, str), key
    found, position = {}, 0
    for name, tensor in head.items():
        begin, end = tensor["data_offsets"]
        assert set(tensor) == {"dtype", "shape", "data_offsets"} and tensor["dtype"] == "F32"
        assert begin == position
        position = end
        found[name] = (tensor["shape"], data[8 + length + begin:8 + length + end])
    assert 8 + length + position == len(data)
    return found

def sharded(path):
    index = json.load(open(path), object_pairs_hook=once)
    found = {}
    for file in sorted(set(index["weight_map"].values())):
        here = single(os.path.join(os.path.dirname(path), file))
        for name in here:
            assert index["weight_map"][name] == file and name not in found
        found.update(here)
    assert set(found) == set(index["weight_map"])
    assert index["metadata"]["total_size"] == sum(len(data) for _, data in found.values())
    return found

original = gguf(sys.argv[1])
assert len(original) == 48
assert single(sys.argv[2]) == original, "one file differs"
assert sharded(sys.argv[3]) == original, "several files differ"
assert gguf(sys.argv[4]) == original, "the file that came back differs"
END

expect 0 "$ADZE" convert "$data" one.safetensors
expect 0 "$ADZE" convert "$data" some.safetensors.index.json --set shard-size=200000
set -- some-*-of-*.safetensors
[ $# -ge 5 ] || fail "there should be several files"
expect 0 "$ADZE" convert some.safetensors.index.json back.gguf
expect 0 python3 readers.py "$data" one.safetensors some.safetensors.index.json back.gguf
done_
