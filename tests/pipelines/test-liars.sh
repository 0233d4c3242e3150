#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Techniques that do other than they say are caught, each with a message of its own: one whose apply
# is not what describe announced, one that changes nothing, one that breaks a trait it claims to
# preserve, one that breaks it in silence, one that falls back. So are those that take whole models.
. "$(dirname "$0")/liars-lib.sh"
plugins liar cheat
model plain.safetensors 3 16 16
model sparse.safetensors 3 16 16 1 sparse
# For messages that name a tensor: of several any may be the first that a thread comes to.
model single.safetensors 1 16 16

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
pipeline half single liar-half
caught half liar-half "announced 2 outputs for 'layer.0.weight', apply gave 1"
pipeline metric plain liar-metric
caught metric liar-metric "metric"

# What was described before decide holds afterwards: nobody is told of one model and gets another.
word ()
{
  pipeline word single liar-word "then = \"$1\"" "$2"
  caught word liar-word "first $3; then $4"
}
word double '' "'layer.0.weight' f32 [16, 16]" "'layer.0.weight' f32 [32, 16]"
word double 'bound = true' "at most 'layer.0.weight' f32 [16, 16]" "'layer.0.weight' f32 [32, 16]"
word halve '' "'layer.0.weight' f32 [16, 16]" "'layer.0.weight' f32 [8, 16]"
word f16 '' "'layer.0.weight' f32 [16, 16]" "'layer.0.weight' f16 [16, 16]"
word other-name '' "'layer.0.weight' f32 [16, 16]" "'other' f32 [16, 16]"
word other-name 'bound = true' "at most 'layer.0.weight' f32 [16, 16]" "'other' f32 [16, 16]"
word drop '' "'layer.0.weight' f32 [16, 16]" "dropped"
word leave '' "'layer.0.weight' f32 [8, 16]" "left as it is, 'layer.0.weight' f32 [16, 16]"
word take '' "left as it is, 'layer.0.weight' f32 [16, 16]" "'layer.0.weight' f32 [16, 16]"
pipeline word plain liar-word 'then = "take-more"'
caught word liar-word "first 'layer.0.weight' f32 [16, 16]; then 'layer.0.weight' f32 [16, 16], made of 'layer.0.weight' and 'layer.1.weight'"
for then in halve f16 drop; do
  pipeline word single liar-word "then = \"$then\"" 'bound = true'
  for isolate in true false; do
    must "$ADZE" run --fresh word.toml --set "stage.liar-word.isolate=$isolate"
  done
done

# What is only to be looked at is as it was, or the run fails: behind a stage that changes, and in
# front of one.
for liar in liar-spy liar-watch; do
  pipeline "$liar" single "$liar" '[[stage]]' 'use = "cast"' 'to = "f16"'
  caught "$liar" "$liar" "wrote into its input 'layer.0.weight'"
done
pipeline behind plain cast 'to = "bf16"' '[[stage]]' 'use = "cast"' 'id = "back"' 'to = "f32"' \
  '[[stage]]' 'use = "liar-watch"'
caught behind liar-watch "wrote into its input"

# Also where nobody looks at it afterwards: the report would be about numbers that it made itself.
for liar in liar-spy liar-watch; do
  printf 'adze = 1\n[model]\npath = "single.safetensors"\n[[stage]]\nuse = "%s"\n' $liar > alone-$liar.toml
  caught alone-$liar $liar "wrote into its input 'layer.0.weight', which is read only (among the 256 elements from [0])"
done

# So is what the host holds the output against: otherwise zeros are lost and their trait stays, and
# what was changed in place "came out as it went in".
model zeros.safetensors 1 16 16 1 sparse
pipeline scratch zeros liar-scratch
caught scratch liar-scratch "wrote into its input 'layer.0.weight'"
pipeline scratch-same single liar-scratch 'more = 0.0' 'on-no-effect = "warn"'
caught scratch-same liar-scratch "wrote into its input 'layer.0.weight'"

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
[ "$(grep -c 'changed nothing' must.out)" = 1 ] || complain "what was warned of is not spoken of again, or twice"
pipeline idle-warn plain liar-idle
must_fail "changed nothing" "$ADZE" run idle-warn.toml
pipeline fallback-warn plain liar-fallback 'on-fallback = "warn"'
must "$ADZE" run fallback-warn.toml
grep -q 'fell back' must.out || complain "on-fallback = \"warn\" warns of nothing"
must "$ADZE" run fallback-warn.toml
grep -q 'fell back' must.out || complain "a fallback is not spoken of again"
pipeline fallback-warn plain liar-fallback
must_fail "fell back" "$ADZE" run fallback-warn.toml

