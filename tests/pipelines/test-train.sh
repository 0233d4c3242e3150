#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# train, from a file to a file: it learns, what it is told to leave alone stays, the bytes are the same
# each time, and what cannot be done says why.
. "$(dirname "$0")/train-lib.sh"

# ---- It learns, and says how well.
learn mlp mlp.onnx 'validation = "check"'
cat >> mlp.toml << 'END'
[[stage]]
use = "evaluate"
data = "test"
END
must "$ADZE" run mlp.toml --set run.threads=1
holds mlp-out.json 'len(r["epochs"]) == 12 and r["epochs"][-1]["loss"] < 0.5 * r["epochs"][0]["loss"]'
holds mlp-out.json 'r["epochs"][-1]["steps"] == 12 * 13' # 202 by 16: the last, shorter batch is one, too
seen=$(python3 "$networks" accuracy mlp-out.onnx)
awk "BEGIN { exit !($seen >= 0.9) }" || complain "it has not learnt: accuracy $seen"
awk "BEGIN { d = $seen - $(told evaluate.accuracy); exit !(d < 1e-9 && d > -1e-9) }" \
  || complain "evaluate says $(told evaluate.accuracy), and Python $seen"
[ -n "$(told train.examples-per-second)" ] || complain "nobody says how fast it was"
grep -q per-second mlp-out.json && complain "the report has times in it"
# What training made of a weight nobody knows but by training: that is said, and not that no stage got it.
must "$ADZE" why last 'fc1.weight[0,0]'
[ "$(tail -n +2 must.out)" = "  train (train): its value cannot be followed here
  and there it is lost sight of: what 'train' gives is known only by running it" ] \
  || complain "why says $(cat must.out)"

# ---- The same bytes, report and all.
mv mlp-out.onnx one.onnx
mv mlp-out.json one.json
must "$ADZE" run mlp.toml --fresh --set run.threads=2
cmp mlp-out.onnx one.onnx || complain "threads are seen in the weights"
cmp mlp-out.json one.json || complain "threads are seen in the report"

# ---- What is given may be an average of the weights; what is learnt is the same, and what is told of learning.
learn averaged mlp.onnx 'average = 1'
learn last mlp.onnx
must "$ADZE" run averaged.toml
must "$ADZE" run last.toml
[ "$(weight averaged-out.onnx fc1.weight)" != "$(weight last-out.onnx fc1.weight)" ] || complain "nothing was averaged"
cmp averaged-out.json last-out.json || complain "an average is seen in what is learnt"
mv averaged-out.onnx averaged.onnx
must "$ADZE" run averaged.toml --fresh --set run.threads=2
cmp averaged-out.onnx averaged.onnx || complain "threads are seen in an average"
learn averaged mlp.onnx 'average = 0.05'
must_fail "parameter 'average' is 0.05 epochs, which is one step" "$ADZE" run averaged.toml

# ---- The loss has its softmax: that of a network is not another one.
learn softmax softmax.onnx 'validation = "check"'
must "$ADZE" run softmax.toml
[ "$(weight softmax-out.onnx fc1.weight)" = "$(weight one.onnx fc1.weight)" ] \
  || complain "a network that ends with a softmax was trained otherwise"

# ---- Nor does it matter that a part of it is in the branch of an If.
learn choice choice.onnx 'validation = "check"'
must "$ADZE" run choice.toml
for name in fc1.weight fc2.bias; do
  [ "$(weight choice-out.onnx $name)" = "$(weight one.onnx $name)" ] \
    || complain "with a branch in the network, $name was trained otherwise"
done

# ---- Weights of a branch's own are the model's, and given once.
learn inner inner.onnx
{
  head_ inner.onnx
  printf '[[stage]]\nuse = "optimise-graph"\n[[output]]\npath = "inner-out.onnx"\n'
} > smaller.toml
{
  head_ inner-out.onnx
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n'
} > judge-inner.toml
for name in inner smaller; do
  must "$ADZE" run $name.toml
  must "$ADZE" run judge-inner.toml
  rm -f inner-out.onnx
done

# ---- Numbers that the file has as constants are none to be trained, nor are they once its graph was edited.
learn half half.onnx
must "$ADZE" run mlp.toml
parameters=$(told train.parameters)
must "$ADZE" run half.toml
[ "$(told train.parameters)" = "$parameters" ] || complain "a Constant was trained"
{
  head_ half.onnx
  printf '[[stage]]\nuse = "optimise-graph"\n[[output]]\npath = "edited.onnx"\n'
} > edit.toml
must "$ADZE" run edit.toml
learn edited edited.onnx
must "$ADZE" run edited.toml
[ "$(told train.parameters)" = "$parameters" ] || complain "a Constant of an edited graph was trained"

# ---- An exponent is none either, unless it is needed for more than that; nothing is left out silently.
learn power power.onnx
must "$ADZE" run power.toml --verbose
grep -qF "not trained: 'two' (the exponent of a Pow)" must.out || complain "an exponent: $(cat must.out)"
holds power-out.json 'r["left"] == [{"weight": "two", "why": "the exponent of a Pow"}] and r["weights"] == 5'
[ "$(told train.left)" = 1 ] || complain "it is not counted what does not train"
[ "$(weight power-out.onnx two)" = "$(weight power.onnx two)" ] || complain "an exponent was trained"
[ "$(weight power-out.onnx p)" != "$(weight power.onnx p)" ] || complain "an exponent that was learnt was not trained"
learn power power.onnx 'frozen = ["two"]'
must "$ADZE" run power.toml --verbose
! grep -qF "not trained" must.out || complain "what is frozen is told"

# ---- What is to stay, and what is not.
learn frozen mlp.onnx 'frozen = ["fc1.*"]'
must "$ADZE" run frozen.toml
for name in fc1.weight fc1.bias; do
  [ "$(weight frozen-out.onnx $name)" = "$(weight mlp.onnx $name)" ] || complain "$name was frozen"
done
[ "$(weight frozen-out.onnx fc2.weight)" != "$(weight mlp.onnx fc2.weight)" ] \
  || complain "fc2.weight was not frozen"
learn zeros mlp.onnx 'keep-zeros = ["*1.bias"]'
must "$ADZE" run zeros.toml
[ "$(weight zeros-out.onnx fc1.bias | tr -d 0)" = "" ] || complain "zeros did not stay zeros"
[ "$(weight zeros-out.onnx fc2.bias | tr -d 0)" != "" ] || complain "other zeros stayed zeros"

# ---- Other networks: batch normalisation, pictures with a channel.
learn norm norm.onnx 'validation = "check"'
must "$ADZE" run norm.toml
holds norm-out.json 'r["epochs"][-1]["accuracy"] > 0.9'
[ "$(weight norm-out.onnx bn.mean | tr -d 0)" != "" ] || complain "the running mean is still 0"
# Of all weights zeros stay; a mean that begins as zeros is told, and is none of them.
must "$ADZE" run norm.toml --fresh --set 'stage.train.keep-zeros=["*"]'
[ "$(weight norm-out.onnx bn.mean | tr -d 0)" != "" ] || complain "the running mean stayed 0, as a weight that is kept so"
[ "$(weight norm-out.onnx bn.shift | tr -d 0)" = "" ] || complain "zeros of a shift did not stay zeros"
must_fail "\"*mean*\" means only weights that do not train" "$ADZE" run norm.toml --fresh \
  --set 'stage.train.keep-zeros=["*mean*"]'
# Nor are settings, and what is frozen has its zeros in any case.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no network with settings"
import os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, write
write("six.onnx", [node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], "fc1"),
                   node("Clip", ["a", "low", "high"], ["r"], "six"), node("Gemm", ["r", "fc2.weight", "fc2.bias"], ["y"], "fc2")],
      {"fc1.weight": ([16, 8], spread(128, 3, 0.8)), "fc1.bias": ([8], [0.0] * 8), "low": ([], [0.0]), "high": ([], [6.0]),
       "fc2.weight": ([8, 4], spread(32, 5, 0.8)), "fc2.bias": ([4], [0.0] * 4)}, ["N", 16])
