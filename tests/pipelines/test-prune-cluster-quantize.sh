#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pruned, clustered and quantised: each stage leaves what the one before it has made, the host has looked, and the
# file is as small as the report says. Other orders are refused
# with the reason, or say what has become of it.
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
expect="$TOP_SRCDIR/tests/pipelines/few-values.py"
model model.safetensors 2 48 64 3

# pipeline NAME [LINE...]: writes NAME.toml; the lines are stages and what belongs to them. What goes into the last of
# these is written as well.
pipeline ()
{
  local name=$1
  shift
  {
    printf 'adze = 1\nname = "%s"\n\n[model]\npath = "model.safetensors"\n\n' "$name"
    printf '%s\n' "$@"
    printf '\n[[output]]\npath = "%s-out.safetensors"\n' "$name"
    printf '\n[[output]]\npath = "%s-plain.safetensors"\nfrom = "cluster.model"\n' "$name"
  } > "$name.toml"
}

prune=('[[stage]]' 'use = "prune-magnitude"' 'sparsity = 0.8' 'scope = "tensor"')
cluster=('[[stage]]' 'use = "cluster"' 'k = 16')

# quantized NAME CODEC WHAT: all three, with one thread, two, three, and processes of their own, to the same bytes.
# *TAKEN is what the tensors take in the file.
quantized ()
{
  local name=$1 codec=$2 wish
  pipeline "$name" "${prune[@]}" "${cluster[@]}" '[[stage]]' 'use = "quantize"' "codec = $codec"
  must "$ADZE" run "$name.toml" --set run.threads=1
  must python3 "$expect" plain "$name-plain.safetensors" 0.8
  must python3 "$expect" "$3" "$name-plain.safetensors" "$name-out.safetensors"
  taken=$(cat must.out)
  cp "$name-out.safetensors" one.safetensors
  for wish in run.threads=2 run.threads=3 stage.quantize.isolate=true; do
    must "$ADZE" run "$name.toml" --fresh --set "$wish"
    cmp "$name-out.safetensors" one.safetensors || complain "$name: $wish is seen in the bytes"
  done
}

# told FILE WORD...: the file says so of its tensors.
told ()
{
  local file=$1 words
  shift
  for words; do
    grep -aqF -- "$words" "$file" || complain "$file does not say $words"
  done
}

# ---- What cluster says it would take is what it takes; bits and a book for each of two tensors.
quantized book '"codebook"' book
[ "$taken" = $((2 * (48 * 64 / 2 + 16 * 4))) ] || complain "codes and books take $taken bytes"
must "$ADZE" run book.toml --fresh --set "stage.cluster.require=\"packed-bytes == $taken\""
told book-out.safetensors '\"layer.1.weight.book\": {\"adze.codebook/1\": {\"k\": 16}}' \
  '\"adze.coded/1\": {\"codec\": \"codebook\"'

quantized eight '{ use = "int8", per = "tensor" }' int8
told eight-out.safetensors \
  '\"layer.1.weight\": {\"adze.sparsity/1\": {}, \"adze.codebook/1\": {\"k\": 16}, \"adze.coded/1\"'

# ---- One bit a number, and four bytes for each of those that are left.
quantized sparse '"sparse"' sparse
left=$((taken - 2 * 48 * 64 / 8))
[ $left -gt 0 ] && [ $((5 * left)) -le $((2 * 48 * 64 * 4)) ] || complain "sparse: $taken bytes"
told sparse-out.safetensors '\"layer.1.weight\": {\"adze.codebook/1\": {\"k\": 16}, \"adze.coded/1\"'
quantized sixteen '{ use = "sparse", places = "indices" }' sparse
[ "$taken" = $((3 * left)) ] || complain "indices: $taken bytes"

# Until all is known of it a plan gives the most that it can be.
must "$ADZE" plan sparse.toml
grep -qF "at most" must.out || complain "plan does not say that it is a bound: $(cat must.out)"

# What would not become smaller stays as it is.
pipeline dense "${cluster[@]}" '[[stage]]' 'use = "quantize"' 'codec = { use = "sparse", places = "indices" }'
must_fail "would change nothing: all 2 tensors" "$ADZE" run dense.toml

# ---- Other orders: refused where nothing could be done, or told what has become of it.
# alone NAME [LINE...]: a pipeline without `cluster` in it.
alone ()
{
  pipeline "$@"
  sed -i '/plain/,$d' "$1.toml"
  sed -i '$d' "$1.toml"
}
alone many '[[stage]]' 'use = "quantize"' 'codec = { use = "codebook", bits = 4 }'
must_fail "'layer.0.weight' has 3072 different values, and a book of 4 bits has room for 16; cluster it first" \
  "$ADZE" run many.toml
pipeline late "${cluster[@]}" '[[stage]]' 'use = "quantize"' 'codec = "codebook"' '[[stage]]' \
  'use = "prune-magnitude"'
