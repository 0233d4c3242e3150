#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The first techniques in whole pipelines, from a file to a file: the results against those that
# Python computes anew, the same bytes for any number of threads, and failures that say why.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
expect="$TOP_SRCDIR/tests/pipelines/techniques.py"
must python3 "$expect" make

# pipeline NAME MODEL: writes NAME.toml; the stages come from standard input.
pipeline ()
{
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "%s.safetensors"\n\n' "$1" "$2"
    cat
    printf '\n[[output]]\npath = "%s-out.safetensors"\n' "$1"
  } > "$1.toml"
}

# right NAME: runs it, and compares with what was expected and with a run on one thread.
right ()
{
  must "$ADZE" run "$1.toml" --set run.threads=1
  mv "$1-out.safetensors" "$1-one.safetensors"
  must "$ADZE" run "$1.toml" --set run.threads=3 --fresh
  cmp "$1-out.safetensors" "$1-one.safetensors" || complain "$1: threads are seen in the bytes"
  must python3 "$expect" "$1" "$1-out.safetensors"
}

pipeline cast a << 'END'
[[stage]]
use = "cast"
to = "f16"
  [[stage.rule]]
  match = "*.bias"
  to = "bf16"
END
right cast

pipeline clip a << 'END'
[[stage]]
use = "clip"
percentile = 97
END
right clip

pipeline clip-tensor a << 'END'
[[stage]]
use = "clip-tensor"
percentile = 90
END
right clip-tensor

pipeline rename a << 'END'
[[stage]]
use = "rename"
prefix-from = "layer."
prefix-to = "blk."
names = { ids = "tokens" }
END
right rename
# What keeps its bytes under another name is changed, and counted like all else.
for wanted in 4 3; do
  sed "s/^use = \"rename\"/&\nrequire = \"tensors-changed == $wanted\"/" rename.toml > counted.toml
  if [ $wanted = 4 ]; then
    must "$ADZE" run counted.toml
  else
    must_fail "tensors-changed" "$ADZE" run counted.toml
  fi
done

pipeline merge a << 'END'
[input.other]
kind = "model"
path = "b.safetensors"

[[stage]]
use = "merge"
inputs = { model = "input.model", other = "input.other" }
weight = 0.25
END
right merge

# A model that gets tensors which it had not is changed, if by nothing else.
pipeline halves a << 'END'
[input.other]
kind = "model"
path = "halves-other.safetensors"

[[stage]]
use = "merge"
unmatched = "keep"
inputs = { model = "input.model", other = "input.other" }
require = "tensors-changed == 1"
END
header='{"more":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
printf "\\x$(printf %x ${#header})\0\0\0\0\0\0\0%sABCDEFGH" "$header" > halves-other.safetensors
must "$ADZE" run halves.toml
"$ADZE" show halves-out.safetensors | grep -q more || complain "what the other model has is lost"

# Those that look alone, and what can be asked of them.
pipeline looks a << 'END'
[[stage]]
use = "profile"
require = "tensors == 4 and parameters == 6204"

[[stage]]
use = "validate"
require = "max-abs < 1000000 and nan == 0"