# Killed when all is written and nothing has its name yet: whoever goes on speaks of it, too.
if [ "$ADZE_SANITIZERS" = none ] && [ "$ADZE_SHARED" != no ]; then
  pipeline goes-on plain liar-fallback 'on-fallback = "warn"'
  rm -rf adze-runs
  { LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=kill ADZE_FAIL_AT=1 \
    ADZE_FAIL_NAMES=1 ADZE_FAIL_BELOW=$PWD/goes-on-out "$ADZE" run goes-on.toml; } > killed.out 2>&1
  [ ! -e goes-on-out.safetensors ] || complain "the run was not killed in time"
  must "$ADZE" run goes-on.toml
  grep -q 'fell back 3 times' must.out || complain "after a kill, fallbacks are not all spoken of"
fi

# A fallback that is told before the stage runs is no other: the plan is refused, or it is warned of,
# and is in the report, once, also where an earlier stage made all be described again.
for where in create describe; do
  pipeline "early-$where" plain liar-early "where = \"$where\""
  caught "early-$where" liar-early "early-$where.toml:5:1: stage 'liar-early' (liar-early) fell back 1 time: asked for twice as much, it did one more, because it is easier"
  must_fail "fell back" "$ADZE" plan "early-$where.toml"
  for isolate in true false; do
    pipeline "early-$where" plain liar-threshold '[[stage]]' 'use = "liar-early"' \
      "where = \"$where\"" 'on-fallback = "warn"' "isolate = $isolate"
    rm -rf adze-runs
    for found in false true; do
      must "$ADZE" run "early-$where.toml"
      cached $found
      [ "$(grep -c 'fell back 1 time' must.out)" = 1 ] || complain "$where: it is not warned of once"
      grep -h '"asked": "twice as much"' adze-runs/0*/report.json | tail -n 1 | grep -q . \
        || complain "$where: the report has no fallback"
    done
  done
done

# A file whose own trait is not true is to blame, and not who reads it; nor is "broken" the word where a
# technique says of what it made what is not so.
for trait in 'adze.nm/1\":{\"n\":1,\"m\":4}' 'adze.codebook/1\":{\"k\":2}'; do
  id=${trait%%\\*}
  model untrue.safetensors 1 16 16 1 "$trait"
  pipeline untrue untrue liar-silent
  caught untrue liar-silent "untrue.safetensors says that 'layer.0.weight' has $id, which is not so"
  pipeline untrue untrue cheat-run 'do = "add"'
  caught untrue cheat-run "untrue.safetensors says that 'layer.0.weight' has $id, which is not so"
done
# Nor where each piece of the tensor has values few enough, and all of it has too many; a stage in front of it
# has nothing to do with that. With as many as the file says, the stage is to blame.
for few in 4 5; do
  header='{"__metadata__":{"adze.traits":"{\"w\":{\"adze.codebook/1\":{\"k\":'$few'}}}"},"w":{"dtype":"F32","shape":[330000],"data_offsets":[0,1320000]},"x":{"dtype":"F32","shape":[1],"data_offsets":[1320000,1320004]}}'
  {
    # shellcheck disable=SC2059
    printf "\\$(printf %03o ${#header})\0\0\0\0\0\0\0"
    printf '%s' "$header"
    for i in 70 71 72 73 74; do
      head -c 264000 /dev/zero | tr '\0' "\\$i"
    done
    printf '\0\0\0\0'
  } > codes-$few.safetensors
done
late="codes-4.safetensors says that 'w' has adze.codebook/1, which is not so, at element 264000"
pipeline late codes-4 clip 'percentile = 85' 'on-fallback = "warn"'
caught late clip "$late: stage 'clip' (clip) has not made it so"
pipeline late codes-4 liar-silent $'  [[stage.rule]]\n  match = "w"\n  skip = true' '[[stage]]' 'use = "clip"' \
  'percentile = 85' 'on-fallback = "warn"'
caught late clip "$late"
pipeline late codes-4 cheat-run 'do = "add"' 'only = "w"'
caught late cheat-run "$late"
pipeline own codes-5 cheat-run 'do = "spread"' 'only = "w"'
caught own cheat-run "broke adze.codebook/1 of 'w' without saying so"

pipeline claim single liar-claim
caught claim liar-claim \
  "stage 'liar-claim' (liar-claim) says that 'layer.0.weight' has adze.nm/1, which is not so"

# One that says it breaks a trait may: the trait is gone from what it gives. One that preserves it
# does, and the trait is in the file.
pipeline breaks sparse liar-breaks
must "$ADZE" run breaks.toml
grep -qa 'adze.sparsity/1' breaks-out.safetensors && complain "a broken trait stayed in the file"
pipeline keeps sparse liar-threshold
must "$ADZE" run keeps.toml
grep -qa 'adze.sparsity/1' keeps-out.safetensors || complain "a kept trait is not in the file"