must_fail "'prune-magnitude' (prune-magnitude) would change nothing" "$ADZE" run late.toml
# Behind codes there are scales, books and codes, which are no weights, whatever they look like.
eight='codec = { use = "int8", per = "group", group = 16 }'
behind=('use = "prune-magnitude"' 'use = "prune-magnitude"|pattern = "2:4"' 'use = "prune-blocks"|block = "1x4"' 'use = "cluster"|k = 4'
  'use = "low-rank"|ratio = 0.5' 'use = "quantize"|id = "again"|codec = "int8"' 'use = "cast"|to = "f16"' 'use = "clip"|percentile = 50')
for codec in "$eight" 'codec = { use = "int4", per = "group", group = 16 }' 'codec = "nf4"'; do
  for stage in "${behind[@]}"; do
    # Scales of one for each row are no matrix that could be factors.
    [[ $codec = *nf4* && $stage = *low-rank* ]] && continue
    IFS='|' read -ra words <<< "$stage"
    alone behind '[[stage]]' 'use = "quantize"' "$codec" '[[stage]]' "${words[@]}"
    must_fail "would change 'layer.0.weight.scale', which is a part of the codes of 'layer.0.weight'" \
      "$ADZE" plan behind.toml
    must_fail "is a part of the codes of 'layer.0.weight'" "$ADZE" run behind.toml
  done
done
alone named '[[stage]]' 'use = "quantize"' "$eight" '[[stage]]' 'use = "rename"' 'prefix-from = "layer."' 'prefix-to = "l."'
must "$ADZE" run named.toml
told named-out.safetensors '"l.0.weight.scale"'
# What belongs to codes is found by their name, so both go or none.
for names in '{ "layer.0.weight" = "x" }' '{ "layer.0.weight.scale" = "x" }' '{ "layer.0.weight" = "x", "layer.0.weight.scale" = "x.by" }'; do
  alone parted '[[stage]]' 'use = "quantize"' "$eight" '[[stage]]' 'use = "rename"' "names = $names"
  must_fail "would part codes from what belongs to them: 'layer.0.weight' (int8) would be called" "$ADZE" plan parted.toml
done
alone together '[[stage]]' 'use = "quantize"' "$eight" '[[stage]]' 'use = "rename"' \
  'names = { "layer.0.weight" = "x", "layer.0.weight.scale" = "x.scale" }'
must "$ADZE" run together.toml
# Of codes whose codec is not there nobody can tell what belongs to them, so all that is called so does.
must "$ADZE" run named.toml
sed 's/codec\\": \\"int8\\"/codec\\": \\"mine\\"/g' named-out.safetensors > theirs.safetensors
cmp -s theirs.safetensors named-out.safetensors && complain "the codec's name was not found in the file"
alone theirs '[[stage]]' 'use = "clip"' 'percentile = 50'
sed -i 's/^path = ".*sparse.safetensors"/path = "theirs.safetensors"/; 0,/^path = /s/^path = .*/path = "theirs.safetensors"/' theirs.toml
must_fail "would change 'l.0.weight.scale', which is a part of the codes of 'l.0.weight' (mine)" "$ADZE" plan theirs.toml
# A weight that is only called like a part of codes is a weight.
alone alike '[[stage]]' 'use = "rename"' 'names = { "layer.1.weight" = "layer.0.weight.more" }' '[[stage]]' 'use = "quantize"' \
  "$eight" '[[stage.rule]]' 'match = "layer.0.weight.more"' 'skip = true' '[[stage]]' 'use = "prune-magnitude"' '[[stage.rule]]' \
  'match = "layer.0.weight"' 'skip = true' '[[stage.rule]]' 'match = "layer.0.weight.scale"' 'skip = true'
must "$ADZE" run alike.toml
alone again '[[stage]]' 'use = "quantize"' 'codec = { use = "int8", per = "channel" }' '[[stage]]' 'use = "prune-blocks"' 'block = "1x4"'
must_fail "'layer.0.weight' is codes already; a stage that is about weights belongs in front of the one that makes codes" \
  "$ADZE" run again.toml
alone beside '[[stage]]' 'use = "quantize"' "$eight" '[[stage.rule]]' 'match = "layer.1.*"' 'skip = true' '[[stage]]' \
  'use = "prune-magnitude"' '[[stage.rule]]' 'match = "layer.0.weight*"' 'skip = true'
must "$ADZE" run beside.toml
pipeline zeroed "${cluster[@]}" '[[stage]]' 'use = "prune-magnitude"' 'pattern = "7:8"'
must "$ADZE" run zeroed.toml
told zeroed-out.safetensors '\"adze.codebook/1\": {\"k\": 17}'
pipeline factors "${cluster[@]}" '[[stage]]' 'use = "low-rank"' 'ratio = 0.5'
must "$ADZE" run factors.toml
grep -qF "no longer has adze.codebook/1" must.out || complain "nobody says that factors have no codebook: $(cat must.out)"
pipeline revive "${prune[@]}" "${cluster[@]}" 'keep-zeros = "never"'
must "$ADZE" run revive.toml
grep -qF "no longer has adze.sparsity/1" must.out || complain "nobody says that zeros are lost: $(cat must.out)"
finish
