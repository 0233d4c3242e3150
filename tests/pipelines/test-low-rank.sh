#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# low-rank in whole pipelines: factors multiply to what they are said to multiply to, threads and processes change no
# byte, ranks that make no sense are refused or skipped, and networks compute with factors.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
ranks="$TOP_SRCDIR/tests/pipelines/ranks.py"
must python3 "$TOP_SRCDIR/tests/pipelines/techniques.py" make
must python3 "$ranks" make

# pipeline NAME MODEL [LINE...]: writes NAME.toml with one stage; the lines are its own.
pipeline ()
{
  local name=$1 model=$2
  shift 2
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "%s"\n\n[[stage]]\nuse = "low-rank"\n' "$name" "$model"
    printf '%s\n' "$@"
    printf '\n[[output]]\npath = "%s-out.%s"\n' "$name" "${model##*.}"
  } > "$name.toml"
}

# loses NAME MODEL U V TENSOR RANK MOST: the error is at most so much, and `adze why` says the same one. The product
# is of rounded factors.
loses ()
{
  local name=$1 tensor=$5 most=$7 found said
  found=$(python3 "$ranks" "$2" "$name-out.safetensors" "$3" "$4" "$5" "$6") || complain "$name: $tensor is not right"
  must "$ADZE" why last "$tensor"
  said=$(sed -n 's/^ *error = //p' must.out)
  awk -v found="${found:-1}" -v said="${said:-2}" -v most="$most" \
    'BEGIN { off = found - said; if (off < 0) off = -off; exit !(found <= most && off <= 1e-6 + 2e-3 * said) }' \
    || complain "$name: $tensor loses $found, $said is said, and $most is the most"
}

# same NAME [WISH]: what other threads make of it, and what comes of the wish, is the same.
same ()
{
  local wish out
  out=$(echo "$1"-out.*)
  mv "$out" one
  for wish in run.threads=1 run.threads=2 run.threads=3 ${2-}; do
    must "$ADZE" run "$1.toml" --fresh --set $wish
    cmp "$out" one || complain "$1: $wish is seen in the bytes"
  done
}

# ---- By rank, of all types.
pipeline ranked low.safetensors 'rank = 5' 'on-larger = "error"' 'require = "tensors == 3 and would-be-larger == 0"' \
  '[[stage.rule]]' 'match = "wide"' 'rank = 4' 'names = "lora"'
must "$ADZE" run ranked.toml
loses ranked low.safetensors fc.u.weight fc.v.weight fc.weight 5 0.01
loses ranked low.safetensors wide.lora_B wide.lora_A wide 4 1e-6
loses ranked low.safetensors half.u.weight half.v.weight half.weight 5 0.02
grep -aqF '{\"of\": \"fc.weight\", \"u\": \"fc.u.weight\", \"v\": \"fc.v.weight\"}' ranked-out.safetensors \
  || complain "the file does not say what factors are of"
same ranked stage.low-rank.isolate=true

# ---- By energy and by ratio: the least rank that keeps enough, and the greatest that is small enough.
pipeline kept low.safetensors 'energy = 0.999'
must "$ADZE" plan kept.toml
grep -q "at most 17 of rank 30" must.out || complain "plan does not say what the rank can be: $(cat must.out)"
must "$ADZE" run kept.toml
loses kept low.safetensors fc.u.weight fc.v.weight fc.weight 5 0.032
same kept stage.low-rank.isolate=true
pipeline share low.safetensors 'ratio = 0.25' 'require = "kept-numbers <= numbers / 4"'
must "$ADZE" run share.toml
loses share low.safetensors fc.u.weight fc.v.weight fc.weight 4 1

# ---- Randomised: nearly as good, and drawn by the seed.
pipeline random low.safetensors 'method = "randomised"' 'rank = 5' 'beyond = 4' \
  '[[stage.rule]]' 'match = "half.*"' 'rank = 0' 'energy = 0.99'
must "$ADZE" run random.toml
loses random low.safetensors fc.u.weight fc.v.weight fc.weight 5 0.01
loses random low.safetensors wide.u wide.v wide 5 1e-6
same random stage.low-rank.isolate=true
must "$ADZE" run random.toml --set seed=2
cmp -s random-out.safetensors one && complain "the seed is not seen in what is drawn"

