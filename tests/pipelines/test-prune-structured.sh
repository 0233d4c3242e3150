#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# prune-structured in whole pipelines: a network that lost channels computes what the one does whose channels
# are zero, in our own backend and in onnxruntime, and others go on with it; what is told of it, what is
# refused, and models without a network.
. "$(dirname "$0")/train-lib.sh"

# nets: a multilayer perceptron, and convolutions with a residual, a batch normalisation, groups and a flatten,
# both trained a little, so that their normalisations and biases are some.
nets ()
{
  local name input
  for name in wide deep; do
    case $name in
      wide) input=4x4 layers='"flatten", "dense 24 relu", "dense 16 tanh", "dense 4"' ;;
      deep) input=1x4x4 layers='"conv 8 3x3 pad 1 no-bias", "norm batch relu", "residual open", "conv 6 3x3 pad 1 relu", "conv 8 3x3 pad 1", "norm batch", "residual close relu", "conv 8 3x3 pad 1 groups 2 sigmoid", "pool 2", "flatten", "dense 12 relu", "dense 4"' ;;
    esac
    {
      printf 'adze = 1\nname = "%s"\nseed = 3\n' $name
      head_ none | sed -n '/^.data.train/,$p'
      printf '[[stage]]\nuse = "build-model"\ninput = "%s"\nlayers = [%s]\n' $input "$layers"
      printf '[[stage]]\nuse = "train"\ndata = "train"\nbatch = 16\nepochs = 3\nrate = 0.02\n'
      printf '[[output]]\npath = "%s.onnx"\n' $name
    } > $name.toml
    must "$ADZE" run $name.toml
  done
}

# prune NAME MODEL [LINE...]: writes NAME.toml: the stage, with these lines, between two evaluations. What is to
# stand behind it is in the variable behind.
prune ()
{
  local name=$1 model=$2
  shift 2
  {
    head_ "$model"
    printf '[[stage]]\nuse = "evaluate"\nid = "before"\ndata = "test"\nresamples = 0\nlatency-runs = 0\n'
    printf '[[stage]]\nuse = "prune-structured"\n'
    printf '%s\n' "$@"
    printf '%b' "${behind-}"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\nresamples = 0\nlatency-runs = 0\n'
    printf '[[output]]\npath = "%s.onnx"\nfrom = "prune-structured.model"\n' "$name"
    printf '[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$name"
    printf '[[output]]\npath = "%s-before.json"\nfrom = "before.report"\n' "$name"
  } > "$name.toml"
}

# shape NAME TENSOR: its sizes, between spaces.
shape ()
{
  python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import networks
print(*networks.weights_of(sys.argv[2])[sys.argv[3]][0])' "$(dirname "$networks")" "$1" "$2"
}

modules=${ADZE_NODE_MODULES:-$(npm root -g 2> /dev/null)}
export NODE_PATH=$modules
ort=no
if node -e "require('onnxruntime-node')" 2> /dev/null; then ort=yes; fi
[ $ort = yes ] || echo "not looked at: what onnxruntime computes; it is not in '$modules'"

# same NAME MODEL LINE...: what is left of MODEL is smaller, and computes what it does with zeros.
same ()
{
  local name=$1 model=$2
  shift 2
  prune "$name" "$model" "$@"
  prune "$name-zero" "$model" "$@" 'shrink = false'
  must "$ADZE" run "$name.toml"
  must "$ADZE" run "$name-zero.toml"
  [ "$(stat -c %s "$name.onnx")" -lt "$(stat -c %s "$name-zero.onnx")" ] || complain "$name is not smaller"
  python3 -c 'import json, sys
a, b, c = (json.load(open(f + ".json")) for f in sys.argv[1:4])
assert a["accuracy"] == b["accuracy"] and abs(a["loss"] - b["loss"]) < 1e-5 * b["loss"], (a, b)
assert c["loss"] != b["loss"]' "$name" "$name-zero" "$name-before" \
    || complain "$name computes something else than with zeros, or what it did before"
  [ $ort = no ] || must node "$TOP_SRCDIR/tests/pipelines/near.js" "$name-zero.onnx" "$name.onnx"
}

nets
same half wide.onnx 'sparsity = 0.5'
[ "$(shape half.onnx layer.1.weight)" = "$(shape half-zero.onnx layer.1.weight | sed 's/24/12/')" ] \
  || complain "the first layer of half has $(shape half.onnx layer.1.weight)"
same taken wide.onnx 'of = "channels"' 'norm = "l1"' 'count = 5' 'multiple = 4'
same median deep.onnx 'norm = "geometric-median"' 'sparsity = 0.4'
same least deep.onnx 'norm = "l1"' 'sparsity = 0.9' 'min-kept = 3'
# Both branches of the residual and the normalisations between them lose what the first layer does, in twos
# since a convolution behind them has two groups.
for part in 0.weight 1.weight 1.bias 1.mean 1.variance 4.weight 4.bias 5.variance; do
  [ "$(shape least.onnx "layer.$part" | cut -d' ' -f1)" = 6 ] \
    || complain "layer.$part of least has the shape $(shape least.onnx "layer.$part")"
done
[ "$(shape least.onnx layer.7.weight)" = "6 3 3 3" ] || complain "the groups of least: $(shape least.onnx layer.7.weight)"

