#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# prune-magnitude and prune-blocks in whole pipelines: what goes is what Python says, whoever computes it;
# traits, what is told of it, what is refused.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
expect="$TOP_SRCDIR/tests/pipelines/prunes.py"
must python3 "$TOP_SRCDIR/tests/pipelines/techniques.py" make
model small.safetensors 3 30 42

# pipeline NAME MODEL [LINE...]: writes NAME.toml with one stage; the lines are its own.
pipeline ()
{
  local name=$1 model=$2
  shift 2
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "%s.safetensors"\n\n[[stage]]\n' "$name" "$model"
    printf '%s\n' "$@"
    printf '\n[[output]]\npath = "%s-out.safetensors"\n' "$name"
  } > "$name.toml"
}

# right NAME MODEL WORD...: runs it, and compares with what Python expects, and with what other threads and
# a process of its own make of it.
right ()
{
  local name=$1 model=$2 wish
  shift 2
  must "$ADZE" run "$name.toml" --set run.threads=1
  must python3 "$expect" "$model.safetensors" "$name-out.safetensors" "$@"
  mv "$name-out.safetensors" "$name-one.safetensors"
  for wish in run.threads=3 "stage.$(sed -n 's/^use = "\(.*\)"/\1/p' "$name.toml").isolate=true"; do
    must "$ADZE" run "$name.toml" --fresh --set "$wish"
    cmp "$name-out.safetensors" "$name-one.safetensors" || complain "$name: $wish is seen in the bytes"
  done
}

# told NAME WORD...: all of it is in the file that was made.
told ()
{
  local name=$1 words
  shift
  for words; do
    grep -aqF -- "$words" "$name-out.safetensors" || complain "the file of $name does not say $words"
  done
}

# ---- Shares. Floats of all types, and tensors that do not take part.
pipeline all a 'use = "prune-magnitude"' 'sparsity = 0.7'
right all a all 0.7
pipeline most small 'use = "prune-magnitude"' 'sparsity = 0.7' 'min-kept = 0' \
  'require = "pruned == 2646 and counted == 3780 and sparsity == 0.7"' \
  '[[stage.rule]]' 'match = "layer.1.*"' 'min-kept = 0.5'
right most small all 0.7 0.5
told most '\"adze.sparsity/1\": {}'
# What was so before is nothing that was done.
pipeline twice small 'id = "first"' 'use = "prune-magnitude"' 'sparsity = 0.5' '' '[[stage]]' 'use = "prune-magnitude"' \
  'sparsity = 0.5'
must_fail "stage 'prune-magnitude' (prune-magnitude) changed nothing" "$ADZE" run twice.toml
must "$ADZE" run twice.toml --set stage.prune-magnitude.sparsity=0.6
pipeline each small 'use = "prune-magnitude"' 'scope = "tensor"' 'sparsity = 0.25' \
  '[[stage.rule]]' 'match = "layer.2.*"' 'sparsity = 0.8'
right each small each 0.25 layer.2.weight 0.8

# ---- Patterns.
pipeline two small 'use = "prune-magnitude"' 'pattern = "2:4"'
right two small of 2 4
told two '\"adze.nm/1\": {\"n\": 2, \"m\": 4}' '\"adze.sparsity/1\": {}'
# Rows of kernels are all that one output channel is made of: short ones of 3 would keep two of three.
must python3 "$expect" small.safetensors kernels.safetensors kernels
pipeline kernels kernels 'use = "prune-magnitude"' 'pattern = "2:4"' 'require = "sparsity > 0.44"'
right kernels kernels of 2 4
told kernels '\"adze.nm/1\": {\"n\": 2, \"m\": 4}'
# What is 2:4 is 3:4 and 4:8 as well, and so is 2:16: that is nothing new, and the stronger word stays.
for pair in "2:4 3:4" "2:4 4:8" "2:16 2:4"; do
  stronger=${pair% *}
  pipeline again small 'id = "first"' 'use = "prune-magnitude"' "pattern = \"$stronger\"" '' '[[stage]]' \
    'use = "prune-magnitude"' "pattern = \"${pair#* }\""
  must_fail "stage 'prune-magnitude' (prune-magnitude) changed nothing" "$ADZE" run again.toml
  must "$ADZE" run again.toml --set 'stage.prune-magnitude.on-no-effect="warn"'
  told again "\\\"adze.nm/1\\\": {\\\"n\\\": 2, \\\"m\\\": ${stronger#*:}}"