# ---- What makes no sense.
must_fail "none of 'rank', 'energy' and 'ratio' is given for tensor 'fc.weight'" \
  "$ADZE" plan ranked.toml --set stage.low-rank.rank=0
must_fail "more than one of 'rank', 'energy' and 'ratio' are given for tensor 'fc.weight'" \
  "$ADZE" plan ranked.toml --set stage.low-rank.ratio=0.5
must_fail "tensor 'fc.weight', 40 by 30, would be larger as factors of rank 18; the most that is not is 17" \
  "$ADZE" plan ranked.toml --set stage.low-rank.rank=18
pipeline skips low.safetensors 'rank = 17' 'on-larger = "skip"' \
  'require = "tensors == 1 and would-be-larger == 2"'
must "$ADZE" run skips.toml
grep -aqF '"wide":' skips-out.safetensors || complain "what would be larger is gone"
# By energy it is known once the data was seen.
pipeline full a.safetensors 'energy = 0.9999999' '[[stage.rule]]' 'match = "layer.1.*"' 'energy = 0' 'rank = 1'
must_fail "tensor 'layer.0.weight', 120 by 50, would be larger as factors of rank" "$ADZE" run full.toml
must "$ADZE" run full.toml --set 'stage.low-rank.on-larger="skip"'
grep -aqF '"layer.0.weight":' full-out.safetensors || complain "what would be larger is gone"
grep -aqF '"layer.0.u.weight":' full-out.safetensors && complain "what stays has factors as well"
pipeline bad bad.safetensors 'rank = 3' '[[stage.rule]]' 'match = "layer.1.*"' 'rank = 2'
must_fail "tensor 'layer.0.weight': element 4321 is infinite" "$ADZE" run bad.toml

# ---- Nothing, one row, zeros, the same everywhere, and the ends of float64.
pipeline odd odd.safetensors 'rank = 2' 'on-larger = "skip"' 'require = "tensors == 4 and would-be-larger == 1"'
must "$ADZE" run odd.toml
for tensor in zeros same huge tiny; do
  loses odd odd.safetensors $tensor.u $tensor.v $tensor 2 1e-6
done
must "$ADZE" run odd.toml --set 'stage.low-rank.method="randomised"'
for tensor in zeros same huge tiny; do
  loses odd odd.safetensors $tensor.u $tensor.v $tensor 2 1e-6
done

# ---- Networks.
cat > made.toml << 'END'
adze = 1
name = "made"
seed = 7

[[stage]]
use = "build-model"
input = "3x12x12"
layers = ["conv 8 3x3 pad 1 stride 2", "relu", "conv 8 3x3 groups 2", "conv 16 1x1", "flatten", "dense 40 relu", "dense 24 no-bias", "dense 10"]

[[output]]
path = "made.onnx"
END
must "$ADZE" run made.toml
pipeline network made.onnx 'ratio = 0.6'
must_fail "(Conv), which needs it, has its channels in groups" "$ADZE" run network.toml
must "$ADZE" run network.toml --set 'stage.low-rank.on-fallback="warn"'
grep -qF "layer.2.weight" must.out || complain "nobody says what was left: $(cat must.out)"
[ "$(stat -c %s network-out.onnx)" -lt $(($(stat -c %s made.onnx) * 7 / 10)) ] || complain "the network is not smaller"
# It is an ordinary one for what comes behind.
printf 'adze = 1\nname = "behind"\n[model]\npath = "network-out.onnx"\n[[stage]]\nuse = "quantize"\ncodec = "int8"\n[[output]]\npath = "behind.onnx"\n' > behind.toml
must "$ADZE" run behind.toml
pipeline open made.onnx 'energy = 0.8' 'on-larger = "skip"' '[[stage.rule]]' 'match = "layer.2.weight"' 'skip = true'
must "$ADZE" run open.toml
same open
# Networks do not go to a process of its own.
must_fail "cannot be written as onnx" "$ADZE" run open.toml --fresh --set stage.low-rank.isolate=true
finish