[[stage]]
use = "cast"
to = "f32"
END
must "$ADZE" run looks.toml
must python3 "$expect" profile adze-runs/*-looks/report.json
# Where the table is can be asked, and of what it says of a tensor.
must "$ADZE" runs show
grep -A 1 "tables in report.json" must.out | grep -qE "^  profile.tensors +4$" \
  || complain "nobody says where the table is: $(cat must.out)"
must "$ADZE" runs show --json
grep -q '"profile.tensors": 4' must.out || complain "nor in the document: $(cat must.out)"
must "$ADZE" why last layer.0.weight
grep -qx '    shape = "120x50"' must.out || complain "why does not say what profile found: $(cat must.out)"
[ "$(grep -c 'shape = ' must.out)" = 1 ] || complain "why speaks of other tensors: $(cat must.out)"
must "$ADZE" why last layer.0.weight --json
grep -q '"parameters": 6000' must.out || complain "nor in the document: $(cat must.out)"

# All in one pass.
pipeline all a << 'END'
[[stage]]
use = "profile"

[[stage]]
use = "rename"
prefix-from = "layer."
prefix-to = "blk."

[[stage]]
use = "clip"
percentile = 97

[[stage]]
use = "cast"
to = "bf16"

[[stage]]
use = "validate"
require = "max-abs <= clip.threshold * 1.01 and inf == 0"
  [[stage.rule]]
  match = "ids"
  skip = true
END
must "$ADZE" run all.toml --set run.threads=1
mv all-out.safetensors all-one.safetensors
must "$ADZE" run all.toml --set run.threads=2 --fresh
cmp all-out.safetensors all-one.safetensors || complain "all: threads are seen in the bytes"
must "$ADZE" why last 'blk.0.weight[3,17]'
grep -q 'threshold = ' must.out || complain "why says nothing of the threshold"

# ---- Failures: before the first weight is read where that can be, and with the place.
pipeline bad bad << 'END'
[[stage]]
use = "validate"
[[stage]]
use = "cast"
to = "f16"
END
must_fail "tensor 'layer.0.weight': element 4321 is inf" "$ADZE" run bad.toml

pipeline large large << 'END'
[[stage]]
use = "cast"
to = "f16"
END
must_fail "tensor 'layer.0.weight': element 17 is 1000000" "$ADZE" run large.toml
must "$ADZE" run large.toml --set stage.cast.overflow=clamp

# Too small is nothing to fail for, and told all the same: once by the stage, and with how many.
pipeline tiny tiny << 'END'
[[stage]]
use = "cast"
to = "f16"
END
# loses TENSOR COUNT FIRST: the last run has said so of it, and no more.
loses ()
{
  local seen
  seen=$(sed -n "s/.*\"cast.underflow\".*\"tensor\": \"$1\".*\"count\": \([0-9]*\), \"first\": \([0-9]*\).*/\1 \2/p" \
    "$(ls -d adze-runs/0* | tail -n 1)/events.jsonl")
  [ "$seen" = "$2 $3" ] || complain "of $1 became zero: $seen, should be: $2 $3"
}
for isolate in false true; do
  must "$ADZE" run tiny.toml --fresh --set run.threads=2 --set stage.cast.isolate=$isolate
  # In workers, each of them says so.
  said=$(grep -c "warning: cast: numbers that are not zero become zero, being too small for f16" must.out)
  { [ "$said" = 1 ] || { [ $isolate = true ] && [ "$said" = 2 ]; }; } \
    || complain "it should be said once that numbers become zero: $(cat must.out)"
  loses w 2 2
  loses d 2 1
  # A result that is found says it as often as it was said when it was made.
  must "$ADZE" run tiny.toml --set run.threads=2 --set stage.cast.isolate=$isolate
  [ "$(grep -c "warning: cast: of the result that is kept: numbers that are not zero become zero" must.out)" = "$said" ] \
    || complain "it is not told once more that numbers become zero: $(cat must.out)"
done
must "$ADZE" run tiny.toml --set stage.cast.to=f32
loses d 2 1
must "$ADZE" run cast.toml --fresh
grep -q "become zero" must.out && complain "a number that stays was counted"

pipeline shapes a << 'END'
[input.other]
kind = "model"
path = "other.safetensors"

[[stage]]
use = "merge"
inputs = { model = "input.model", other = "input.other" }
END
must_fail "'layer.0.weight' is 120x50 in 'model' and 50x120 in 'other'" \
  "$ADZE" plan shapes.toml

pipeline misspelt a << 'END'
[[stage]]
use = "rename"
names = { idz = "tokens" }
END
must_fail "there is no tensor 'idz'" "$ADZE" plan misspelt.toml

pipeline nothing a << 'END'
[[stage]]
use = "clip"
percentile = 100
END
must_fail "changed nothing" "$ADZE" run nothing.toml

# What is known before anything is read is no surprise at the end.
model floats.safetensors 2 64 64
pipeline same floats << 'END'
[[stage]]
use = "cast"
to = "f32"
END
must_fail "same.toml:7:1: stage 'cast' (cast) would change nothing: all 2 tensors that come in would be left" \
  "$ADZE" plan same.toml
must "$ADZE" plan same.toml --set stage.cast.on-no-effect=warn

model none.safetensors 0 1 1
pipeline none none << 'END'
[[stage]]
use = "clip"
END
for verb in plan run; do
  must_fail 'would change nothing: all 0 tensors that come in' "$ADZE" $verb none.toml
done

pipeline limit a << 'END'
[[stage]]
use = "validate"
require = "max-abs < 0.001"
[[stage]]
use = "cast"
to = "f32"
END
must_fail "max-abs" "$ADZE" run limit.toml
[ ! -e bad-out.safetensors ] && [ ! -e limit-out.safetensors ] \
  || complain "a run that failed has written its output"

# ---- A tensor without a number.
python3 - << 'END'
import json, struct
head = json.dumps({"w": {"dtype": "F32", "shape": [4, 8], "data_offsets": [0, 128]},
                   "none": {"dtype": "F32", "shape": [0, 5], "data_offsets": [128, 128]}}).encode()
open("none.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + struct.pack("<32f", *range(32)))
END
for stage in 'use = "cast"\nto = "f16"' 'use = "clip"\npercentile = 90' 'use = "profile"' 'use = "validate"'; do
  printf '[[stage]]\n%b\n' "$stage" | pipeline none none
  must "$ADZE" run none.toml --fresh
done
finish
