#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# quantize in whole pipelines: ranges that are found in all of a tensor, whatever the number of threads; what is no
# number; errors that add up to nothing; products in whole numbers; what is told of all that, and what is refused.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
expect="$TOP_SRCDIR/tests/pipelines/quantizes.py"
must python3 "$expect" make

# pipeline NAME MODEL [LINE...]: writes NAME.toml, which makes NAME of the same ending; the lines are quantize's.
pipeline ()
{
  local name=$1 model=$2
  shift 2
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "%s"\n\n[[stage]]\nuse = "quantize"\n' "$name" "$model"
    printf '%s\n' "$@"
    printf '\n[[output]]\npath = "%s.%s"\n' "$name" "${model##*.}"
  } > "$name.toml"
}

# says WORDS: the last answer has them.
says ()
{
  grep -qF -- "$1" must.out || complain "it should say '$1': $(cat must.out)"
}

# ---- Ranges.
for range in min-max percentile mse entropy; do
  pipeline "$range" outlier.safetensors "codec = { use = \"int8\", per = \"tensor\", range = \"$range\" }"
  must "$ADZE" run "$range.toml" --set run.threads=1
  cp "$range.safetensors" once
  for threads in 2 3; do
    must "$ADZE" run --fresh "$range.toml" --set run.threads=$threads
    cmp once "$range.safetensors" || complain "$range: $threads threads give other bytes"
  done
  must "$ADZE" why last w
  says "range = \"$range\""
  says 'codec = "int8"'
  grep 'clipped = ' must.out
  python3 "$expect" error "$range.safetensors" > error
  echo "$range: $(cat error)"
  # One of 262144 numbers is 300, all others are below 5; the percentile leaves 26 of them out.
  awk -v e="$(cat error)" -v range="$range" \
    'BEGIN { exit !(range == "min-max" ? e > 0.4 : range == "mse" ? e < 0.2 : e < 0.5) }' \
    || complain "$range: $(cat error)"
done

# ---- One weight: its code and by how much it was moved; also where several codes share a byte.
for codec in '"int8"' '"int4"' '{ use = "int8", axis = 1 }' '"f8_e4m3"'; do
  pipeline weight plain.safetensors "codec = $codec"
  must "$ADZE" run weight.toml
  must "$ADZE" why last 'w[3,17]'
  says "quantize (quantize): "
  says ", by codec '$(echo "$codec" | grep -o '[a-z]*[0-9][_a-z0-9]*' | head -n 1)'"
  says ', error '
  case $codec in '"int8"') says ', code '; says ', scale ' ;; esac
  must "$ADZE" why last 'w[3,17]' --json
  cp must.out told
  must python3 "$expect" moved told 0.3
done

# Of a tensor that is worked on in pieces, the last one, whose scale came with the first.
model large.safetensors 1 900 1000 7
name=$("$ADZE" show large.safetensors --json | sed -n 's/.*"name": "\([^"]*\)".*/\1/p' | head -n 1)
pipeline weight large.safetensors 'codec = { use = "int8", per = "tensor" }'
must "$ADZE" run weight.toml
must "$ADZE" why last "$name[899,17]"
says ', scale '
must "$ADZE" why last "$name[899,17]" --json
cp must.out told
must python3 "$expect" moved told 0.3

# ---- What is no number.
pipeline mended odd.safetensors 'codec = { use = "int8", per = "tensor" }'
must_fail "tensor 'w' is NaN at element 5" "$ADZE" run mended.toml
pipeline mended odd.safetensors 'codec = "int8"' 'nan = "zero"'
must_fail "tensor 'w' is infinite at element 9" "$ADZE" run mended.toml
for infinity in zero greatest; do
  pipeline mended odd.safetensors 'codec = { use = "int8", per = "tensor" }' 'nan = "zero"' "infinity = \"$infinity\"" \
    'require = "nan == 1 and infinite == 2"'
  must "$ADZE" run mended.toml
  says "1 NaN and 2 infinite numbers were replaced, in 1 tensor, 'w' being the first"
  must python3 "$expect" odd mended.safetensors $infinity
  must "$ADZE" why last w
  says 'infinite = 2'
done
# What a codec counts, or looks for in all of a tensor, is what it writes then.
for codec in '"sparse"' '{ use = "sparse", places = "indices" }' '"codebook"' '{ use = "codebook", per = "channel" }'; do
  pipeline mended few.safetensors "codec = $codec" 'nan = "zero"' 'infinity = "greatest"' \
    'require = "nan == 1 and infinite == 2"'
  case $codec in *sparse*) kind=sparse ;; *channel*) kind= ;; *) kind=book ;; esac
  for wish in run.threads=2 stage.quantize.isolate=true; do
    must "$ADZE" run --fresh mended.toml --set $wish
    [ "$(grep -c "1 NaN and 2 infinite numbers were replaced, in 1 tensor" must.out)" = 1 ] || complain "not told once: $(cat must.out)"
    [ -z "$kind" ] || must python3 "$TOP_SRCDIR/tests/pipelines/few-values.py" $kind few-mended.safetensors mended.safetensors
  done