done
pipeline three small 'use = "prune-magnitude"' 'pattern = "3:5"'
right three small of 3 5
pipeline tall small 'use = "prune-blocks"' 'block = "4x1"' 'sparsity = 0.6'
right tall small blocks 0.6 4 1
pipeline square small 'use = "prune-blocks"' 'block = "8x8"' 'sparsity = 0.3'
right square small blocks 0.3 8 8

# ---- What is protected stays, and others go in its place.
must python3 "$expect" small.safetensors masks.safetensors masks
guard=('inputs = { model = "input.model", protected = "input.masks" }' '[input.masks]' 'kind = "model"' 'path = "masks.safetensors"')
pipeline held small 'use = "prune-magnitude"' 'sparsity = 0.6' 'require = "sparsity == 0.6 and protected == 840"' "${guard[@]}"
right held small held 0.6 masks.safetensors
must "$ADZE" why last layer.0.weight
grep -qF 'protected = 420' must.out || complain "nobody says what is protected: $(cat must.out)"
pipeline more small 'use = "prune-magnitude"' 'sparsity = 0.9' "${guard[@]}"
must "$ADZE" run more.toml
must python3 "$expect" small.safetensors more-out.safetensors held 0.9 masks.safetensors
pipeline both small 'use = "prune-magnitude"' 'pattern = "2:4"' "${guard[@]}"
must_fail "'protected' has a mask of tensor 'layer.0.weight', and pattern = \"2:4\"" "$ADZE" plan both.toml
sed 's/masks\.safetensors/small.safetensors/' held.toml > floats.toml
must_fail "a tensor 'layer.0.weight' that is no mask" "$ADZE" plan floats.toml
sed 's/^path = "small/path = "tiny/' held.toml > others.toml
must_fail "nothing that is pruned here has a mask" "$ADZE" plan others.toml

# ---- The mask as a file, beside the model.
cat > mask.toml << 'END'
adze = 1
name = "mask"
[model]
path = "a.safetensors"
[[stage]]
use = "prune-magnitude"
sparsity = 0.7
[[stage]]
use = "prune-mask"
[[output]]
path = "mask-model.safetensors"
from = "prune-magnitude.model"
[[output]]
path = "mask-out.safetensors"
END
must "$ADZE" run mask.toml
cmp mask-model.safetensors all-out.safetensors || complain "a mask changes the model that it is of"
must python3 "$expect" mask-model.safetensors mask-out.safetensors mask

# ---- What is told of one weight.
must "$ADZE" run most.toml
must "$ADZE" why last 'layer.0.weight[3,5]'
for words in ' -> 0.0' 'threshold = ' 'weights = 1260' 'pruned = ' 'kept = '; do
  grep -qF -- "$words" must.out || complain "why does not say '$words': $(cat must.out)"
done
must "$ADZE" why last layer.1.weight
grep -qF "by rule 'layer.1.*'" must.out || complain "why names no rule: $(cat must.out)"
grep -qF 'kept = 630' must.out || complain "what must stay has not stayed: $(cat must.out)"

# ---- Traits: what others made goes on, and others go on with it.
pipeline few small 'use = "cluster"' 'k = 4' '[[stage]]' 'use = "prune-magnitude"' 'sparsity = 0.4' \
  '[[stage]]' 'use = "cast"' 'to = "f16"'
must "$ADZE" run few.toml
told few '\"adze.codebook/1\": {\"k\": 5}' '\"adze.sparsity/1\": {}'
pipeline again two-one 'use = "prune-magnitude"' 'sparsity = 0.8'
must "$ADZE" run again.toml
told again '\"adze.nm/1\": {\"n\": 2, \"m\": 4}'

