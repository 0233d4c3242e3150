#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks from a list of layers, to a file: what is in it, that it is the same bytes for any number of
# threads, and that a layer that is wrong is refused with its place. Then made smaller.
. "$(dirname "$0")/runs-lib.sh"
. "$TOP_SRCDIR/tests/pipelines/networks-lib.sh"

# has FILE WORD...: one line of what is shown has all of them.
has ()
{
  local file=$1 lines word
  shift
  lines=$("$ADZE" show "$file")
  for word; do
    lines=$(grep -F -- "$word" <<< "$lines")
  done
  [ -n "$lines" ]
}

networks_
for name in $networks; do
  must "$ADZE" check "$name.toml"
  must "$ADZE" plan "$name.toml"
  must "$ADZE" run "$name.toml" --set run.threads=1
  mv "$name.onnx" "$name-one.onnx"
  must "$ADZE" run "$name.toml" --set run.threads=3 --fresh
  cmp "$name.onnx" "$name-one.onnx" || complain "$name: threads are seen in the bytes"
done
must "$ADZE" run mlp.toml --set seed=8
! cmp -s mlp.onnx mlp-one.onnx || complain "another seed gives the same bytes"
mv mlp-one.onnx mlp.onnx

expect ()
{
  has "$@" || complain "$1 does not show: ${*:2}"
}
expect cnn.onnx layer.0.weight '8, 1, 3, 3'
! has cnn.onnx layer.0.bias || complain "there is a bias that was not asked for"
expect cnn.onnx layer.1.variance
expect cnn.onnx layer.4.weight '8, 4, 3, 3'
expect cnn.onnx layer.7.weight '6, 8, 3, 1'
expect mlp.onnx layer.0.weight '64, 784'
expect words.onnx layer.4.query.weight
expect lstm.onnx layer.1.recurrent.weight

# ---- Biases begin as zeros, but where the way in which weights begin says something of them.
# largest INIT NAME REQUIREMENT: of the first layer's NAME, 784 numbers in.
largest ()
{
  network begin 784 "dense 64 init $1" 'dense 10'
  sed -i '/^\[\[output/,$d' begin.toml
  printf '[[stage]]\nuse = "validate"\nrequire = "%s"\n' "$3" >> begin.toml
  printf '  [[stage.rule]]\n  match = "%s"\n  skip = %s\n' '*' true "layer.0.$2" false >> begin.toml
  must "$ADZE" run begin.toml
}
for name in weight bias; do
  largest fan-in-uniform $name 'max-abs > 0.033 and max-abs <= 0.0357143'
done
largest lecun-uniform bias 'max-abs == 0'

# ---- Mistakes, before anything runs.
wrong ()
{
  local words=$1
  shift
  network wrong "$@"
  must_fail "$words" "$ADZE" plan wrong.toml
}
wrong "layers[1] \"dens 10\": word 1, 'dens', is no layer; there are: dense, conv" 784 \
  'dense 5' 'dens 10'
wrong "word 3, '3y3', should be the kernel" 1x8x8 'conv 4 3y3'
wrong "word 4, 'strid', is not known here; there can be: stride N, pad N" 1x8x8 'conv 4 3 strid 2'
wrong 'behind the last word how many there are is missing' 784 'dense'
wrong "word 3, 'relu', is one too many" 784 'dropout 0.5 relu'
wrong 'should name how weights begin: he-normal' 784 'dense 5 init he'
wrong "layers[1] \"dense 10\" gets 4x8x8: dense takes a vector, or a row of them; put \"flatten\"" \
  1x8x8 'conv 4 3 pad 1' 'dense 10'
wrong 'its window is larger than what it slides over' 1x8x8 'conv 4 9'
wrong 'channels in and channels out must both be multiples of the groups' 3x8x8 'conv 4 3 groups 2'
wrong 'where it was opened, by layers[0], there was 1x8x8' 1x8x8 'residual open' 'conv 4 3 pad 1' \
  'residual close'
wrong 'no residual is open' 1x8x8 'residual close'
wrong 'it is never closed' 1x8x8 'residual open'
wrong 'an embedding can only be the first layer' 8 'dense 8' 'embedding 5 5'
wrong 'must be a multiple of the heads' 8x6 'attention 4'
wrong "parameter 'input' is \"1x\"" 1x 'flatten'
must_fail "parameter 'layers' is empty" "$ADZE" plan mlp.toml --set 'stage.build-model.layers=[]'

# ---- Made smaller.
smaller_
must "$ADZE" run smaller.toml
! has smaller.onnx layer.1.variance || complain "a weight that was folded is still there"
expect smaller.onnx layer.0.weight '8, 1, 3, 3'

# What has nothing left to do says so.
sed -e 's/"cnn\.onnx"/"smaller.onnx"/' -e '/^require/d' -e 's/= "smaller"/= "twice"/' \
  -e '/^\[\[output/,$s/"smaller\.onnx"/"twice.onnx"/' smaller.toml > twice.toml
must_fail "changed nothing" "$ADZE" run twice.toml
must "$ADZE" run twice.toml --set stage.fold.on-no-effect=warn \
  --set stage.optimise-graph.on-no-effect=warn
finish
