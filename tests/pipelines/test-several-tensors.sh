#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stages in processes of their own around one that takes several tensors at a time: what is needed at one
# time lies in different places, so that the bytes are those of stages that are all here. Some groups have
# more tensors than such a process shares memory for. And the plan says what all of it takes.
. "$(dirname "$0")/runs-lib.sh"
plugins gather stretch
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
model model.safetensors 50 40 30 3
model large.safetensors 12 1000 1000 5

# pipeline MODEL COUNT CLIP GATHER CAST: which of the three are in processes of their own.
pipeline ()
{
  cat << END
adze = 1
name = "several"
[model]
path = "$1.safetensors"
[[stage]]
use = "clip"
percentile = 90
isolate = $3
[[stage]]
use = "gather"
count = $2
isolate = $4
[[stage]]
use = "cast"
to = "f16"
isolate = $5
[[output]]
path = "out.safetensors"
END
}

# same COUNT THREADS CLIP GATHER CAST
same ()
{
  pipeline model "$1" "$3" "$4" "$5" > p.toml
  must "$ADZE" run p.toml --fresh --set "run.threads=$2"
  cmp out.safetensors "here-$1.safetensors" \
    || complain "groups of $1, $2 threads, isolated $3 $4 $5: other bytes"
}

for count in 1 2 7 40; do
  pipeline model $count false false false > p.toml
  must "$ADZE" run p.toml --fresh --set run.threads=1
  mv out.safetensors here-$count.safetensors
  for isolated in 'true false false' 'false true false' 'false false true' 'true true true'; do
    same $count 1 $isolated
    same $count 3 $isolated
  done
done

# What `adze why` says of a weight, here: it came into clip as FIRST, whoever was at work there; among others,
# in a tensor of another form, nobody knows which it is.
must "$ADZE" run p.toml --fresh --set run.threads=1 --set stage.clip.isolate=true
first=$(od -An -tfF -j "$(($(od -An -tu8 -N8 model.safetensors) + 8))" -N4 model.safetensors | tr -d ' ')
must "$ADZE" why last 'layer.0.weight[0,0]'
grep -qF "clip (clip): ${first:0:7}" must.out || {
  complain "adze why does not show that layer.0.weight[0,0] was $first"
  cat must.out >&2
}
grep -qF 'gather (gather): its value cannot be followed here' must.out || {
  complain 'adze why follows a weight to where nobody knows it'
  cat must.out >&2
}

# Of two that are made of one, each can be asked about.
cat > two.toml << 'END'
adze = 1
name = "two"
[model]
path = "model.safetensors"
[[stage]]
use = "stretch-pair"
[[stage]]
use = "clip"
percentile = 90
[[output]]
path = "two.safetensors"
END
must "$ADZE" run two.toml
for tensor in layer.3.weight layer.3.weight.rest; do
  must "$ADZE" why last $tensor
  grep -qF 'stretch-pair (stretch-pair)' must.out && grep -qF 'clip (clip)' must.out || {
    complain "adze why does not know the way of $tensor"
    cat must.out >&2
  }
done
must "$ADZE" why last 'layer.3.weight.rest[2,3]' --json
grep -qF '"before"' must.out || complain 'the second of two is not followed'
must "$ADZE" why last 'layer.3.weight[2,3]' --json
! grep -qF '"before"' must.out || complain 'a weight of a longer tensor is followed'

# Of several that are made of several, each is known by its name; of one that has another form, nobody knows
# which element is which.
cat > each.toml << 'END'
adze = 1
name = "each"
[model]
path = "model.safetensors"
[[stage]]
use = "gather-each"
[[stage]]
use = "gather"
[[output]]
path = "each.safetensors"
END
must "$ADZE" run each.toml
for number in 0 1 2; do
  must "$ADZE" why last "layer.$number.weight[0,1]" --json
  python3 - $((number + 2)) must.out << 'END' || complain "adze why says another tensor's number for layer.$number.weight"
import json, sys
stages = json.load(open(sys.argv[2]))["stages"]
factor = stages[0]["after"] / stages[0]["before"]
sys.exit(abs(factor - int(sys.argv[1])) > 1e-4 or "before" in stages[1])
END
done
must "$ADZE" why last gathered.0
grep -qF 'gathered.0, which is made of layer.0.weight in' must.out || complain 'adze why does not say what it speaks of'
must_fail 'in another form' "$ADZE" why last 'gathered.0[1]'

# Sanitizers have memory of their own.
[ "$ADZE_SANITIZERS" = none ] || finish

# Values of one place that differ in size are counted as well.
mixed ()
{
  python3 - "$@" << 'END'
import json, struct, sys
header, at = {}, 0
for i, count in enumerate(int(n) for n in sys.argv[2:]):
    header["t%d" % i] = {"dtype": "F32", "shape": [count], "data_offsets": [at, at + 4 * count]}
    at += 4 * count
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    file.write(struct.pack("<f", 1.5) * (at // 4))
END
}

# field NAME: a number of the report.
field ()
{
  sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" adze-runs/0*/report.json | head -n 1
}

# enough NAME: no less memory is planned than was taken, and not half as much more.
enough ()
{
  local taken planned
  taken=$(field peak-memory) planned=$(field predicted-memory)
  [ "$planned" -ge "$taken" ] && [ $((planned * 2)) -le $((taken * 3)) ] \
    || complain "$1: planned are $planned bytes, and $taken were taken"
}

rm -rf adze-runs
pipeline large 6 true true true > p.toml
must "$ADZE" run p.toml --set run.threads=1
enough 'groups of large tensors'
mixed mixed.safetensors 2000000 2100000 2100000 2500000
{
  printf 'adze = 1\nname = "mixed"\n[model]\npath = "mixed.safetensors"\n'
  for i in 1 2 3 4 5 6; do printf '[[stage]]\nuse = "gather-each"\nid = "s%s"\ncount = 1\nisolate = true\n' $i; done
  printf '[[output]]\npath = "mixed-out.safetensors"\n'
} > mixed.toml
rm -rf adze-runs
must "$ADZE" run mixed.toml --set run.threads=1
enough 'tensors of different sizes'
finish