# ---- Failures.
pipeline nothing small 'use = "prune-magnitude"' 'sparsity = 0'
must_fail "changed nothing" "$ADZE" run nothing.toml
pipeline bad bad 'use = "prune-magnitude"'
must_fail "tensor 'layer.0.weight' is not finite at element 4321" "$ADZE" run bad.toml
must_fail "say not-finite = \"keep\"" "$ADZE" run bad.toml
must "$ADZE" run bad.toml --set stage.prune-magnitude.not-finite=keep
must_fail "parameter 'pattern' is \"2:1\"; needed" "$ADZE" plan two.toml --set stage.prune-magnitude.pattern=2:1
must_fail "use = \"prune-blocks\" with block = \"4x1\"" \
  "$ADZE" plan two.toml --set stage.prune-magnitude.pattern=4x1
must_fail "parameter 'sparsity' of tensor 'layer.2.weight' is not that of the stage" \
  "$ADZE" plan each.toml --set stage.prune-magnitude.scope=global
must "$ADZE" run all.toml --set stage.prune-magnitude.sparsity=1
grep -qF "min-kept says how much of each must stay" must.out || complain "nobody says that tensors are empty: $(cat must.out)"

# Zeros that are there count, be they more than min-kept lets go.
pipeline again small 'use = "prune-magnitude"' 'scope = "tensor"' 'sparsity = 0.9' '[[stage.rule]]' 'match = "layer.[12].*"' 'skip = true' \
  '[[stage]]' 'use = "prune-magnitude"' 'id = "more"' 'sparsity = 0.5' 'min-kept = 0.3' 'require = "sparsity > 0.4995 and sparsity < 0.5005"'
must "$ADZE" run again.toml

[ "$("$ADZE" runs show | sed -n 's/^  more.zero-before  *//p')" -gt 100 ] || complain "nobody tells how many were zero: $("$ADZE" runs show)"

# At least so many stay as min-kept says, and a share that cannot be had is told of.
pipeline third small 'use = "prune-magnitude"' 'scope = "tensor"' 'sparsity = 1' 'min-kept = 0.3335'
must "$ADZE" run third.toml
[ "$("$ADZE" runs show | sed -n 's/^  prune-magnitude.pruned  *//p')" = $((3 * (1260 - 421))) ] \
  || complain "0.3335 of 1260 are at least 421: $("$ADZE" runs show)"
grep -qF "weights were to be zero, and" must.out || complain "nobody warns of a share that cannot be had: $(cat must.out)"
must "$ADZE" run third.toml --set stage.prune-magnitude.sparsity=0.5 --set stage.prune-magnitude.min-kept=0.5
! grep -qF "were to be zero" must.out || complain "it warns of a share that was had: $(cat must.out)"

# What may lose nothing counts as well: others lose more in its place.
pipeline spared small 'use = "prune-magnitude"' 'sparsity = 0.3' 'require = "sparsity > 0.2995 and sparsity < 0.3005"' '[[stage.rule]]' \
  'match = "layer.1.*"' 'min-kept = 0.9999999'
must "$ADZE" run spared.toml
sed -i 's/^min-kept.*/min-kept = 1.0/' spared.toml
must "$ADZE" run spared.toml

# Rules say nothing that plays no part, and may say something else than the stage does.
while IFS='|' read -r of rule words; do
  pipeline said small 'use = "prune-magnitude"' 'scope = "tensor"' ${of:+"$of"} '[[stage.rule]]' 'match = "layer.0.weight"' \
    'pattern = "2:4"' ${rule:+"$rule"}
  if [ -n "$words" ]; then
    must_fail "$words" "$ADZE" plan said.toml
  else
    must "$ADZE" plan said.toml
  fi
done << END
|sparsity = 0.9|'sparsity' has no meaning with pattern = "2:4"
|threshold = 0.5|'threshold' has no meaning with pattern = "2:4"
sparsity = 0.9||
sparsity = 0.5|sparsity = 0.9|'sparsity' has no meaning with pattern = "2:4"
END
finish
