#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# hebbian, from a table and a network to a network: principal components, selective units, rewards, what matters;
# the same bytes each time, and after kill -9; and what cannot be done says why.
. "$(dirname "$0")/train-lib.sh"
expected="$TOP_SRCDIR/tests/pipelines/hebbians.py"
must python3 "$expected" make

# network INPUTS LAYER...: the top of a pipeline, whose network is built.
network ()
{
  local layer inputs=$1 layers=
  shift
  for layer; do layers="$layers\"$layer\", "; done
  printf 'adze = 1\nseed = 3\n[[stage]]\nuse = "build-model"\ninput = "%s"\nlayers = [%s]\n' "$inputs" "$layers"
}

# table FILE [LINE...]: the data set "it".
table ()
{
  printf '[data.it]\nuse = "csv"\npath = "%s"\nfeatures = "x"\n' "$1"
  shift
  printf '%s\n' "$@"
}

# stage [LINE...]
stage ()
{
  printf '[[stage]]\nuse = "hebbian"\ndata = "it"\n'
  printf '%s\n' "$@"
}

output ()
{
  printf '[[output]]\npath = "%s"\n' "$1"
  [ $# -lt 2 ] || printf 'from = "%s"\n' "$2"
}

row ()
{
  python3 "$expected" row "$@"
}

# all_above BOUND NUMBER...
all_above ()
{
  local bound=$1
  shift
  [ $# -gt 0 ] && awk -v b="$bound" -v all="$*" 'BEGIN { n = split(all, x, " ")
    for (i = 1; i <= n; i++) if (!(x[i] >= b)) exit 1 }'
}

# components MODEL CSV COUNT [LABEL]
components ()
{
  local seen
  seen=$(python3 "$expected" cosines "$1" layer.0.weight "${@:2}")
  # shellcheck disable=SC2086
  all_above 0.999 $seen || complain "$1: the cosines with the principal components are $seen"
  echo "$1: $seen"
}

# ---- Principal components, of data with labels and without.
{ network 5 "dense 1" "dense 2"; table cloud.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["layer.0.*"]' 'plasticity = "oja"' 'centre = "learn"' 'epochs = 20' 'batch = 1' 'rate = 0.005'
  output oja.onnx; output oja.json hebbian.report; } > oja.toml
must "$ADZE" run oja.toml --set run.threads=1
components oja.onnx cloud.csv 1 LABEL
holds oja.json 'abs(r["layers"][0]["length"] - 1) < 0.01 and r["layers"][0]["moved"] > 0.1'
holds oja.json '[l["weight"] for l in r["layers"]] == ["layer.0.weight"]'
{ network 5 "dense 1" "dense 2"; output before.onnx; } > before.toml
must "$ADZE" run before.toml
for name in layer.0.bias layer.1.weight layer.1.bias; do
  [ "$(weight oja.onnx $name)" = "$(weight before.onnx $name)" ] || complain "$name has changed, and was not to learn"
done
{ network 5 "dense 3" "dense 2"; table plain.csv 'shuffle = true'
  stage 'weights = ["layer.0.*"]' 'plasticity = "sanger"' 'centre = "learn"' 'epochs = 40' 'batch = 8' 'rate = 0.02'
  output sanger.onnx; } > sanger.toml
must "$ADZE" run sanger.toml --set run.threads=1
components sanger.onnx plain.csv 3

# Each at its own pace: small ones are found as soon as the first.
{ network 5 "dense 4" "dense 2"; table plain.csv 'shuffle = true'
  stage 'weights = ["layer.0.*"]' 'plasticity = "sanger"' 'pace = "own"' 'centre = "learn"' 'epochs = 20' 'batch = 8' 'rate = 0.1'
  output paced.onnx; } > paced.toml
must "$ADZE" run paced.toml
components paced.onnx plain.csv 4
must_fail "the parameter 'pace' is given, and says nothing to plasticity" \
  "$ADZE" plan paced.toml --set stage.hebbian.plasticity=hebb

# ---- The same bytes for any number of threads, and on another backend where nothing in front is computed by it.
mv oja.onnx one.onnx
mv sanger.onnx three.onnx
mv oja.json one.json
must "$ADZE" run oja.toml --fresh --set run.threads=2
must "$ADZE" run sanger.toml --fresh --set run.threads=2
cmp oja.onnx one.onnx || complain "threads are seen in the weights"
cmp sanger.onnx three.onnx || complain "threads are seen in the weights of several units"
cmp oja.json one.json || complain "threads are seen in the report"
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "not looked at: onednn; it is not there" ;;
  *)
    must "$ADZE" run oja.toml --fresh --backend onednn
    cmp oja.onnx one.onnx || complain "onednn is seen in the weights of a first layer"
    ;;
esac