# ---- Threads are not seen, and a plan knows the shapes before anything was read.
mv median.onnx median-one.onnx
must "$ADZE" run median.toml --fresh --set run.threads=3
cmp median.onnx median-one.onnx || complain "threads are seen in the bytes"
must "$ADZE" plan least.toml
grep -qF '3 of 6 gone in dimension 0, 2 of 8 gone in dimension 1' must.out || complain "the plan does not say what goes: $(cat must.out)"

# ---- Heads.
cat > heads.toml << 'END'
adze = 1
name = "heads"
seed = 7
[[stage]]
use = "build-model"
input = "12"
layers = ["embedding 50 16 init normal", "residual open", "norm layer", "attention 4 causal", "residual close",
          "mean", "dense 5"]
[[stage]]
use = "prune-structured"
of = "heads"
norm = "l1"
[[output]]
path = "heads.onnx"
END
must "$ADZE" run heads.toml --set stage.prune-structured.shrink=false
mv heads.onnx heads-zero.onnx
must "$ADZE" run heads.toml
[ "$(stat -c %s heads.onnx)" -lt "$(stat -c %s heads-zero.onnx)" ] || complain "heads are still there"
[ $ort = no ] || must node "$TOP_SRCDIR/tests/pipelines/near.js" heads-zero.onnx heads.onnx
must_fail "a LayerNormalization takes the mean of its channels" \
  "$ADZE" run heads.toml --set stage.prune-structured.of=filters

# ---- Others go on with it.
for behind in '[[stage]]\nuse = "quantize"\ncodec = "int8"\n' '[[stage]]\nuse = "cluster"\nk = 8\n' \
  '[[stage]]\nuse = "fold"\n'; do
  prune chain deep.onnx 'norm = "geometric-median"' 'sparsity = 0.4'
  sed -i "s/^from = .prune-structured.model.*//" chain.toml
  must "$ADZE" run chain.toml --fresh
  [ $ort = no ] || must node "$TOP_SRCDIR/tests/pipelines/near.js" chain.onnx chain.onnx
done
behind=

# ---- And it goes on with others: zeros and values of what stays are what they were.
for before in prune-magnitude cluster; do
  printf 'adze = 1\nname = "behind"\n[model]\npath = "deep.onnx"\n[[stage]]\nuse = "%s"\n' $before > behind.toml
  printf '[[stage]]\nuse = "prune-structured"\n[[output]]\npath = "behind.onnx"\n' >> behind.toml
  must "$ADZE" run behind.toml
  trait='{"adze.sparsity/1": {}}'
  [ $before = prune-magnitude ] || trait='{"adze.codebook/1": {"k": 16}}'
  grep -aqF "\"layer.3.weight\": $trait" behind.onnx || complain "what $before said of layer.3.weight is lost"
done

# ---- What is told of one weight.
must "$ADZE" run half.toml --fresh
must "$ADZE" why last 'layer.1.weight[3,5]'
for words in 'l2 = ' 'channel = ' 'index = 3' 'did = "taken out"' 'kept = 12' 'gone = "'; do
  grep -qF -- "$words" must.out || complain "why does not say '$words': $(cat must.out)"
done
[ "$(grep -c 'index = ' must.out)" = 1 ] || complain "why tells of other channels: $(cat must.out)"

# ---- Rules.
prune ruled deep.onnx 'sparsity = 0.5' '[[stage.rule]]' 'match = "layer.4.*"' 'sparsity = 0.25'
must_fail "lose the same channels, and rules ask different things of them" "$ADZE" plan ruled.toml
prune skipped deep.onnx 'sparsity = 0.5' '[[stage.rule]]' 'match = "layer.4.*"' 'skip = true'
must "$ADZE" run skipped.toml
grep -qF "which a rule skips" must.out || complain "nobody says what stays, and why: $(cat must.out)"
[ "$(shape skipped.onnx layer.0.weight)" = "8 1 3 3" ] || complain "a skipped tensor lost channels"
must_fail "no channel would go" "$ADZE" plan half.toml --set stage.prune-structured.min-kept=100

prune whole deep.onnx 'sparsity = 0.5' '[[stage.rule]]' 'match = "*.weight"' 'shrink = false'
must_fail "parameter 'shrink' of tensor" "$ADZE" plan whole.toml

# ---- Without a network.
model small.safetensors 3 30 42
cat > alone.toml << 'END'
adze = 1
name = "alone"
[model]
path = "small.safetensors"
[[stage]]
use = "prune-structured"
require = "shrunk == 0 and removed == 45"
[[output]]
path = "alone.safetensors"
END
must "$ADZE" run alone.toml
grep -qF 'the model has no network' must.out || complain "nobody says that there is no network: $(cat must.out)"
[ "$(stat -c %s alone.safetensors)" -ge "$(stat -c %s small.safetensors)" ] || complain "shapes have not stayed"

# ---- What was 2:4 is so no longer where channels of a row have gone, and nobody says it is.
{
  head_ deep.onnx | sed '/^.data/,$d' # which the stage has no use for
  printf '[[stage]]\nuse = "prune-magnitude"\npattern = "2:4"\n[[output]]\npath = "patterned.onnx"\n'
} > patterned.toml
must "$ADZE" run patterned.toml
for of in filters channels; do
  prune narrower patterned.onnx 'sparsity = 0.5' "of = \"$of\""
  must "$ADZE" run narrower.toml
done
finish
