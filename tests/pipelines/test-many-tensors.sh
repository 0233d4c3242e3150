#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Of each of 20000 tensors a plan says the same as of one among 20, and a run makes the same of it: what
# looks tensors up by number or group finds the right one.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }

# tell MODEL OTHER: looked at, averaged with another model that has a tensor more, cast but for some, renamed.
tell ()
{
  cat << END
adze = 1
name = "many"
[model]
path = "$1"
[input.other]
kind = "model"
path = "$2"
[[stage]]
use = "profile"
inputs = { model = "input.model" }
[[stage]]
use = "merge"
unmatched = "keep"
inputs = { model = "input.model", other = "input.other" }
[[stage]]
use = "cast"
to = "f16"
  [[stage.rule]]
  match = "*7.weight"
  skip = true
[[stage]]
use = "rename"
prefix-to = "x."
[[output]]
path = "$1.out.safetensors"
END
}

for count in 20 20000; do
  model $count.safetensors $count 4 4
  model $count.other.safetensors $((count + 1)) 4 4 9
  tell $count.safetensors $count.other.safetensors > $count.toml
  "$ADZE" plan $count.toml --json > $count.json || complain "there is no plan of $count tensors"
  must "$ADZE" run $count.toml
done
python3 - << 'END' || complain "many tensors are not planned, or made, as a few are"
import json, re, struct

def stages(count):
    plan = json.load(open(f"{count}.json"))
    return [stage for segment in plan["segments"] for stage in segment["stages"]]

# As if it were tensor N of another model.
def called(entry, number):
    return json.loads(re.sub(r"layer\.\d+\.", f"layer.{number}.", json.dumps(entry)))

def number_of(entry):
    return int(re.search(r"layer\.(\d+)\.", entry["name"]).group(1))

def tensors(count):
    data = open(f"{count}.safetensors.out.safetensors", "rb").read()
    size, = struct.unpack("<Q", data[:8])
    head = json.loads(data[8:8 + size])
    head.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]])
            for name, t in head.items()}

few, many = stages(20), stages(20000)
assert [s["id"] for s in few] == [s["id"] for s in many] == ["profile", "merge", "cast", "rename"]
for small, large in zip(few, many):
    # The last one is the other model's own, which is called otherwise in the smaller one.
    assert len(large["tensors"]) == len(small["tensors"]) + 19980, large["id"]
    numbers = [number_of(entry) for entry in large["tensors"]]
    assert sorted(numbers) == list(range(len(numbers))), large["id"]
    for entry, number in zip(large["tensors"], numbers):
        like = 20 if number == 20000 else number % 10
        assert entry == called(small["tensors"][like], number), (large["id"], entry)
few, many = tensors(20), tensors(20000)
assert len(many) == 20001 and len(few) == 21
for number in range(20):
    name = f"x.layer.{number}.weight"
    assert many[name] == few[name], name
assert many["x.layer.19997.weight"][0] == "F32" and many["x.layer.19998.weight"][0] == "F16"
END
finish
