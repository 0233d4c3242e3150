#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Techniques that do other than they say are caught, each with a message of its own: one whose apply
# is not what describe announced, one that changes nothing, one that breaks a trait it claims to
# preserve, one that breaks it in silence, one that falls back.
. "$(dirname "$0")/runs-lib.sh"
plugins liar
model plain.safetensors 3 16 16
model sparse.safetensors 3 16 16 1 sparse

# pipeline NAME MODEL TECHNIQUE [LINE...]
pipeline ()
{
  local name=$1 model=$2 technique=$3
  shift 3
  {
    printf 'adze = 1\nname = "%s"\n[model]\npath = "%s.safetensors"\n' "$name" "$model"
    printf '[[stage]]\nuse = "%s"\n' "$technique"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s-out.safetensors"\n' "$name"
  } > "$name.toml"
}

# caught NAME TECHNIQUE WORDS: here, and in a process of its own; no file is left under the output's name.
caught ()
{
  must_fail "$3" "$ADZE" run "$1.toml" --set "stage.$2.isolate=false"
  must_fail "$3" "$ADZE" run "$1.toml" --set "stage.$2.isolate=true"
  [ ! -e "$1-out.safetensors" ] || complain "$1: an output was left"
}

pipeline shape plain liar-shape
caught shape liar-shape "announced"
pipeline idle plain liar-idle
caught idle liar-idle "changed nothing"
pipeline idle-copy plain liar-idle 'copy = true'
caught idle-copy liar-idle "changed nothing"
pipeline sparsity sparse liar-sparsity
caught sparsity liar-sparsity "claims to preserve adze.sparsity/1 and broke it in 'layer.0.weight', at element 1"
pipeline silent sparse liar-silent
caught silent liar-silent "broke adze.sparsity/1 of 'layer.0.weight' without saying so, at element 1"
pipeline fallback plain liar-fallback
caught fallback liar-fallback "fell back"
grep -q 'twice as much' must.out || complain "the fallback does not say what was asked for"
pipeline half plain liar-half
caught half liar-half "announced 2 outputs for 'layer.0.weight', apply gave 1"
pipeline metric plain liar-metric
caught metric liar-metric "metric"

# What is only to be looked at is as it was, or the run fails: behind a stage that changes, and in
# front of one.
for liar in liar-spy liar-watch; do
  pipeline "$liar" plain "$liar" '[[stage]]' 'use = "cast"' 'to = "f16"'
  caught "$liar" "$liar" "wrote into its input 'layer.0.weight'"
done
pipeline behind plain cast 'to = "bf16"' '[[stage]]' 'use = "cast"' 'id = "back"' 'to = "f32"' \
  '[[stage]]' 'use = "liar-watch"'
caught behind liar-watch "wrote into its input"

# A second input is no excuse for changing nothing.
model other.safetensors 3 16 16 2
{
  printf 'adze = 1\n[model]\npath = "plain.safetensors"\n[input.other]\nkind = "model"\n'
  printf 'path = "other.safetensors"\n[[stage]]\nuse = "merge"\nweight = 0\n'
  printf 'inputs = { model = "input.model", other = "input.other" }\n'
  printf '[[output]]\npath = "merged.safetensors"\n'
} > merge-nothing.toml
must_fail "changed nothing" "$ADZE" run merge-nothing.toml

# What may be warned of instead is a warning then, and the run ends well.
pipeline idle-warn plain liar-idle 'on-no-effect = "warn"'
must "$ADZE" run idle-warn.toml
grep -q 'changed nothing' must.out || complain "on-no-effect = \"warn\" warns of nothing"
# Nor is it forgotten where the result is only found again.
must "$ADZE" run idle-warn.toml
cached true
grep -q 'changed nothing' must.out || complain "what was warned of is not spoken of again"
pipeline idle-warn plain liar-idle
must_fail "changed nothing" "$ADZE" run idle-warn.toml
pipeline fallback-warn plain liar-fallback 'on-fallback = "warn"'
must "$ADZE" run fallback-warn.toml
grep -q 'fell back' must.out || complain "on-fallback = \"warn\" warns of nothing"
must "$ADZE" run fallback-warn.toml
grep -q 'fell back' must.out || complain "a fallback is not spoken of again"
pipeline fallback-warn plain liar-fallback
must_fail "fell back" "$ADZE" run fallback-warn.toml

# One that says it breaks a trait may: the trait is gone from what it gives. One that preserves it
# does, and the trait is in the file.
pipeline breaks sparse liar-breaks
must "$ADZE" run breaks.toml
grep -qa 'adze.sparsity/1' breaks-out.safetensors && complain "a broken trait stayed in the file"
pipeline keeps sparse liar-threshold
must "$ADZE" run keeps.toml
grep -qa 'adze.sparsity/1' keeps-out.safetensors || complain "a kept trait is not in the file"
finish