# ---- A second layer learns from what the first one gives, a mean is folded into a bias, units share out examples.
{ network 5 "dense 6 relu" "dense 2"; table cloud.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["layer.*.weight"]' 'plasticity = "soft-wta"' 'temperature = 0.2' 'centre = "fold"' 'unit-length = true' \
    'homeostasis = "excitability"' 'target-rate = 0.2' 'epochs = 3' 'rate = 0.05' 'checkpoint-steps = 5'
  output both.onnx; output both.json hebbian.report; } > both.toml
must "$ADZE" run both.toml
holds both.json 'len(r["layers"]) == 2 and all(l["moved"] > 0.05 for l in r["layers"])'
[ "$(weight both.onnx layer.0.bias | tr -d 0)" != "" ] || complain "no mean was folded into the bias"
{ network 5 "dense 4 relu" "dense 2"; table cloud.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["layer.0.weight"]' 'plasticity = "none"' 'homeostasis = "excitability"' 'target-rate = 0.3' 'epochs = 60' 'checkpoint = 0'
  output share.onnx; output share.json hebbian.report; } > share.toml
must "$ADZE" run share.toml
holds share.json 'abs(r["layers"][0]["activity"] - 0.3) < 0.03 and r["layers"][0]["moved"] == 0'
[ "$(weight share.onnx layer.0.bias | tr -d 0)" != "" ] || complain "excitability has moved no bias"

# ---- What comes doubles: all weights of a unit give way together, until it is as active as before.
balanced ()
{
  stage "id = \"$1\"" 'weights = ["layer.0.weight"]' 'plasticity = "none"' 'homeostasis = "scaling"' 'target-rate = 0.5' \
    'batch = 400' 'epochs = 600' 'checkpoint = 0' "scale = $2"
}
{ network 5 "dense 3" "dense 2"; table plain.csv; balanced once 1; balanced twice 2
  output once.onnx once.model; output twice.onnx; output once.json once.report; output twice.json twice.report; } > twice.toml
must "$ADZE" run twice.toml
for name in once twice; do
  holds $name.json 'abs(r["layers"][0]["activity"] / 0.5 - 1) < 0.01'
done
paste -d ' ' <(row once.onnx layer.0.weight | tr ' ' '\n') <(row twice.onnx layer.0.weight | tr ' ' '\n') |
  awk '{ r = $2 / $1; unit = int((NR - 1) / 5)
         if (unit in first && (r / first[unit] - 1 > 1e-6 || r / first[unit] - 1 < -1e-6)) bad = 1
         if (!(unit in first)) first[unit] = r
         if (r > 0.55 || r < 0.45) bad = 1 }
       END { exit bad || NR != 15 }' || complain "scaling has not kept what weights are to each other"

# ---- BCM: one of two inputs, with 2.
{ network 2 "dense 1 no-bias"; table two.csv
  stage 'weights = ["*"]' 'plasticity = "bcm"' 'epochs = 4000' 'batch = 2' 'rate = 0.05' 'schedule = "constant"' 'checkpoint = 0'
  output bcm.onnx; } > bcm.toml
must "$ADZE" run bcm.toml
! grep -qF "ended with answers near 0" must.out || complain "it is told to be silent: $(cat must.out)"
sed "s/^seed = .*/seed = 1/; s/bcm.onnx/silent.onnx/" bcm.toml > silent.toml
must "$ADZE" run silent.toml
grep -qF "'layer.0.weight': 1 of 1 unit ended with answers near 0 to all examples" must.out \
  || complain "nobody tells that it has become selective for nothing, but $(row silent.onnx layer.0.weight): $(cat must.out)"
# shellcheck disable=SC2046
printf '%s\n' $(row bcm.onnx layer.0.weight) | sort -g | tr '\n' ' ' > selective
awk '{ exit !($1 < 1e-3 && $1 > -1e-3 && $2 < 2.001 && $2 > 1.999) }' selective || complain "BCM: $(cat selective)"

# ---- Rewards alone teach which unit is right; where they are what was expected, nothing does.
{ network 2 "dense 2 no-bias"; table arms.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["*"]' 'plasticity = "reward"' 'reward = "label"' 'reward-is = "match"' 'baseline-rate = 0.05' \
    'epochs = 30' 'batch = 10' 'rate = 0.5' 'schedule = "constant"' 'checkpoint = 0'
  printf '[[stage]]\nuse = "evaluate"\ndata = "it"\nrequire = "accuracy > 0.99"\n'
  output arms.onnx; } > arms.toml
must "$ADZE" run arms.toml
sed '2,$s/,[01]$/,1/' arms.csv > all.csv
{ network 2 "dense 2 no-bias"; table all.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["*"]' 'plasticity = "reward"' 'reward = "label"' 'baseline = 1' 'trace = 0.5' 'rate = 0.5'
  output all.onnx; } > all.toml
