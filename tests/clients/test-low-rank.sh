#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# low-rank beside numpy and onnxruntime: no factors are nearer to a tensor, random ones are nearly as near, and a network
# with factors gives what one with their products gives.
. "$TOP_SRCDIR/tests/clients/lib.sh"
/usr/bin/python3 -c 'import numpy' 2> /dev/null || skip_ "/usr/bin/python3 has no numpy"
need_module onnxruntime-node
export NODE_PATH=$modules
here=$TOP_SRCDIR/tests/clients

# low NAME MODEL OUT LINE...: the stage with these lines.
low ()
{
  local name=$1 model=$2 out=$3
  shift 3
  {
    printf 'adze = 1\nname = "%s"\n[model]\npath = "%s"\n[[stage]]\nuse = "low-rank"\n' "$name" "$model"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s"\n' "$out"
    [ "$model" = "${model%.onnx}" ] || [ "$out" != "${out%.onnx}" ] || echo 'drop-graph = true'
  } > "$name.toml"
  expect 0 "$ADZE" run "$name.toml"
}

asks ()
{
  expect 0 /usr/bin/python3 "$here/low-rank.py" "$@"
  cat out
}

asks make
for wish in 'rank = 7' 'rank = 32' 'energy = 0.6' 'ratio = 0.4'; do
  low exact decaying.safetensors exact.safetensors "$wish" 'on-larger = "skip"'
  asks best decaying.safetensors exact.safetensors 1.00001
  low random decaying.safetensors random.safetensors "$wish" 'method = "randomised"'
  asks best decaying.safetensors random.safetensors 1.05
done

# ---- Networks: products of all kinds, convolutions with all that they can have.
cat > made.toml << 'END'
adze = 1
name = "made"
seed = 3
[[stage]]
use = "build-model"
input = "3x14x14"
layers = ["conv 8 3x3 pad 1 stride 2 relu", "conv 12 3x1 dilation 2", "conv 16 1x1 no-bias", "flatten", "dense 40 relu", "dense 24 no-bias", "dense 10"]
[[output]]
path = "made.onnx"
END
expect 0 "$ADZE" run made.toml

# like_products NAME SIZE...: the network with factors is like the one with their products, for an input of this shape, and
# that says something: what it was before gives other outputs.
like_products ()
{
  local name=$1
  shift
  printf 'adze = 1\nname = "tensors"\n[model]\npath = "%s.onnx"\n[[output]]\npath = "%s.safetensors"\ndrop-graph = true\n' \
    "$name" "$name" > tensors.toml
  expect 0 "$ADZE" run tensors.toml
  low network "$name.onnx" narrow.onnx 'ratio = 0.5'
  low network "$name.onnx" narrow.safetensors 'ratio = 0.5'
  asks dense "$name.safetensors" narrow.safetensors dense.safetensors
  cat > dense.toml << END
adze = 1
name = "dense"
[model]
path = "$name.onnx"
[input.other]
kind = "model"
path = "dense.safetensors"
[[stage]]
use = "merge"
inputs = { model = "input.model", other = "input.other" }
weight = 1.0
unmatched = "keep"
[[output]]
path = "dense.onnx"
END
  expect 0 "$ADZE" run dense.toml
  expect 0 node "$here/same-outputs.js" narrow.onnx dense.onnx 1e-5 "$@"
  cat out
  expect 1 node "$here/same-outputs.js" narrow.onnx "$name.onnx" 1e-5 "$@"
}

like_products made 2 3 14 14
like_products products 20 16
done_
