#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# evaluate: numbers that can be checked, with the way they were come by; and none without data.
. "$(dirname "$0")/train-lib.sh"

# evaluates NAME MODEL [LINE...]: NAME.toml, whose report is NAME.json.
evaluates ()
{
  local name=$1 model=$2
  shift 2
  {
    head_ "$model"
    printf '[[stage]]\nuse = "evaluate"\n'
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$name"
  } > "$name.toml"
}

# A network that has learnt a little, to have something between right and wrong.
learn little mlp.onnx
must "$ADZE" run little.toml --set stage.train.epochs=2
evaluates good little-out.onnx 'data = "test"' 'top = 2' 'batch = 32'
must "$ADZE" run good.toml --set run.threads=1
seen=$(python3 "$networks" accuracy little-out.onnx)
holds good.json "abs(r['accuracy'] - $seen) < 1e-9 and 0.4 < r['accuracy'] < 1"
holds good.json 'r["accuracy-low"] < r["accuracy"] < r["accuracy-high"]'
holds good.json 'r["accuracy"] < r["top-k"] <= 1 and 0 < r["macro-f1"] < 1 and r["perplexity"] > 1'
holds good.json 'r["size"] == 1024 and r["parameters"] == 256 and r["memory"] > 1024'
holds good.json 'r["protocol"]["batch"] == 32 and r["protocol"]["batches"] == 4
                 and r["examples"] == 101 and r["protocol"]["backend"] == "ref"'
grep -q latency good.json && complain "the report has times in it"

# The interval is about as wide as that of a binomial, and as sure as it is asked to be.
holds good.json "abs((r['accuracy-high'] - r['accuracy-low'])
                 / (2 * 1.96 * (r['accuracy'] * (1 - r['accuracy']) / 101) ** .5) - 1) < 0.25"
mv good.json one.json
must "$ADZE" run good.toml --set run.threads=2 --fresh
cmp good.json one.json || complain "threads are seen in the report"
must "$ADZE" run good.toml --set stage.evaluate.interval=0.5
python3 -c 'import json
a, b = (json.load(open(f)) for f in ("good.json", "one.json"))
assert a["accuracy-high"] - a["accuracy-low"] < b["accuracy-high"] - b["accuracy-low"]' \
  || complain "half as sure should be narrower"

# Numbers that are none are told of, in the weights and in what comes of them.
must python3 "$networks" damaged little-out.onnx fc1.weight nan
evaluates nan damaged.onnx 'data = "test"'
must "$ADZE" run nan.toml
grep -qF "'fc1.weight' has numbers that are none (NaN at element 1)" must.out || complain "nobody tells of a NaN in a weight"
grep -qF 'scores of some examples are no numbers' must.out || complain "nobody tells of scores that are none"
# Whoever finds the result instead of making it is told of them as well, once, and so is the report.
cp "$(ls -d adze-runs/0* | tail -n 1)/report.json" made.json
must "$ADZE" run nan.toml
cached true
for words in "'fc1.weight' has numbers that are none" 'scores of some examples are no numbers'; do
  [ "$(grep -cF "warning: evaluate: of the result that is kept: $words" must.out)" = 1 ] \
    || complain "it is not told once more: $words: $(cat must.out)"
  "$ADZE" runs show | grep -qF "of the result that is kept: $words" || complain "runs show has no: $words"
done
holds "$(ls -d adze-runs/0* | tail -n 1)/report.json" \
  'r["stages"] == json.load(open("made.json"))["stages"] and len(r["stages"]["evaluate"]["warnings"]) == 2'
must "$ADZE" run good.toml --fresh
! grep -qF 'numbers' must.out || complain "numbers that are some are told of"
# An infinity that says "never" is meant; one that is multiplied is not.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no network with a mask"
import os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, write
w = {"fc.weight": ([16, 4], spread(64, 3, 0.8)), "never": ([4], [0.0, 0.0, float("-inf"), 0.0])}
write("never.onnx", [node("MatMul", ["x", "fc.weight"], ["a"], "fc"), node("Add", ["a", "never"], ["m"], "mask"),
                     node("Softmax", ["m"], ["y"], "softmax", axis=1)], w, ["N", 16])
END
evaluates never never.onnx 'data = "test"'
must "$ADZE" run never.toml
! grep -qF 'that are none' must.out || complain "a mask is told of as if it were damage: $(cat must.out)"
must python3 "$networks" damaged never.onnx fc.weight inf
evaluates never damaged.onnx 'data = "test"'
must "$ADZE" run never.toml
grep -qF "'fc.weight' has numbers that are none (an infinity at element 1)" must.out \
  || complain "nobody tells of an infinity that is multiplied: $(cat must.out)"
