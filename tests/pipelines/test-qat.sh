#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# qat, from a file to a file: what is given has few values and is as good as it was while it learnt, the bytes are the
# same each time and after a kill, zeros stay where they should, and what cannot be done says why.
. "$(dirname "$0")/train-lib.sh"

# taught NAME MODEL [LINE...]: as learn does it, with qat, and an evaluation of what is given.
taught ()
{
  local name=$1
  learn "$@"
  sed -i 's/^use = "train"/use = "qat"/; s/^from = "train.report"/from = "qat.report"/' "$name.toml"
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n' >> "$name.toml"
}

# levels FILE NAME: how many different bytes the codes of a weight are.
levels ()
{
  weight "$1" "$2" | fold -w 2 | sort -u | wc -l
}

# above ACCURACY NAME: the last run's evaluation, in floats and in whole numbers.
above ()
{
  awk "BEGIN { exit !($(told evaluate.accuracy) >= $1 && $(told evaluate.integer-accuracy) >= $1) }" \
    || complain "$2: accuracy $(told evaluate.accuracy), in whole numbers $(told evaluate.integer-accuracy)"
}

# ---- Few values, and as good.
taught int4 mlp.onnx 'weights = "int4"' 'activations = "int8"' 'validation = "check"'
must "$ADZE" run int4.toml --set run.threads=1
above 0.9 int4
holds int4-out.json 'len(r["epochs"]) == 12 and r["epochs"][-1]["loss"] < 0.5 * r["epochs"][0]["loss"]'
[ "$(levels int4-out.onnx fc1.weight)" -le 16 ] || complain "4 bits have $(levels int4-out.onnx fc1.weight) codes"
[ "$(told qat.quantised-weights)" = 2 ] && [ "$(told qat.quantised-activations)" = 2 ] \
  || complain "not all that is multiplied was rounded"

# ---- The same bytes, report and all; products of whole numbers are as good.
mv int4-out.onnx one.onnx
mv int4-out.json one.json
must "$ADZE" run int4.toml --fresh --set run.threads=2
cmp int4-out.onnx one.onnx || complain "threads are seen in the codes"
cmp int4-out.json one.json || complain "threads are seen in the report"
must "$ADZE" run int4.toml --set 'stage.qat.form="integer"'
awk "BEGIN { exit !($(told evaluate.accuracy) >= 0.9) }" || complain "in whole numbers it is $(told evaluate.accuracy)"
grep -q MatMulInteger int4-out.onnx || complain "nothing is multiplied in whole numbers"

