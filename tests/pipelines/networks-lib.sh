# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Networks that are built from lists of layers, for the tests of what is built and of what ONNX says of
# it. Sourced behind runs-lib.sh.

# network NAME INPUT LAYER...: writes NAME.toml, which builds NAME.onnx.
network ()
{
  local name=$1 input=$2 layer
  shift 2
  {
    printf 'adze = 1\nname = "%s"\nseed = 7\n\n[[stage]]\nuse = "build-model"\n' "$name"
    printf 'input = "%s"\nlayers = [\n' "$input"
    for layer; do
      printf '  "%s",\n' "$layer"
    done
    printf ']\n\n[[output]]\npath = "%s.onnx"\n' "$name"
  } > "$name.toml"
}

networks="cnn mlp words waves lstm"

# networks_: the pipelines of all of them.
networks_ ()
{
  network cnn 1x28x28 'conv 8 3x3 pad 1 no-bias' 'norm batch relu' 'pool 2' 'residual open' \
    'conv 8 3x3 pad same groups 2 relu' 'conv 8 3x3 pad 1' 'residual close relu' \
    'conv 6 3x1 stride 2 dilation 2 init xavier-uniform' 'pool avg global' 'flatten' \
    'dense 32 gelu' 'dropout 0.25' 'dense 10 softmax'
  network mlp 784 'dense 64 relu init orthogonal' 'norm layer' 'dense 32 silu no-bias' 'dense 10'
  network words 12 'embedding 50 16 init normal' 'position init uniform' 'residual open' \
    'norm layer' 'attention 4 causal' 'residual close' 'residual open' 'norm layer' \
    'dense 32 gelu' 'dense 16' 'residual close' 'mean' 'dense 5'
  network waves 4x50 'conv 8 5 stride 2 pad 2 tanh' 'norm group 2' 'pool max 2' 'norm instance' \
    'flatten' 'dense 3 sigmoid'
  network lstm 9x6 'lstm 5' 'gru 7 last' 'dense 2'
}

# What makes cnn.onnx smaller: smaller.onnx.
smaller_ ()
{
  cat > smaller.toml << 'END'
adze = 1
name = "smaller"

[model]
path = "cnn.onnx"

[[stage]]
use = "fold"
require = "batch-norm == 1"

[[stage]]
use = "optimise-graph"
require = "identities == 1 and nodes < nodes-before"

[[output]]
path = "smaller.onnx"
END
}