done
# Without an infinity nothing else comes of it.
for codec in '"sparse"' '"codebook"'; do
  pipeline plainly few-mended.safetensors "codec = $codec"
  must "$ADZE" run plainly.toml
  cp plainly.safetensors once
  must "$ADZE" run plainly.toml --set 'stage.quantize.infinity="greatest"'
  cmp once plainly.safetensors || complain "$codec: infinity = \"greatest\" is seen in a tensor without one"
done
# By a rule, for one tensor alone; with codes that need nothing to be found.
pipeline mended odd.safetensors 'codec = "int8"' '[[stage.rule]]' 'match = "w"' 'nan = "zero"' 'infinity = "zero"'
must "$ADZE" run mended.toml
says "1 NaN and 2 infinite"

# ---- What cannot be had is said by the plan, also where a range has to be found first.
for per in 'per = "group", group = 7' 'per = "group", group = 7, symmetric = false, range = "mse"'; do
  pipeline left plain.safetensors "codec = { use = \"int8\", $per }" 'on-fallback = "warn"'
  must "$ADZE" plan left.toml
  says "falls back 1 time: asked for int8, it did left as it is for 'w', because the codec cannot have rows of 64 numbers"
  must "$ADZE" plan left.toml --json
  says '"did": "left as it is"'
done
pipeline left plain.safetensors 'codec = { use = "int8", per = "tensor" }' '[[stage.rule]]' 'match = "w"' \
  'codec = { use = "int8", per = "group", group = 7 }'
must_fail "asked for int8, it did left as it is for 'w'" "$ADZE" plan left.toml

# ---- Errors that add up to nothing.
for codec in '"int8"' '"int4"' '{ use = "int8", range = "mse" }'; do
  pipeline rounded plain.safetensors "codec = $codec"
  pipeline unbiased plain.safetensors "codec = $codec" 'bias-correction = true'
  must "$ADZE" run rounded.toml
  must "$ADZE" run unbiased.toml --set run.threads=1
  cp unbiased.safetensors once
  must "$ADZE" run --fresh unbiased.toml --set run.threads=3
  cmp once unbiased.safetensors || complain "unbiased: threads give other bytes"
  case $codec in
    *int4*) ;;
    *)
      must python3 "$expect" biases rounded.safetensors unbiased.safetensors
      cat must.out
      awk '{ exit !($2 < 1.5 && $2 < $1 / 3) }' must.out || complain "$codec: sums of errors are $(cat must.out) steps"
      ;;
  esac
done
pipeline unbiased vector.safetensors 'codec = "int8"' 'vectors = true' 'bias-correction = true'
must_fail "'v' is a vector, whose channels are single numbers" "$ADZE" plan unbiased.toml

# ---- Products in whole numbers.
axis='{ use = "int8", axis = 1, symmetric = false }'
pipeline dynamic products.onnx "codec = $axis" 'dynamic = true' '[[stage.rule]]' 'match = "w1"' 'codec = "int8"'
must "$ADZE" run dynamic.toml
must python3 "$expect" nodes dynamic.onnx
says 'DynamicQuantizeLinear=2 '
says 'MatMulInteger=3 '
grep -Eq 'DequantizeLinear=|MatMul=|Gemm=' <(sed 's/DynamicQuantizeLinear=//' must.out) \
  && complain "there are products of floats: $(cat must.out)"
pipeline refused products.onnx 'codec = "int8"' 'dynamic = true'
must_fail "node 1 'second' (MatMul) sums over what has scales of its own" "$ADZE" plan refused.toml
says 'needs axis = 1 or per = "tensor"'
pipeline refused products.onnx 'codec = "int4"' 'dynamic = true'
must_fail "the codes of 'w1' are none" "$ADZE" plan refused.toml
pipeline refused plain.safetensors 'codec = "int8"' 'dynamic = true'
must_fail "the model with 'w' has none" "$ADZE" plan refused.toml
pipeline axis products.onnx 'codec = { use = "int8", axis = 2 }'
must_fail "'axis' is 2, and tensor 'w1' has 2 dimensions" "$ADZE" plan axis.toml

# ---- An importance matrix in which nothing counts.
/usr/bin/python3 - << 'END'
import json, struct
values = [((i * 37) % 101 - 50) / 50 for i in range(4 * 256)]
head = json.dumps({"w": {"dtype": "F32", "shape": [4, 256], "data_offsets": [0, 4096]}}).encode()
open("idle.safetensors", "wb").write(struct.pack("<Q", len(head)) + head + struct.pack("<1024f", *values))
open("idle.dat", "wb").write(struct.pack("<ii", 1, 1) + b"w" + struct.pack("<ii256f", 1, 256, *[0.0] * 256))
END
pipeline counted idle.safetensors 'codec = "q4_k"' 'imatrix = "idle.dat"'
must "$ADZE" run counted.toml
[ "$(grep -c "says of 16 of the 16 blocks of 16 columns of 'w' that nothing in them counts" must.out)" = 1 ] \
  || complain "nobody says that nothing counts: $(cat must.out)"
python3 -c 'import struct; open("idle.dat", "wb").write(struct.pack("<ii", 1, 1) + b"w" + struct.pack("<ii256f", 1, 256, 1, *[0.0] * 255))'
must "$ADZE" run counted.toml
grep -qF "says of 15 of the 16 blocks of 16 columns of 'w' that nothing in them counts" must.out \
  || complain "nobody says that one column counts alone: $(cat must.out)"
finish