END
learn six six.onnx 'keep-zeros = ["*"]' 'frozen = ["fc1.*"]'
must "$ADZE" run six.toml
[ "$(weight six-out.onnx fc2.bias | tr -d 0)" = "" ] || complain "zeros beside settings did not stay zeros"
for pattern in low fc1.bias; do
  must_fail "\"$pattern\" means only weights that do not train" "$ADZE" run six.toml --fresh \
    --set "stage.train.keep-zeros=[\"$pattern\"]"
done
learn conv conv.onnx 'optimiser = "nesterov"' 'schedule = "cosine"' 'warm-up = 1' 'clip = 5'
cat >> conv.toml << 'END'
[[stage]]
use = "evaluate"
data = "test"
require = "accuracy > 0.9"
END
must "$ADZE" run conv.toml
holds conv-out.json 'r["epochs"][0]["rate"] == 0.02 and 0 < r["epochs"][-1]["rate"] < 0.001'
holds conv-out.json 'all(a["rate"] > b["rate"] for a, b in zip(r["epochs"], r["epochs"][1:]))'

# ---- Dropout drops while it is trained, by the seed, and not when it is used.
{
  head_ mlp.onnx | sed '/^\[model\]/,/^path/d'
  cat << 'END'
[[stage]]
use = "build-model"
input = "16"
layers = ["dense 32 relu", "dropout 0.5", "dense 4"]
[[stage]]
use = "train"
data = "train"
batch = 16
epochs = 6
rate = 0.02
[[stage]]
use = "evaluate"
data = "test"
[[output]]
path = "drops.onnx"
END
} > drops.toml
must "$ADZE" run drops.toml
accuracy=$(told evaluate.accuracy)
awk "BEGIN { exit !($accuracy > 0.9) }" || complain "with dropout only $accuracy was learnt"
cp drops.onnx dropped.onnx
must "$ADZE" run drops.toml --fresh
cmp drops.onnx dropped.onnx || complain "the same seed has dropped something else"
[ "$(told evaluate.accuracy)" = "$accuracy" ] || complain "what is used drops"
must "$ADZE" run drops.toml --set 'stage.build-model.layers=["dense 32 relu","dropout 0.0","dense 4"]'
[ "$(weight drops.onnx layer.0.weight)" != "$(weight dropped.onnx layer.0.weight)" ] || complain "dropout has dropped nothing"