must_fail "changed nothing" "$ADZE" run all.toml
must "$ADZE" run all.toml --set stage.hebbian.baseline=0.9

# ---- What matters is measured, handed on and kept; pruning leaves what is most important alone.
two_stages ()
{
  network 5 "dense 4" "dense 2"; table cloud.csv 'label = "label"' 'shuffle = true'
  stage 'id = "first"' 'weights = ["layer.0.weight"]' 'centre = "learn"' 'measure = true'
  stage 'id = "second"' 'weights = ["layer.0.weight"]' 'plasticity = "hebb"' 'rate = 0.01' "$@"
  output two.onnx; output two.json second.report
  output two.importance first.importance
}
two_stages > free.toml
must "$ADZE" run free.toml
mv two.json free.json
two_stages 'consolidation = 50' > kept.toml
must "$ADZE" run kept.toml
python3 -c 'import json
a, b = (json.load(open(f))["layers"][0]["moved"] for f in ("free.json", "two.json"))
assert 0 < b < a / 5, (a, b)' || complain "what is important should change less"
{ network 5 "dense 4" "dense 2"; table cloud.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["layer.0.weight"]' 'centre = "learn"' 'measure = true'
  printf '[[stage]]\nuse = "importance-mask"\nshare = 0.25\n[[stage]]\nuse = "prune-magnitude"\nsparsity = 0.75\n'
  printf 'inputs = { model = "hebbian.model", protected = "importance-mask.model" }\n'
  printf 'require = "protected == 5 and sparsity == 0.75"\n'
  for name in hebbian importance-mask prune-magnitude; do
    output $name.safetensors $name.model
    echo 'drop-graph = true'
  done; } > pruned.toml
for wish in run.threads=1 run.threads=3 stage.prune-magnitude.isolate=true stage.importance-mask.isolate=true; do
  must "$ADZE" run pruned.toml --fresh --set "$wish"
  must python3 "$expected" kept hebbian.safetensors importance-mask.safetensors prune-magnitude.safetensors layer.0.weight 5
done
[ "$(head -n 1 two.importance)" = "adze importance 1" ] || complain "no importance is given"
{ network 5 "dense 4" "dense 2"; printf '[input.before]\nkind = "importance"\npath = "two.importance"\n'
  table cloud.csv 'label = "label"' 'shuffle = true'
  stage 'weights = ["layer.0.weight"]' 'consolidation = 1' 'inputs = { importance = "input.before" }'
  output taken.onnx; } > taken.toml
must "$ADZE" run taken.toml
{ printf 'adze importance 1\n9 14 layer.0.weight\n\n'; head -c 36 /dev/zero; } > bad.importance
sed 's/two\.importance/bad.importance/' taken.toml > bad.toml
must_fail "has 9 numbers for 'layer.0.weight'" "$ADZE" run bad.toml
printf 'adze importance 1\n20 14 layer.0.weight\n\n' > bad.importance
must_fail "numbers are missing at its end" "$ADZE" run bad.toml

