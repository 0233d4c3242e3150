#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `adze list --matrix` says which format holds what each codec makes. Each cell that is not "no" is written, read back, and
# makes the same numbers as the others of its codec; each other one is refused when it is planned, with the formats that can.
. "$(dirname "$0")/runs-lib.sh"
peer=$TOP_BUILDDIR/tests/pipelines/codes-peer
plugins eighths

# What there has to be, whatever else is registered.
cat > must-be << 'END'
q4_k gguf native
q4_k onnx nodes
q4_k safetensors packed
iq4_xs onnx nodes
tq1_0 onnx nodes
mxfp4 gguf native
int8 gguf no
int8 onnx nodes
int8 safetensors packed
f16 gguf native
f16 onnx native
f16 safetensors native
eighths gguf no
eighths onnx no
eighths safetensors packed
END

must "$ADZE" list --matrix
cp must.out table
must "$ADZE" list --matrix --json
python3 -c 'import json, sys
table = [line.split() for line in open("table")]
for number, (codec, cells) in enumerate(json.load(open("must.out"))["codecs"].items(), 1):
    assert table[number] == [codec] + [cells[name]["how"] for name in table[0][1:]], table[number]
    for name, cell in cells.items():
        assert (cell["how"] == "no") == ("why" in cell), (codec, name)
        print(codec, name, cell["how"])' > cells || complain "the table and the document differ"
while read -r cell; do
  grep -qxF -- "$cell" cells || complain "there is no cell: $cell"
done < must-be

# The same numbers with and without a network: y = x + w.
model plain.safetensors 1 8 512
PYTHONPATH=$TOP_SRCDIR/tests/pipelines python3 -c 'import struct
from networks import node, write
data = open("plain.safetensors", "rb").read()
numbers = struct.unpack(f"<{8 * 512}f", data[-8 * 512 * 4:])
write("plain.onnx", [node("Add", ["x", "layer.0.weight"], ["y"], "add")],
      {"layer.0.weight": ([8, 512], list(numbers))}, [8, 512], 512)' || exit 99

# pipeline CODEC FORMAT: small.toml. Clustered first, for there are codecs that can write few different values alone.
pipeline ()
{
  local from=plain.safetensors more=
  [ "$2" != onnx ] || from=plain.onnx
  [ "$2" != gguf ] || more='architecture = "llama"'
  cat > small.toml << END
adze = 1
name = "small"
[model]
path = "$from"
[[stage]]
use = "cluster"
[[stage]]
use = "quantize"
codec = "$1"
[[output]]
path = "small.$2"
format = "$2"
$more
END
}

# refused CODEC FORMAT: by plan already, with the formats that can.
refused ()
{
  local others
  others=$(awk -v codec="$1" '$1 == codec && $3 != "no" { printf "%s%s", comma, $2; comma = ", " }' cells)
  must_fail layer.0.weight "$ADZE" plan small.toml
  [ -z "$others" ] || grep -qF -- "formats here that can: $others" must.out || {
    complain "$1 in $2 is refused without saying: $others"
    cat must.out >&2
  }
}

has_blocks () { [ "$1" = eighths ] || grep -q "^$1 gguf native" cells; }

# held CODEC FORMAT HOW: written, read back, and the same numbers.
held ()
{
  local numbers
  rm -rf adze-runs "small.$2"
  must "$ADZE" run small.toml
  "$peer" "small.$2" > peer.out || complain "$1 in $2 cannot be read back"
  numbers=$(awk '{ print $4 }' peer.out)
  [ -n "$numbers" ] || complain "$1 in $2: nothing there is coded"
  echo "$1 $2 $3 $numbers" >> numbers
  [ "$3" != packed ] || ! has_blocks "$1" || [ "$(awk '{ print $3 }' peer.out)" = "$1" ] \
    || complain "$1 in $2 is no longer blocks of $1"
}

while read -r codec format how; do
  pipeline "$codec" "$format"
  if [ "$how" = no ]; then
    refused "$codec" "$format"
  else
    held "$codec" "$format" "$how"
  fi
done < cells
awk '$1 in first && first[$1] != $4 { print $1 " in " $2 " has other numbers than elsewhere" }
  !($1 in first) { first[$1] = $4 }' numbers > other
[ ! -s other ] || complain "$(cat other)"
[ "$(wc -l < numbers)" -ge 50 ] || complain "only so many cells were looked at: $(wc -l < numbers)"

# Whoever converts is told the same.
pipeline int8 safetensors
must "$ADZE" run --fresh small.toml
must_fail "formats here that can: onnx, safetensors" "$ADZE" convert small.safetensors codes.gguf --set architecture=llama
[ ! -e codes.gguf ] || complain "codes.gguf should not be there"

# Blocks go from one format to the other and back, and are the same.
if grep -q '^q4_k gguf native' cells; then
  pipeline q4_k gguf
  must "$ADZE" run --fresh small.toml
  must "$ADZE" convert small.gguf way.safetensors
  must "$ADZE" convert way.safetensors back.gguf
  cmp small.gguf back.gguf || complain "by way of safetensors, a GGUF comes back as another"
  must "$ADZE" show way.safetensors
  grep -q q4_k must.out || complain "blocks in safetensors are not shown as such"
  python3 -c 'import json, struct
data = open("way.safetensors", "rb").read()
head = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
assert head["layer.0.weight"]["dtype"] == "U8" and head["layer.0.weight"]["shape"] == [8, 288], head
coded = json.loads(head["__metadata__"]["adze.traits"])["layer.0.weight"]["adze.coded/1"]
assert coded["codec"] == "q4_k" and coded["revision"] == 1 and coded["shape"] == [8, 512], coded
assert coded["block"] == [256, 144], coded' || complain "what others see in safetensors is not what the page says"
fi
finish