# What is frozen is not changed by who does not say so, and a trait that goes is spoken of, once.
model frozen.safetensors 3 16 16 1 'adze.frozen/1\":{}'
skip=$'  [[stage.rule]]\n  match = "layer.0.weight"\n  skip = true'
pipeline frozen frozen liar-silent
for isolate in false true; do
  must_fail "frozen.toml:5:1: stage 'liar-silent' (liar-silent) would change 'layer.0.weight', which the model says is frozen" \
    "$ADZE" plan frozen.toml --set stage.liar-silent.isolate=$isolate
  grep -qF '[[stage.rule]] with match = "layer.0.weight" and skip = true' must.out \
    || complain "nobody says how to leave a frozen tensor alone"
done
pipeline frozen frozen liar-silent "$skip"
must "$ADZE" run frozen.toml
grep -qa 'adze.frozen/1' frozen-out.safetensors || complain "a frozen tensor that was left alone lost its trait"
pipeline thawed frozen clip 'percentile = 60'
lost thawed "'clip' (clip) makes of its tensors no longer has adze.frozen/1 (1 tensor); a rule"
pipeline thawed frozen clip 'percentile = 60' "$skip"
must "$ADZE" run thawed.toml
! grep -q 'no longer has' must.out || complain "what stays is said to be lost"
model stranger.safetensors 3 16 16 1 'demo.anything/1\":{}'
pipeline stranger stranger cast 'to = "f16"'
lost stranger "'cast' (cast) makes of its tensors no longer has demo.anything/1 (1 tensor)"

# ---- Those that take a whole model are held against what went in once they have ended.

pipeline whole-idle plain cheat-run
caught whole-idle cheat-run \
  "whole-idle.toml:5:1: stage 'cheat-run' (cheat-run) changed nothing: all 3 tensors"
pipeline whole-order plain cheat-run 'backwards = true'
caught whole-order cheat-run "changed nothing"
pipeline whole-idle-warn plain cheat-run 'on-no-effect = "warn"'
must "$ADZE" run whole-idle-warn.toml
grep -q 'changed nothing' must.out || complain "nobody is warned of a whole model that stays"
must "$ADZE" run whole-idle-warn.toml
cached true
[ "$(grep -c 'changed nothing' must.out)" = 1 ] || complain "of a whole model that stayed nobody is warned again"
pipeline whole-idle-warn plain cheat-run
must_fail "changed nothing" "$ADZE" run whole-idle-warn.toml
# One number or a name: something was done. A report may tell of nothing.
pipeline whole-one plain cheat-run 'do = "add"' 'only = "layer.2.weight"'
must "$ADZE" run whole-one.toml
pipeline whole-name plain cheat-run 'prefix = "a."'
must "$ADZE" run whole-name.toml
pipeline whole-report plain cheat-run 'report = true'
caught whole-report cheat-run "changed nothing"

pipeline whole-silent sparse cheat-run 'do = "add"'
caught whole-silent cheat-run \
  "broke adze.sparsity/1 of 'layer.0.weight' without saying so, at element 1"
pipeline whole-claims sparse cheat-claims 'do = "add"'
caught whole-claims cheat-claims \
  "claims to preserve adze.sparsity/1 and broke it in 'layer.0.weight', at element 1"
pipeline whole-breaks sparse cheat-breaks 'do = "add"'
must "$ADZE" run whole-breaks.toml
grep -qF "'cheat-breaks' (cheat-breaks) makes of its tensors no longer has adze.sparsity/1 (1 tensor)" must.out \
  || complain "nobody is warned of a broken trait (whole)"
grep -qa 'adze.sparsity/1' whole-breaks-out.safetensors && complain "a broken trait stayed (whole)"
# Broken by nobody: it is in the file, whether the stage was run or found, and for the stage behind it.
for isolate in true false; do
  pipeline whole-keeps sparse cheat-run 'do = "negate"' "isolate = $isolate"
  rm -rf adze-runs whole-keeps-out.safetensors
  must "$ADZE" run whole-keeps.toml
  grep -qa 'adze.sparsity/1' whole-keeps-out.safetensors || complain "a kept trait is lost (whole)"