# So does a step that codes are multiplied with.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no network with a step"
import os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, write
w = {"fc.codes": ([16, 4], [1] * 64, "b"), "fc.scale": ([], [float("inf")])}
write("step.onnx", [node("DequantizeLinear", ["fc.codes", "fc.scale"], ["w"], "step"),
                    node("MatMul", ["x", "w"], ["y"], "fc")], w, ["N", 16])
END
evaluates step step.onnx 'data = "test"'
must "$ADZE" run step.toml
grep -qF "'fc.scale' has numbers that are none (an infinity at element 0)" must.out \
  || complain "nobody tells of an infinite step: $(cat must.out)"
# The numbers of a node can be damaged as well as those of a weight.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no networks with such nodes"
import math, os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, tensor, write
w = {"fc.weight": ([16, 4], spread(64, 3, 0.8)), "fc.bias": ([4], [0.0] * 4)}
write("alpha.onnx", [node("Gemm", ["x", "fc.weight", "fc.bias"], ["a"], "fc", alpha=math.nan),
                     node("Relu", ["a"], ["y"], "relu")], w, ["N", 16])
write("endless.onnx", [node("Gemm", ["x", "fc.weight", "fc.bias"], ["a"], "fc", alpha=math.inf),
                       node("Relu", ["a"], ["y"], "relu")], w, ["N", 16])
write("filled.onnx", [node("ConstantOfShape", ["size"], ["w"], "fill", value=("t", tensor("v", [1], [math.inf]))),
                      node("MatMul", ["x", "w"], ["a"], "fc"), node("Relu", ["a"], ["y"], "relu")],
      {"size": ([2], [16, 4], "q")}, ["N", 16])
steps = {"x.step": ([], [0.1]), "w.step": ([], [math.inf]), "y.step": ([], [0.1]), "none": ([], [0], "b"),
         "fc.codes": ([16, 4], [1] * 64, "b")}
write("integers.onnx", [node("QuantizeLinear", ["x", "x.step", "none"], ["q"], "enter"),
                        node("QLinearMatMul", ["q", "x.step", "none", "fc.codes", "w.step", "none", "y.step", "none"],
                             ["c"], "fc"),
                        node("DequantizeLinear", ["c", "y.step", "none"], ["y"], "leave")], steps, ["N", 16])
END
for case in "alpha the attribute 'alpha' of the node 'fc' has numbers that are none (NaN at element 0)" \
  "endless the attribute 'alpha' of the node 'fc' has numbers that are none (an infinity at element 0)" \
  "filled the attribute 'value' of the node 'fill' has numbers that are none (an infinity at element 0)" \
  "integers 'w.step' has numbers that are none (an infinity at element 0)"; do
  evaluates numbers "${case%% *}.onnx" 'data = "test"'
  must "$ADZE" run numbers.toml
  grep -qF "${case#* }" must.out || complain "nobody tells of ${case#* }: $(cat must.out)"
done

# In the data as well, whatever the backend makes of them.
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backends=ref
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "not looked at: what onednn makes of NaN; it is not there" ;;
  *) backends="ref onednn" ;;
esac
for number in 0.5 NaN; do
  sed "20s/^[^,]*/$number/" dots-test.csv > odd.csv
  evaluates odd little-out.onnx 'data = "odd"'
  printf '[data.odd]\nuse = "csv"\npath = "odd.csv"\nfeatures = "f"\nlabel = "kind"\nmissing = "nan"\n' >> odd.toml
  for backend in $backends; do
    must "$ADZE" run odd.toml --backend "$backend"
    if [ $number = NaN ]; then
      grep -qF "the column 'f' of the data bound to 'data' has numbers that are none" must.out \
        || complain "$backend: nobody tells of a NaN in the data"
      holds odd.json '"loss" not in r and "perplexity" not in r and "accuracy" in r'
    else
      holds odd.json 'r["loss"] > 0'
      ! grep -qF 'that are none' must.out || complain "$backend: numbers that are some are told of"
    fi
  done
done

# How long it takes is a metric, with what it was measured with beside it.
must "$ADZE" run good.toml --fresh --set stage.evaluate.latency-runs=20 --set run.threads=2
python3 - << 'END' || complain "a latency without its protocol"
import glob, json
def find(at):
    if isinstance(at, dict) and isinstance(at.get("latency"), list):
        return at["latency"][0]
    below = at.values() if isinstance(at, dict) else at if isinstance(at, list) else []
    return next(filter(None, map(find, below)), None)
row = find(json.load(open(sorted(glob.glob("adze-runs/*/report.json"))[-1])))
assert 0 < row["p50"] <= row["p95"], row
assert (row["batch"], row["warm-up"], row["runs"], row["threads"], row["backend"]) == (1, 10, 20, 2, "ref"), row
END
awk "BEGIN { exit !($(told evaluate.latency-p50) > 0) }" || complain "no latency is shown"