# ---- kill -9 and again: the same bytes.
sed -i 's/^epochs = 3$/epochs = 30/' both.toml
must "$ADZE" run both.toml
for round in 1 2; do
  rm -rf again
  mkdir again
  cp cloud.csv again
  cp both.toml again/both.toml
  "$ADZE" run again/both.toml > /dev/null 2>&1 &
  victim=$!
  until [ "$(cat again/adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge $((round * 3)) ] \
    || ! kill -0 $victim 2> /dev/null; do
    sleep 0.005
  done
  kill -9 $victim 2> /dev/null
  wait $victim 2> /dev/null
  must "$ADZE" run again/both.toml
  cmp both.onnx again/both.onnx || complain "round $round: other weights after kill -9"
  cmp both.json again/both.json || complain "round $round: another report after kill -9"
  grep -q 'goes on from the checkpoint of layer' again/adze-runs/*/events.jsonl || complain "round $round: it began anew"
done

# ---- A plan looks at all of it and learns nothing; mistakes are found by it.
must timeout 60 "$ADZE" plan oja.toml --set stage.hebbian.epochs=1000000
must_fail "no dense layer (MatMul, Gemm) of the network has a weight" "$ADZE" plan oja.toml --set 'stage.hebbian.weights=["x*"]'
must_fail "the parameter 'losers' is given, and says nothing to plasticity" "$ADZE" run oja.toml --set stage.hebbian.losers=unlearn
must_fail "the parameter 'target-rate' is given, and says nothing to homeostasis" "$ADZE" run oja.toml --set stage.hebbian.target-rate=0.5
must_fail "the parameter 'rate' is given, and says nothing to plasticity" "$ADZE" run oja.toml --set stage.hebbian.plasticity=none
{ network 2 "dense 2"; table two.csv; stage 'weights = ["*"]' 'plasticity = "none"'; output idle.onnx; } > idle.toml
must_fail "change nothing" "$ADZE" run idle.toml
must_fail "nothing says how important weights are" "$ADZE" run oja.toml --set stage.hebbian.consolidation=1
must_fail "has no bias of its own" "$ADZE" run bcm.toml --set stage.hebbian.centre=fold
must_fail "has grown without end" "$ADZE" run oja.toml --set stage.hebbian.plasticity=hebb --set stage.hebbian.rate=1e6
must_fail "changed nothing" "$ADZE" run oja.toml --set stage.hebbian.rate=1e-30
sed '/^homeostasis/d; /^target-rate/d' both.toml > idle.toml
for rate in 1e-30 1e-15; do
  must_fail "nothing was learnt: of 2 layers no weight is another number than before" \
    "$ADZE" run idle.toml --set stage.hebbian.rate=$rate
done
# The excitability of units that share out examples is not kept.
must_fail "nothing was learnt: of 2 layers no weight is another number than before" \
  "$ADZE" run both.toml --set stage.hebbian.rate=1e-30
must "$ADZE" run idle.toml
sed '20s/^[^,]*/nan/' plain.csv > odd.csv
sed 's/plain\.csv"/odd.csv"\nmissing = "nan"/' sanger.toml > odd.toml
must_fail "the column 'x' of the data bound to 'data' has numbers that are none" "$ADZE" run odd.toml

# A network that is damaged is refused, be it behind the layers that learn.
{ network 2 "dense 3" "dense 2"; output deep.onnx; } > deep.toml
must "$ADZE" run deep.toml
PYTHONPATH="$TOP_SRCDIR/tests/pipelines" must python3 -c 'import networks; networks.damage("deep.onnx", "layer.1.weight", "nan")'
{ printf 'adze = 1\n[model]\npath = "damaged.onnx"\n'; table two.csv
  stage 'weights = ["layer.0.*"]' 'plasticity = "oja"'; output bad.onnx; } > bad.toml
must_fail "'layer.1.weight' has NaN at element 1: it is damaged" "$ADZE" run bad.toml
sed -i 's/damaged\.onnx/deep.onnx/' bad.toml
must "$ADZE" run bad.toml

# ---- Data that others know: digits of 8 by 8, and irises.
tables=${ADZE_TEST_DATA-}/tabular-sklearn
if [ -n "${ADZE_TEST_DATA-}" ] && [ -r "$tables/digits.csv.gz" ]; then
  gunzip -c "$tables/digits.csv.gz" > digits.csv
  { network 64 "dense 1" "dense 10"; table digits.csv 'header = false' 'label = "65"' 'shuffle = true'
    stage 'weights = ["layer.0.*"]' 'plasticity = "oja"' 'centre = "learn"' 'epochs = 20' 'input = "x"'
    output digit.onnx; } > digit.toml
  { network 64 "dense 4" "dense 10"; table digits.csv 'header = false' 'label = "65"' 'shuffle = true'
    stage 'weights = ["layer.0.*"]' 'plasticity = "sanger"' 'centre = "learn"' 'epochs = 20' 'input = "x"'
    output digits.onnx; } > digits.toml
  # Whatever the first weights are.
  for seed in 1 2 3; do
    sed -i "s/^seed = .*/seed = $seed/" digit.toml digits.toml
    must "$ADZE" run digit.toml
    components digit.onnx digits.csv 1 LABEL
    must "$ADZE" run digits.toml
    components digits.onnx digits.csv 4 LABEL
  done
  tail -n +2 "$tables/iris.csv" > iris.csv
  { network 4 "dense 1" "dense 3"; table iris.csv 'header = false' 'label = "5"' 'shuffle = true'
    stage 'weights = ["layer.0.*"]' 'plasticity = "oja"' 'centre = "learn"' 'epochs = 300' 'batch = 15' 'rate = 0.02' 'input = "x"' \
      'checkpoint = 0'
    output iris.onnx; } > iris.toml
  for seed in 1 2 3; do
    sed -i "s/^seed = .*/seed = $seed/" iris.toml
    must "$ADZE" run iris.toml
    components iris.onnx iris.csv 1 LABEL
    row iris.onnx layer.0.weight > iris.row
    awk '{ s = $1 < 0 ? -1 : 1; split("0.361387 -0.084523 0.856671 0.358289", w, " ")
           for (i = 1; i <= 4; i++) { d = s * $i - w[i]; if (d > 0.0005 || d < -0.0005) exit 1 } }' iris.row \
      || complain "the direction of irises is $(cat iris.row) with seed $seed"
    echo "irises: $(cat iris.row)"
  done
else
  echo "skipped: digits and irises; ADZE_TEST_DATA has no tabular-sklearn"
fi
finish