# ---- Killed behind a checkpoint, and gone on with.
mkdir -p killed
sed 's/^batch.*/&\ncheckpoint-steps = 2/' int4.toml > killed/p.toml
(cd killed && exec "$ADZE" run p.toml > /dev/null 2>&1) &
victim=$!
until [ "$(cat killed/adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge 2 ] || ! kill -0 $victim 2> /dev/null; do
  sleep 0.005
done
kill -9 $victim 2> /dev/null
wait $victim 2> /dev/null
(cd killed && must "$ADZE" run p.toml)
cmp killed/int4-out.onnx one.onnx || complain "a run that was killed gives other codes"

# ---- Other levels, and layers with their own.
for bits in int8:255 int3:8 int2:4 ternary:3 binary:2; do
  taught other mlp.onnx "weights = \"${bits%:*}\"" 'layers = { "fc2.*" = "int8" }'
  must "$ADZE" run other.toml
  [ "$(levels other-out.onnx fc1.weight)" -le "${bits#*:}" ] \
    || complain "${bits%:*} has $(levels other-out.onnx fc1.weight) codes"
  awk "BEGIN { exit !($(told evaluate.accuracy) >= 0.7) }" || complain "${bits%:*}: $(told evaluate.accuracy)"
done
[ "$(levels other-out.onnx fc2.weight)" -gt 2 ] || complain "fc2 was to have other levels"
taught conv conv.onnx 'weights = "int4"' 'per = "tensor"' 'activations = "int8"' 'ranges = "percentile"' \
  'learn-steps = false'
must "$ADZE" run conv.toml
above 0.8 conv

# ---- What was pruned stays so, and the host has looked.
{
  head_ mlp.onnx
  printf '[[stage]]\nuse = "prune-magnitude"\nsparsity = 0.5\n[[stage.rule]]\nmatch = "*.bias"\nskip = true\n'
  printf '[[output]]\npath = "pruned.onnx"\n'
} > prune.toml
must "$ADZE" run prune.toml
taught zeros pruned.onnx 'weights = "int4"' 'keep-zeros = ["*.weight"]'
must "$ADZE" run zeros.toml
[ "$(weight zeros-out.onnx fc1.weight | fold -w 2 | grep -c 00)" -ge $((16 * 12 / 2)) ] \
  || complain "zeros did not stay zeros"
grep -q adze.sparsity/1 zeros-out.onnx || complain "nobody says any more that they are zeros"
! grep -q "says so, which does not name" must.out || complain "the plan warns of what is named: $(cat must.out)"
must "$ADZE" plan zeros.toml --set 'stage.qat.keep-zeros=["fc2.*"]'
grep -qF "keeps adze.sparsity/1 of 'fc1.weight' where its parameter 'keep-zeros' says so, which does not name it" must.out \
  || complain "no plan warns that zeros will not stay: $(cat must.out)"
for where in false true; do
  must_fail "broke adze.sparsity/1 of" "$ADZE" run zeros.toml --fresh --set 'stage.qat.keep-zeros=[]' \
    --set stage.qat.isolate=$where
  grep -qF "name the tensor in the parameter 'keep-zeros' of the stage, which keeps it so: keep-zeros = [\"fc" must.out \
    || complain "nobody says what keeps zeros: $(cat must.out)"
done

# ---- Steps are no weights of the model: they are not counted, listed, or what a pattern means.
holds zeros-out.json 'r["weights"] == 4 and r["parameters"] == 16 * 12 + 12 * 4 + 12 + 4'
must "$ADZE" run zeros.toml --fresh --set 'stage.qat.keep-zeros=["fc*.weight*"]'
weight zeros-out.onnx fc1.weight.scale > by-pattern
must "$ADZE" run zeros.toml --fresh
[ "$(weight zeros-out.onnx fc1.weight.scale)" = "$(< by-pattern)" ] || complain "steps that begin at 0 were kept there"
must_fail "these are fc1.weight, fc1.bias, fc2.weight, fc2.bias" "$ADZE" run zeros.toml --set 'stage.qat.keep-zeros=["fc7*"]'
! grep -qF '%step' must.out || complain "steps are listed as weights: $(cat must.out)"
# What is not to change is not rounded otherwise, either.
taught frozen mlp.onnx 'weights = "int4"'
for frozen in fc1.weight 'fc1.*'; do
  for epochs in 1 3; do
    must "$ADZE" run frozen.toml --fresh --set "stage.qat.frozen=[\"$frozen\"]" --set stage.qat.epochs=$epochs
    weight frozen-out.onnx fc1.weight.scale > steps-$epochs
  done
  cmp -s steps-1 steps-3 || complain "steps of '$frozen', which is frozen, learn"
done

# ---- Nor do what was clustered: few values stay as few, though there are codes for more.
sed -i 's/^\[\[output/[[stage]]\nuse = "cluster"\nk = 6\n[[stage.rule]]\nmatch = "*.bias"\nskip = true\n&/; s/pruned.onnx/few.onnx/' prune.toml
must "$ADZE" run prune.toml
taught few few.onnx 'weights = "int8"' 'keep-zeros = ["*.weight"]' 'keep-values = ["fc*.weight"]'
must "$ADZE" run few.toml
[ "$(levels few-out.onnx fc1.weight)" -le 6 ] || complain "6 values have become $(levels few-out.onnx fc1.weight)"
[ "$(weight few-out.onnx fc1.weight | fold -w 2 | grep -c 00)" -ge $((16 * 12 / 2)) ] \
  || complain "clustered zeros did not stay zeros"
[ "$(weight few-out.onnx fc1.weight)" != "$(weight few.onnx fc1.weight)" ] || complain "the values have not learnt"
for trait in adze.sparsity/1 adze.codebook/1; do
  grep -q $trait few-out.onnx || complain "nobody says any more that it has $trait"
done
holds few-out.json 'r["epochs"][-1]["loss"] < r["epochs"][0]["loss"]'
# The list of the values is no weight of the model, whatever a pattern means; it is what is counted for the weight.
holds few-out.json 'r["weights"] == 4 and r["parameters"] == 6 + 6 + 12 + 4'
must "$ADZE" run few.toml --fresh --set 'stage.qat.keep-zeros=["*"]'
! grep -qF 'did not' must.out || complain "it did not end as it should: $(cat must.out)"
# Without being named they are more, and it is said: 4 bits have few codes, and many values where each channel has a step.
for where in false true; do
  must "$ADZE" run few.toml --fresh --set 'stage.qat.keep-values=[]' --set 'stage.qat.weights="int4"' \
    --set stage.qat.isolate=$where
  grep -qF "'fc1.weight', and of 1 other, where its parameter 'keep-values' says so" must.out \
    || complain "no plan warns of values: $(cat must.out)"
  grep -qF "no longer has adze.codebook/1 (2 tensors)" must.out || complain "nobody tells of values: $(cat must.out)"
  grep -q adze.codebook/1 few-out.onnx && complain "it says that values are few"
  grep -q adze.sparsity/1 few-out.onnx || complain "what is true of zeros has gone with it"
done
must_fail "is none of the weights that are rounded" "$ADZE" run few.toml --set 'stage.qat.keep-values=["fc7.*"]'

# ---- All of it in one pipeline: the host has verified what the file says.
{
  head_ mlp.onnx
  for what in 'use = "prune-magnitude"\nsparsity = 0.5' 'use = "cluster"\nk = 6'; do
    printf '[[stage]]\n%b\n[[stage.rule]]\nmatch = "*.bias"\nskip = true\n' "$what"
  done
  printf '[[stage]]\nuse = "qat"\ndata = "train"\nbatch = 16\nepochs = 4\nrate = 0.02\nkeep-zeros = ["*.weight"]\n'
  printf 'keep-values = ["*.weight"]\n[[output]]\npath = "once.onnx"\n'
} > once.toml
must "$ADZE" run once.toml
must "$ADZE" show once.onnx --json
for trait in sparsity codebook coded; do
  [ "$(grep -o "adze.$trait/1" must.out | wc -l)" -ge 2 ] || complain "once.onnx has no adze.$trait/1 for each weight"
done
[ "$(levels once.onnx fc1.weight)" -le 6 ] || complain "in one pipeline 6 values have become $(levels once.onnx fc1.weight)"
[ "$(weight once.onnx fc1.weight | fold -w 2 | grep -c 00)" -ge $((16 * 12 / 2)) ] || complain "in one pipeline zeros did not stay"

# ---- Codes and scales are no weights to a stage behind, be it in the same pipeline or in another.
printf '[[stage]]\nuse = "clip"\npercentile = 90.0\n' >> once.toml
must_fail "is a part of the codes of" "$ADZE" run once.toml
for file in one.onnx few-out.onnx; do
  {
    head_ $file
    printf '[[stage]]\nuse = "clip"\npercentile = 90.0\n[[output]]\npath = "clipped.onnx"\n'
  } > clip.toml
  must_fail "is a part of the codes of" "$ADZE" plan clip.toml
done

# ---- What cannot be.
must_fail "none of its levels is 0" "$ADZE" run zeros.toml --set 'stage.qat.weights="int2"'
must_fail "both \"fc1.*\" and \"fc1.w*\"" "$ADZE" run other.toml \
  --set 'stage.qat.layers={ "fc1.*" = "int8", "fc1.w*" = "int4" }'
must_fail "is the weight of no MatMul" "$ADZE" run other.toml --set 'stage.qat.layers={ "fc9.*" = "int8" }'
must_fail "there is nothing to do" "$ADZE" run other.toml --set 'stage.qat.layers={}' --set 'stage.qat.weights="none"'
must_fail "products of whole numbers need both" "$ADZE" plan other.toml --set 'stage.qat.form="integer"'
must_fail "'calibration' is given, and says nothing" "$ADZE" plan other.toml --set stage.qat.calibration=3
must_fail "'calibration' is 14 batches, and the data bound to 'data' has 13" "$ADZE" plan int4.toml \
  --set stage.qat.calibration=14
must "$ADZE" plan int4.toml --set stage.qat.calibration=13
must_fail "'percentile' is given, and says nothing" "$ADZE" plan int4.toml --set stage.qat.percentile=99
for levels in int8 ternary binary; do
  must_fail "'zero' is \"yes\", and plays no part" "$ADZE" plan int4.toml \
    --set "stage.qat.weights=\"$levels\"" --set 'stage.qat.zero="yes"'
  must_fail "'zero' is \"no\", and plays no part" "$ADZE" plan int4.toml \
    --set "stage.qat.layers={ \"*.weight\" = \"$levels\" }" --set 'stage.qat.zero="no"'
done
must "$ADZE" plan int4.toml --set 'stage.qat.weights="int8"' --set 'stage.qat.layers={ "fc2.*" = "int2" }' \
  --set 'stage.qat.zero="yes"'
finish
