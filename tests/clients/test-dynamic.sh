#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Products in whole numbers (quantize with dynamic = true): onnxruntime computes what each backend computes, near
# what it computes in floats.
. "$(dirname "$0")/models-lib.sh"
need_module onnxruntime-node
need_python
export NODE_PATH=$modules
expect 0 python3 "$TOP_SRCDIR/tests/pipelines/quantizes.py" make

number=0
# check MODEL [LINE...]: quantised with those lines.
check ()
{
  local model=$1
  shift
  number=$((number + 1))
  {
    printf 'adze = 1\nname = "dynamic"\n[model]\npath = "%s"\n[[stage]]\nuse = "quantize"\ndynamic = true\n' "$model"
    printf '%s\n' "$@"
    printf '[[output]]\npath = "dynamic%d.onnx"\n' $number
  } > dynamic.toml
  expect 0 "$ADZE" run --fresh dynamic.toml
  expect 0 node "$here/dynamic-cases.js" "cases$number/one" "$model" "dynamic$number.onnx"
  cat out
  like_others "cases$number"
}

check products.onnx 'codec = { use = "int8", per = "tensor" }'
check products.onnx 'codec = { use = "int8", per = "tensor", symmetric = false }'
check products.onnx 'codec = { use = "int8", axis = 1, symmetric = false }' \
  '[[stage.rule]]' 'match = "w1"' 'codec = { use = "int8", symmetric = false }'
check products.onnx 'codec = { use = "int8", axis = 1, range = "mse" }' 'bias-correction = true' \
  '[[stage.rule]]' 'match = "w1"' 'codec = "int8"'
done_