# Of four classes all are among the five highest: that is no number.
must "$ADZE" run good.toml --set stage.evaluate.top=5
holds good.json '"top-k" not in r'

# Without data there is no number at all.
evaluates none little-out.onnx 'inputs = { data = false }'
must "$ADZE" run none.toml
grep -q 'not evaluated: no data is bound' must.out || complain "it should say that it was not evaluated"
holds none.json 'r == {"evaluated": False, "why": "no data was bound"}'
[ -z "$("$ADZE" runs show | sed -n '/^metrics/,$p')" ] || complain "a number without data"
evaluates none little-out.onnx 'inputs = { data = false }' 'require = "accuracy > 0"'
must_fail "told no metric 'accuracy'" "$ADZE" run none.toml

# That a network is broken is told without data, too, by the plan as well; a model that is tensors alone is no
# network that is broken.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no broken networks"
import os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, write
weights = {"fc.weight": ([16, 4], spread(64, 3, 0.8)), "fc.bias": ([4], [0.0] * 4)}
write("circle.onnx", [node("Add", ["x", "g"], ["h"], "round"), node("Relu", ["h"], ["g"], "again"),
                      node("Gemm", ["h", "fc.weight", "fc.bias"], ["y"], "fc")], weights, ["N", 16])
write("gone.onnx", [node("Gemm", ["x", "fc.weight", "gone.bias"], ["y"], "fc")], weights, ["N", 16])
END
for broken in "circle:'again' (Relu)" "gone:'fc' (Gemm) of graph 'gone.onnx' takes the value 'gone.bias'"; do
  evaluates broken "${broken%%:*}.onnx" 'inputs = { data = false }'
  must_fail "${broken#*:}" "$ADZE" run broken.toml
  must_fail "${broken#*:}" "$ADZE" plan broken.toml
done
model tensors.safetensors 2 8 8
evaluates none tensors.safetensors 'inputs = { data = false }'
must "$ADZE" plan none.toml
must "$ADZE" run none.toml
grep -q 'not evaluated: no data is bound' must.out || complain "tensors alone: it should say that it was not evaluated"

# A network that ends with a softmax: the same accuracy, and the perplexity of its scores.
evaluates soft softmax.onnx 'data = "test"'
evaluates plain mlp.onnx 'data = "test"'
must "$ADZE" run soft.toml
must "$ADZE" run plain.toml
python3 -c 'import json
a, b = (json.load(open(f)) for f in ("soft.json", "plain.json"))
assert a["accuracy"] == b["accuracy"] and a["perplexity"] == b["perplexity"], (a, b)' \
  || complain "a softmax at the end makes a difference"

# Numbers to be met.
must python3 "$networks" values
cat > values.toml << END
adze = 1
name = "values"
[model]
path = "$PWD/mlp.onnx"
[data.test]
use = "npy"
path = "$PWD/values.npz"
[[stage]]
use = "evaluate"
[[output]]
path = "values.json"
from = "evaluate.report"
END
must "$ADZE" run values.toml
holds values.json 'abs(r["mse"] - 0.25) < 1e-6 and "accuracy" not in r'

# A quantised one, with floats between its codes and in integers, and how far apart that is.
must python3 "$networks" quantised little-out.onnx
evaluates both quantised.onnx 'data = "test"'
must "$ADZE" run both.toml
holds both.json "abs(r['accuracy'] - $seen) < 0.05 and abs(r['integer-accuracy'] - r['accuracy']) < 0.05"
holds both.json '0.95 < r["integer-agreement"] <= 1 and 0 < r["integer-difference"] < 0.05'
holds both.json 'r["integer-nodes"] >= 2 and r["float-nodes"] == 0 and r["protocol"]["arithmetic"] == "floats"'
must "$ADZE" run both.toml --set stage.evaluate.arithmetic=integers
mv both.json integers.json
must "$ADZE" run both.toml --set stage.evaluate.arithmetic=floats
holds both.json 'not any(name.startswith("integer") for name in r)'
must "$ADZE" run both.toml
python3 -c 'import json
a, b = (json.load(open(f)) for f in ("integers.json", "both.json"))
assert a["accuracy"] == b["integer-accuracy"] and "integer-agreement" not in a, (a, b)
assert a["protocol"]["arithmetic"] == "integers", a' || complain "integers alone should give what they gave beside floats"
holds good.json 'not any(name.startswith("integer") for name in r)'
must_fail 'nothing of this network can be computed in integers' \
  "$ADZE" run good.toml --set stage.evaluate.arithmetic=integers

# A network that is made for eight at once.
evaluates fixed fixed.onnx 'data = "test"'
must_fail "the last batch has 5 examples, and the network takes 8 at once" "$ADZE" run fixed.toml
must "$ADZE" run fixed.toml --set data.test.limit=96
holds fixed.json 'r["protocol"]["batch"] == 8 and r["examples"] == 96'
finish