# ---- It stops when nothing gets better, and gives the best.
learn early mlp.onnx 'validation = "check"' 'patience = 3' 'optimiser = "momentum"'
sed -i 's/^rate.*/rate = 0.6/; s/^epochs.*/epochs = 60/' early.toml
cat >> early.toml << 'END'
[[stage]]
use = "evaluate"
data = "check"
END
must "$ADZE" run early.toml
holds early-out.json 'r["stopped-early"] and len(r["epochs"]) == r["given-epoch"] + 3'
holds early-out.json 'min(e["validation-loss"] for e in r["epochs"])
                      == r["epochs"][r["given-epoch"] - 1]["validation-loss"]'
best=$(told train.validation-loss)
awk "BEGIN { d = $best - $(told evaluate.loss); exit !(d < 1e-6 && d > -1e-6) }" \
  || complain "the best has the loss $best, and what was given $(told evaluate.loss)"

# ---- A table: its features as one column, a label of another name.
# table FILE [LINE [LINE]]: of the data, and of the stage.
table ()
{
  printf 'adze = 1\nname = "table"\n[model]\npath = "%s/mlp.onnx"\n' "$PWD"
  printf '[data.train]\nuse = "csv"\npath = "%s"\nfeatures = "f"\nlabel = "kind"\n%s\n' "$1" "${2-}"
  printf '[[stage]]\nuse = "train"\ndata = "train"\nbatch = 16\nrate = 0.02\n%s\n' "${3-}"
  printf '[[output]]\npath = "table-out.onnx"\n'
}
table dots-train.csv > table.toml
must "$ADZE" run table.toml --set stage.train.epochs=12
grep -q 'the same order in each epoch; shuffle = true' must.out || complain "nobody says it is not shuffled"
awk "BEGIN { exit !($(python3 "$networks" accuracy table-out.onnx) > 0.9) }" \
  || complain "the table was not learnt"

