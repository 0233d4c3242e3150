#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A network whose weights were cast is computed in the type that they have now: it judges as it did before,
# but for roundings, and as well on onednn as on ref.
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
. "$(dirname "$0")/train-lib.sh"

# casts NAME MODEL TYPE [LINE...]: NAME.toml, which casts the weights (the lines are rules) and evaluates;
# its report is NAME.json.
casts ()
{
  local name=$1 model=$2 type=$3
  shift 3
  {
    head_ "$model"
    [ "$type" = none ] || printf '[[stage]]\nuse = "cast"\nto = "%s"\n' "$type"
    printf '%s\n' "$@"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\nresamples = 0\nlatency-runs = 0\n'
    printf '[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$name"
  } > "$name.toml"
}

# evaluated NAME MODEL TYPE BACKEND [LINE...]: the same, done.
evaluated ()
{
  local name=$1 model=$2 type=$3 backend=$4
  shift 4
  casts "$name" "$model" "$type" "$@"
  must "$ADZE" run "$name.toml" --backend "$backend"
}

# near ONE OTHER EXAMPLES: the reports have accuracies that are at most so many examples of 101 apart, and
# losses that are at most 2 in a hundred apart.
near ()
{
  python3 -c 'import json, sys
a, b = (json.load(open(f + ".json")) for f in sys.argv[1:3])
apart = abs(a["accuracy"] - b["accuracy"]) * 101
assert apart < int(sys.argv[3]) + 0.5 and abs(a["loss"] - b["loss"]) < 0.02 * b["loss"], (a, b)' "$@" \
    || complain "$1 and $2 are further apart than roundings make them"
}

# other ONE TWO: not the very same loss: something was rounded.
other ()
{
  python3 -c 'import json, sys
a, b = (json.load(open(f + ".json")) for f in sys.argv[1:3])
assert a["loss"] != b["loss"]' "$@" || complain "$1 and $2 have the same loss"
}

backends=ref
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "not looked at: what onednn computes; it is not there" ;;
  *) backends="ref onednn" ;;
esac
bf16=no
must "$ADZE" backend list
! grep -q '^onednn .*, bf16, ' must.out || bf16=yes

for net in mlp conv; do
  learn $net $net.onnx
  must "$ADZE" run $net.toml
  evaluated $net-f32 $net-out.onnx none ref
  for backend in $backends; do
    evaluated $net-$backend $net-out.onnx bf16 $backend
    near $net-$backend $net-f32 2
    near $net-$backend $net-ref 1
    other $net-$backend $net-f32
  done
  evaluated $net-f16 $net-out.onnx f16 ref
  near $net-f16 $net-f32 1
  holds $net-ref.json "2 * r['size'] == $(python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["size"])' $net-f32.json)"

  # Nothing is left to ref where the processor is one for it; else all is, and it is told.
  case $backends in
    *onednn*)
      must "$ADZE" plan $net-onednn.toml --backend onednn
      if [ $bf16 = yes ]; then
        holds $net-onednn.json "r['delegated'] == 0 and ', bf16, ' in r['protocol']['identity']"
        grep -q 'computed by onednn$' must.out || complain "the plan leaves nodes to ref: $(cat must.out)"
        must "$ADZE" run $net-onednn.toml --backend onednn --set run.delegate=error
      fi
      export ONEDNN_MAX_CPU_ISA=AVX2
      must "$ADZE" plan $net-onednn.toml --backend onednn
      grep -q 'by ref in its place: .*Gemm' must.out \
        || complain "AVX2 has no bfloat16, and the plan should say so: $(cat must.out)"
      must_fail "(Cast) is not done by the backend 'onednn'" \
        "$ADZE" run $net-onednn.toml --backend onednn --set run.delegate=error
      must "$ADZE" backend check onednn --only Gemm
      ! grep -q 'Gemm *bf16' must.out || complain "AVX2 has no bfloat16, and Gemm is claimed"
      unset ONEDNN_MAX_CPU_ISA ;;
  esac
done

# Weights that were left alone do not keep the others from it.
evaluated biases conv-out.onnx bf16 ref '[[stage.rule]]' 'match = "*.bias"' 'skip = true'
near biases conv-ref 0
holds biases.json 'r["size"] == 452 + 2 * 7'

# Norms are learnt as well; they stay as they are.
learn norm norm.onnx
must "$ADZE" run norm.toml
evaluated norm-f32 norm-out.onnx none ref
for backend in $backends; do
  evaluated norm-$backend norm-out.onnx bf16 $backend '[[stage.rule]]' 'match = "bn.*"' 'skip = true'
  near norm-$backend norm-f32 2
done

# Learning takes smaller steps than such weights have, and is refused before it begins.
{
  head_ conv-out.onnx
  printf '[[stage]]\nuse = "cast"\nto = "bf16"\n'
  printf '[[stage]]\nuse = "train"\ndata = "train"\nepochs = 1\n[[output]]\npath = "again.onnx"\n'
} > again.toml
must_fail "the weight 'conv.weight' is of a float type of 16 bits, in which small steps are lost" \
  "$ADZE" run again.toml
finish
