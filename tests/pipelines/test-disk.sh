#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plan says what it takes on disk, and refuses what cannot fit; so does a run, before it works.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }

# tell MODEL: a pipeline whose stages come from standard input.
tell ()
{
  printf 'adze = 1\nname = "disk"\n\n[model]\npath = "%s"\n\n' "$1"
  cat
  printf '\n[[output]]\npath = "out.safetensors"\n'
}

# What there is: 4 matrices of 16 x 16 floats, kept once in between.
model small.safetensors 4 16 16
tell small.safetensors > small.toml << 'END'
[[stage]]
use = "clip"

[[output]]
path = "between.safetensors"
from = "clip.model"

[[stage]]
use = "cast"
to = "f16"
END
"$ADZE" plan small.toml --json > plan.json || complain "there is no plan"
must "$ADZE" run small.toml
python3 - << 'END' || complain "the plan does not say what the files take"
import json, os
disks = json.load(open("plan.json"))["disk"]
assert len(disks) == 1, disks
files = sum(os.path.getsize(name) for name in ("out.safetensors", "between.safetensors"))
assert disks[0]["outputs"] == files, (disks, files)
assert disks[0]["kept"] == 4 * 16 * 16 * 4 and not disks[0]["at-most"], disks
assert disks[0]["complete"] and disks[0]["free"] > 0, disks
END
"$ADZE" plan small.toml | grep -q '^disk: .* for outputs' || complain "people are not told"

# A model of more than the disk has; its file has holes for numbers. The stage has a name of its own: of
# one that has results, the run would read all of the model to see whether they are this model's.
python3 - << 'END' || { echo "no file with holes of this size can be made here"; exit 77; }
import json, os
free = os.statvfs(".").f_bavail * os.statvfs(".").f_frsize
rows = free // 4096 + (1 << 24)
head = json.dumps({"w": {"dtype": "F32", "shape": [rows, 1024],
                         "data_offsets": [0, rows * 4096]}}).encode()
head += b" " * (-len(head) % 8)
with open("huge.safetensors", "wb") as file:
    file.write(len(head).to_bytes(8, "little") + head)
    file.truncate(8 + len(head) + rows * 4096)
END
tell huge.safetensors > huge.toml << 'END'
[[stage]]
use = "clip"
id = "of-the-huge-one"
END
for verb in plan run; do
  "$ADZE" $verb huge.toml > said 2>&1 && complain "$verb took what does not fit"
  grep -q "huge.toml:12:8: .* of disk are needed, and .* are free" said \
    || { complain "$verb says something else:"; cat said; }
done
[ -z "$(find . -name '*.part')" ] || complain "room was taken for what cannot fit"
rm huge.safetensors
finish