# ---- What cannot be done.
table dots-train.csv 'columns = ["p0", "p1", "kind"]' > table.toml
must_fail "an example is f64 [2], and the network has [N, 16]" "$ADZE" run table.toml
sed '5s/[0-9]$/9/' dots-train.csv > bad.csv
table bad.csv > table.toml
must_fail "example 4 of batch 1 has 9 in the column 'kind'" "$ADZE" run table.toml
sed '20s/^[^,]*/NaN/' dots-train.csv > bad.csv
table bad.csv 'missing = "nan"' > table.toml
must_fail "training cannot do step 2 (epoch 1, batch 2): it is given numbers that are none" "$ADZE" run table.toml
must_fail "the batch has such numbers in its input 'x' already" "$ADZE" run table.toml
table dots-train.csv "" 'target = "kinds"' > table.toml
must_fail "the data has no column 'kinds'; it has 'f', 'kind'" "$ADZE" run table.toml
head -n 1 dots-train.csv > empty.csv
table empty.csv > table.toml
must_fail "empty.csv" "$ADZE" run table.toml
# What cannot be opened is not taken for what was not given.
table dots-train.csv "" 'validation = "check"' > table.toml
printf '[data.check]\nuse = "csv"\npath = "empty.csv"\nfeatures = "f"\nlabel = "kind"\n' >> table.toml
must_fail "its port 'validation' cannot be opened" "$ADZE" run table.toml
sed -e 's/^use = "train"/use = "evaluate"/' -e '/^batch\|^rate\|^validation/d' -e 's/data = "train"/data = "check"/' \
  -e '/^\[\[output/,/^path/d' table.toml > judged.toml
must_fail "its port 'data' cannot be opened" "$ADZE" run judged.toml
rm -f mlp-out.onnx mlp-out.json
must_fail "stage 'train' (train) changed nothing" "$ADZE" run mlp.toml --set stage.train.rate=1e-300
must_fail "(Gemm) was the first to give" "$ADZE" run mlp.toml --set stage.train.rate=1e38 \
  --set stage.train.optimiser=sgd
must_fail "training diverged in step " "$ADZE" run mlp.toml --set stage.train.rate=1e38 \
  --set stage.train.optimiser=sgd
[ ! -e mlp-out.json ] || complain "training that diverged has left a report"
must_fail "parameter 'momentum' is 0.5, and says nothing to optimiser = \"adam\"" \
  "$ADZE" run mlp.toml --set stage.train.momentum=0.5
must_fail "\"fc9.*\" is none of the network's weights" "$ADZE" run mlp.toml \
  --set 'stage.train.frozen=["fc9.*"]'
learn patient mlp.onnx 'patience = 2'
must_fail "needed is validation = \"NAME\"" "$ADZE" run patient.toml
must_fail "'least-gain' is 0.01, and plays no part: 'patience' is 0" "$ADZE" plan mlp.toml --set stage.train.least-gain=0.01
must "$ADZE" plan mlp.toml --set stage.train.least-gain=0.01 --set stage.train.patience=2
must_fail "'no-decay' plays no part: 'decay' is 0" "$ADZE" plan mlp.toml --set 'stage.train.no-decay=["*.bias"]'
must "$ADZE" plan mlp.toml --set 'stage.train.no-decay=["*.bias"]' --set stage.train.decay=0.01
must_fail "'average' is 13 epochs, and there are 12 in all" "$ADZE" plan mlp.toml --set stage.train.average=13
must "$ADZE" plan mlp.toml --set stage.train.average=12
for watch in loss accuracy; do
  must_fail "'watch' is \"$watch\", and plays no part" "$ADZE" plan last.toml --set "stage.train.watch=\"$watch\""
done
learn fixed fixed.onnx
must_fail "parameter 'batch' is 16, and the network takes 8 examples at once in 'x'" \
  "$ADZE" run fixed.toml
must_fail "the last batch has 2 examples, and the network takes 8 at once" \
  "$ADZE" run fixed.toml --set stage.train.batch=8
must "$ADZE" run fixed.toml --set stage.train.batch=8 --set data.train.limit=200
finish
