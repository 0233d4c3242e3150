#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What becomes of the traits of a tensor that a stage makes longer, shorter or of another form: those
# about places are lost, which is said; who claims to keep them is refused; a codebook is about values
# alone and stays, held against what comes out. Never is a tensor held against what lies behind its input.
. "$(dirname "$0")/liars-lib.sh"
plugins stretch liar
nm='adze.nm/1\":{\"n\":4,\"m\":4}'
frozen='adze.frozen/1\":{}'
codebook='adze.codebook/1\":{\"k\":256}'
model sparsity.safetensors 1 16 16 1 sparse
model nm.safetensors 1 16 16 1 "$nm"
model frozen.safetensors 1 16 16 1 "$frozen"
model codebook.safetensors 1 16 16 1 "$codebook"

# gone NAME TRAIT, stays NAME TRAIT: out of the output, in it.
gone ()
{
  ! grep -qa "$2" "$1-out.safetensors" || complain "$1: $2 stayed"
}
stays ()
{
  grep -qa "$2" "$1-out.safetensors" || complain "$1: $2 is lost"
}

# loses NAME TECHNIQUE TRAIT: here and in a process of its own, in the plan and in the run.
loses ()
{
  local isolate words="'$2' ($2) makes of its tensors no longer has $3 (1 tensor)"
  for isolate in false true; do
    rm -rf adze-runs "$1-out.safetensors"
    pipeline "$1" "$model" "$2" "${more[@]}" "isolate = $isolate"
    lost "$1" "$words"
    gone "$1" "$3"
  done
}

# keeps NAME TECHNIQUE TRAIT
keeps ()
{
  local isolate
  for isolate in false true; do
    rm -rf adze-runs "$1-out.safetensors"
    pipeline "$1" "$model" "$2" "${more[@]}" "isolate = $isolate"
    must "$ADZE" run "$1.toml"
    ! grep -q 'no longer has' must.out || complain "$1: what stays is said to be lost"
    stays "$1" "$3"
  done
}

for model in sparsity nm; do
  trait=adze.$model/1
  for how in longer shorter flat; do
    more=("how = \"$how\"" 'on-no-effect = "warn"')
    loses silent-$model-$how stretch "$trait"
    loses breaks-$model-$how stretch-breaks "$trait"
  done
  # So much longer that nobody's memory lies there.
  more=('times = 65536')
  loses long-$model stretch "$trait"
  for how in longer:'[32, 16]' shorter:'[8, 16]' flat:'[256]'; do
    name=claims-$model-${how%%:*}
    pipeline "$name" $model stretch-claims "how = \"${how%%:*}\""
    words="$name.toml:5:1: stage 'stretch-claims' (stretch-claims) claims to preserve $trait, and makes 'layer.0.weight' ${how#*:} of [16, 16]"
    caught "$name" stretch-claims "$words"
    must_fail "$words" "$ADZE" plan "$name.toml"
  done
  pipeline skipped-$model $model stretch-claims 'on-no-effect = "warn"' '[[stage.rule]]' 'match = "layer.0.weight"' \
    'skip = true' '[[stage]]' 'use = "cast"' 'to = "f16"'
  must "$ADZE" run skipped-$model.toml
  stays skipped-$model "$trait"
done

# A frozen tensor is not changed by who does not say so.
pipeline silent-frozen frozen stretch
caught silent-frozen stretch "would change 'layer.0.weight', which the model says is frozen"
pipeline claims-frozen frozen stretch-claims
caught claims-frozen stretch-claims "claims to preserve adze.frozen/1, and makes 'layer.0.weight' [32, 16]"
model=frozen more=()
loses breaks-frozen stretch-breaks adze.frozen/1

# Values are values in any shape: the codebook stays, and is held against all of what comes out.
model=codebook
for how in longer shorter flat; do
  more=("how = \"$how\"" 'on-no-effect = "warn"')
  keeps codebook-$how stretch adze.codebook/1
  keeps codebook-claims-$how stretch-claims adze.codebook/1
done
pipeline spoilt codebook stretch 'spoil = true'
caught spoilt stretch \
  "'stretch' (stretch) broke adze.codebook/1 of 'layer.0.weight' without saying so, at element 256"
pipeline spoilt codebook stretch-claims 'spoil = true'
caught spoilt stretch-claims \
  "claims to preserve adze.codebook/1 and broke it in 'layer.0.weight', at element 256"
model untrue.safetensors 1 16 16 1 'adze.codebook/1\":{\"k\":2}'
for technique in stretch stretch-run; do
  pipeline untrue untrue $technique 'times = 65536'
  caught untrue $technique \
    "untrue.safetensors says that 'layer.0.weight' has adze.codebook/1, which is not so, at element 2:"
done

# What is said of the one tensor goes before what is said of all.
model=sparsity more=('times = 65536')
loses takes stretch-takes adze.sparsity/1
keeps gives stretch-gives adze.sparsity/1
# Where one of two has the shape still, it has the trait, and it alone.
more=()
keeps pair stretch-pair adze.sparsity/1
grep -qaF '{\"layer.0.weight.rest\": {\"adze.sparsity/1\"' pair-out.safetensors \
  || complain "of two tensors not the one that has the shape has the trait"

# With the bytes left alone all stays but what is about rows.
more=('how = "wide"')
keeps wide-sparsity stretch-claims adze.sparsity/1
model=frozen
keeps wide-frozen stretch adze.frozen/1
model=nm
loses wide-nm stretch adze.nm/1
pipeline wide-claims nm stretch-claims 'how = "wide"'
caught wide-claims stretch-claims "claims to preserve adze.nm/1, and makes 'layer.0.weight' [8, 32]"

# What is lost binds nobody who comes later.
pipeline later sparsity stretch '[[stage]]' 'use = "liar-silent"'
must "$ADZE" run later.toml
gone later adze.sparsity/1

# ---- The same for those that take whole models, which are known once they have ended.

for model in sparsity nm; do
  for how in longer shorter flat; do
    pipeline whole-$model-$how $model stretch-run "how = \"$how\""
    must "$ADZE" run whole-$model-$how.toml
    [ "$(grep -cF "makes of its tensors no longer has adze.$model/1 (1 tensor)" must.out)" = 1 ] \
      || complain "whole, $model, $how: it is not said once what is lost"
    grep -h '"log"' adze-runs/0*-whole-$model-$how/events.jsonl | grep -q 'no longer has' \
      || complain "whole, $model, $how: no event says what is lost"
    gone whole-$model-$how adze.$model/1
    pipeline whole-$model-$how $model stretch-run-claims "how = \"$how\""
    rm whole-$model-$how-out.safetensors
    caught whole-$model-$how stretch-run-claims "claims to preserve adze.$model/1, and makes 'layer.0.weight'"
  done
done
pipeline whole-frozen frozen stretch-run
caught whole-frozen stretch-run "would change 'layer.0.weight', which the model says is frozen"
model=codebook
for how in longer shorter flat; do
  more=("how = \"$how\"")
  keeps whole-codebook-$how stretch-run adze.codebook/1
  keeps whole-codebook-claims-$how stretch-run-claims adze.codebook/1
done
pipeline whole-spoilt codebook stretch-run 'spoil = true'
caught whole-spoilt stretch-run "broke adze.codebook/1 of 'layer.0.weight' without saying so, at element 256"
finish