done
rm whole-keeps-out.safetensors
must "$ADZE" run whole-keeps.toml
cached true
grep -qa 'adze.sparsity/1' whole-keeps-out.safetensors || complain "a trait is lost when it is found"
pipeline whole-behind sparse cheat-run 'do = "negate"' '[[stage]]' 'use = "liar-silent"'
must_fail "'liar-silent' (liar-silent) broke adze.sparsity/1" "$ADZE" run whole-behind.toml
must_fail "'liar-silent' (liar-silent) broke adze.sparsity/1" "$ADZE" run whole-behind.toml
# One that nobody can verify is kept with the bytes, and goes with them.
LC_ALL=C sed 's|adze.sparsity/1|demo.anything/1|' sparse.safetensors > unknown.safetensors
pipeline whole-beside unknown cheat-run 'do = "add"' 'only = "layer.1.weight"'
must "$ADZE" run whole-beside.toml
grep -qa 'demo.anything/1' whole-beside-out.safetensors || complain "an unknown trait is lost"
pipeline whole-unknown unknown cheat-run 'do = "add"'
must "$ADZE" run whole-unknown.toml
grep -qa 'demo.anything/1' whole-unknown-out.safetensors && complain "an unknown trait outlived its bytes"

# ---- What such a stage says of its tensors is held against them.

# says NAME MODEL ID JSON [LINE...]
says ()
{
  local name=$1 model=$2
  local lines=("says = \"$3\"" "with = '$4'")
  shift 4
  pipeline "$name" "$model" cheat-run "${lines[@]}" "$@"
}

# One that is true is in the file, whether the stage was run or found, and for the stage behind it.
says true-word sparse adze.nm/1 '{"n": 2, "m": 2}' 'do = "negate"'
for found in false true; do
  rm -f true-word-out.safetensors
  must "$ADZE" run true-word.toml
  cached $found
  grep -qaF 'adze.nm/1\": {\"n\": 2, \"m\": 2}' true-word-out.safetensors || complain "a trait that was said is lost"
  grep -qaF 'adze.sparsity/1' true-word-out.safetensors || complain "a trait that was there is lost"
done
says behind-word plain adze.codebook/1 '{"k": 256}' 'do = "negate"' '[[stage]]' 'use = "liar-silent"'
must "$ADZE" run behind-word.toml
says behind-word sparse adze.sparsity/1 '{}' 'do = "negate"' '[[stage]]' 'use = "liar-silent"'
must_fail "'liar-silent' (liar-silent) broke adze.sparsity/1" "$ADZE" run behind-word.toml
# One that nobody can verify is believed; of tensors that did not come in as well.
says new-word plain demo.anything/1 '{"of": "us"}' 'prefix = "new."'
must "$ADZE" run new-word.toml
grep -qaF 'new.layer.0.weight\": {\"demo.anything/1\": {\"of\": \"us\"}}' new-word-out.safetensors \
  || complain "a trait of a new tensor is lost"

false_word="stage 'cheat-run' (cheat-run) says that"
says false-word single adze.nm/1 '{"n": 1, "m": 4}' 'do = "negate"'
must_fail "$false_word 'layer.0.weight' has adze.nm/1, which is not so, at element" "$ADZE" run false-word.toml
# Of bytes that stay as well, of what the input had in another way, and of tensors that did not come in.
says false-word single adze.codebook/1 '{"k": 4}'
must_fail "$false_word 'layer.0.weight' has adze.codebook/1" "$ADZE" run false-word.toml
says false-word codes-5 adze.codebook/1 '{"k": 4}' 'do = "negate"'
must_fail "$false_word 'w' has adze.codebook/1" "$ADZE" run false-word.toml
says false-word single adze.codebook/1 '{"k": 4}' 'prefix = "new."'
must_fail "$false_word 'new.layer.0.weight' has adze.codebook/1" "$ADZE" run false-word.toml
[ ! -e false-word-out.safetensors ] || complain "what was said wrongly is in a file"
says false-word single adze.nm/1 '{"n": 1}' 'do = "negate"'
must_fail 'the trait adze.nm/1 needs "m"' "$ADZE" run false-word.toml
says false-word single demo.anything/1 '[1]' 'do = "negate"'
must_fail "the trait 'demo.anything/1' of 'layer.0.weight' is no object" "$ADZE" run false-word.toml
says false-word single demo.anything/1 '{' 'do = "negate"'
must_fail "the trait 'demo.anything/1' of 'layer.0.weight' cannot be kept" "$ADZE" run false-word.toml
says false-word single demo.anything/1 '{}' 'do = "negate"' 'times = 2'
must_fail "says the trait 'demo.anything/1' of 'layer.0.weight' twice" "$ADZE" run false-word.toml
says false-word single demo.anything/1 '{}' 'do = "negate"' 'early = true'
must_fail "says the trait 'demo.anything/1' of 'layer.0.weight', which it has not given" "$ADZE" run false-word.toml
says far-word single demo.anything/1 '{}' 'do = "negate"' 'isolate = true'
must "$ADZE" run far-word.toml
grep -aqF 'demo.anything/1' far-word-out.safetensors || complain "what a process of its own says of its tensors is lost"
says far-word single adze.codebook/1 '{"k": 4}' 'do = "negate"' 'isolate = true'
must_fail "has adze.codebook/1" "$ADZE" run far-word.toml
finish
