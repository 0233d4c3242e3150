#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# quantize-static in whole pipelines: what it gives is computed in integers and says what the floats said, whoever
# computes it; what cannot become codes is named, and nothing that plays no part is taken.
. "$(dirname "$0")/train-lib.sh"
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backends=ref
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "not looked at: what onednn makes of it; it is not there" ;;
  *) backends="ref onednn" ;;
esac

# codes NAME MODEL [LINE...]: NAME.toml, which quantises MODEL as the lines say into NAME-codes.onnx and
# NAME-codes.json, and judges it into NAME.json.
codes ()
{
  local name=$1 model=$2
  shift 2
  {
    head_ "$model"
    printf '[[stage]]\nuse = "quantize-static"\ndata = "train"\n'
    printf '%s\n' "$@"
    printf '[[stage]]\nuse = "evaluate"\ndata = "test"\n'
    printf '[[output]]\npath = "%s-codes.onnx"\n' "$name"
    printf '[[output]]\npath = "%s-codes.json"\nfrom = "quantize-static.report"\n' "$name"
    printf '[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$name"
  } > "$name.toml"
}

learn mlp mlp.onnx
learn conv conv.onnx
learn norm norm.onnx
for net in mlp conv norm; do
  must "$ADZE" run $net.toml --set stage.train.epochs=4
  cp $net-out.onnx $net-learnt.onnx
done

# ---- Networks of integers, by each range, computed by each backend.

for net in mlp conv norm; do
  ranges=min-max
  [ $net != mlp ] || ranges="min-max moving-average percentile entropy mse"
  for range in $ranges; do
    codes $net $net-learnt.onnx "range = \"$range\""
    for backend in $backends; do
      must "$ADZE" run $net.toml --set run.backend=$backend
      holds $net.json 'abs(r["integer-accuracy"] - r["accuracy"]) < 0.03 and r["integer-agreement"] > 0.96'
      holds $net.json 'r["integer-nodes"] >= 2 and r["float-nodes"] == 0 and r["accuracy"] > 0.6'
      holds $net-codes.json 'len(r["layers"]) == 2 and r["left"] == [] and r["examples"] == 202'
      holds $net-codes.json 'all(l["bits"] == 8 and l["sqnr"] > 35 and 0 <= l["high"] <= l["most"] for l in r["layers"])'
    done
  done
done
# Pixels are bytes over 255: with all that was seen as range, each has its own code.
codes mlp mlp-learnt.onnx
must "$ADZE" run mlp.toml
holds mlp-codes.json 'abs(r["layers"][0]["scale"] * 255 - r["layers"][0]["most"]) < 1e-6 and r["layers"][0]["zero"] == 0'
cp mlp-codes.onnx one.onnx
for threads in 1 2 3; do
  must "$ADZE" run mlp.toml --fresh --set run.threads=$threads
  cmp mlp-codes.onnx one.onnx || complain "$threads threads give another model"
done

# ---- Codes of other kinds.

for words in 'activations = "s8"' 'activations = "s8"@symmetric = true' 'symmetric = true' 'per = "tensor"' \
  'weight-bits = 7' 'weight-range = "mse"' 'samples = 40@batch = 8'; do
  codes mlp mlp-learnt.onnx "${words%@*}" "${words#*@}"
  [ "$words" != "${words#*@}" ] || codes mlp mlp-learnt.onnx "$words"
  must "$ADZE" run mlp.toml
  holds mlp.json 'r["integer-agreement"] > 0.9 and r["float-nodes"] == 0'
done
holds mlp-codes.json 'r["examples"] == 40'
codes mlp mlp-learnt.onnx 'form = "integers"'
must "$ADZE" run mlp.toml
holds mlp.json 'r["accuracy"] > 0.6'
grep -q QLinearConv mlp-codes.onnx || complain "there is no operator of integers in the file"
codes mlp mlp-learnt.onnx 'activations = "float"' 'weight-bits = 4' 'bits = { "fc2*" = 8 }'
must "$ADZE" run mlp.toml
holds mlp-codes.json '[l["bits"] for l in r["layers"]] == [4, 8] and "scale" not in r["layers"][0]'

# ---- Weights of few bits: what layers give is told of data that no code was made of.

# Of the few weights of a small layer the nearest codes may be the best ones.
better='all(l["error"] <= l["error-nearest"] for l in r["layers"]) and r["errors-of"] == "held-out"
  and r["layers"][0]["error"] < r["layers"][0]["error-nearest"]'
for net in mlp conv; do
  for words in 'rounding = "adaround"' 'rounding = "adaround"@per = "tensor"' 'rounding = "adaround"@damping = 0.1'; do
    codes $net $net-learnt.onnx 'activations = "float"' 'weight-bits = 3' 'held-out = "test"' "${words%@*}" "${words#*@}"
    [ "$words" != "${words#*@}" ] || codes $net $net-learnt.onnx 'activations = "float"' 'weight-bits = 3' 'held-out = "test"' "$words"
    must "$ADZE" run $net.toml --set run.threads=1
    holds $net-codes.json "$better"
  done
  cp $net-codes.onnx one.onnx
  must "$ADZE" run $net.toml --set run.threads=3 --fresh
  cmp $net-codes.onnx one.onnx || complain "$net: rounding depends on the number of threads"
  for words in '@' 'act-order = true@' '@block = 3' 'group = 4@' 'weight-range = "mse"@damping = 0.1'; do
    codes $net $net-learnt.onnx 'weight-bits = 3' 'held-out = "test"' "${words%@*}" "${words#*@}"
    sed -i 's/"quantize-static/"quantize-gptq/' $net.toml
    case $net$words in
      conv*group*)
        must_fail 'cannot be cut into groups' "$ADZE" run $net.toml
        continue
        ;;
    esac
    must "$ADZE" run $net.toml
    holds $net-codes.json "$better"
    holds $net.json 'r["accuracy"] > 0.5'
  done
done

# ---- What changes floats, and leaves what they compute.

for net in mlp conv norm; do
  for words in equalise=true smooth=0.5 bias-correction=true; do
    codes $net $net-learnt.onnx "$words" 'activations = "s8"'
    must "$ADZE" run $net.toml
    holds $net.json 'r["integer-agreement"] > 0.96 and r["accuracy"] > 0.6 and r["float-nodes"] == 0'
    case $words in
      equalise*) [ "$(told quantize-static.equalised)" = 1 ] || complain "$net: not one pair was equalised" ;;
      smooth*) [ "$(told quantize-static.smoothed)" = 2 ] || complain "$net: not two inputs were smoothed" ;;
      bias*) [ "$(told quantize-static.corrected)" = 2 ] || complain "$net: not two biases were corrected" ;;
    esac
  done
done
# Means come out as they were: with two bits nothing else brings them back.
for correct in false true; do
  codes mlp mlp-learnt.onnx 'activations = "float"' 'weight-bits = 2' "bias-correction = $correct"
  sed -i 's/^data = "test"/data = "train"/' mlp.toml
  must "$ADZE" run mlp.toml
  cp mlp.json corrected-$correct.json
done
holds corrected-true.json 'r["loss"] < json.load(open("corrected-false.json"))["loss"]'

# ---- What stays, and what is refused.

codes some mlp-learnt.onnx 'float = ["fc2"]'
must "$ADZE" run some.toml
holds some-codes.json 'r["skipped"] == 1 and [l["layer"] for l in r["layers"]] == ["fc1"]'
for words in \
  "means no layer of the network@float = [\"nosuch*\"]" \
  "parameter 'damping' plays no part@damping = 0.1" \
  "parameter 'smooth' plays no part@activations = \"float\"
smooth = 0.5" \
  "means no layer of the network@bits = { \"nosuch*\" = 4 }" \
  "no layer of the network can become codes@ops = [\"Conv\"]" \
  "parameter 'percentile' plays no part@percentile = 99" \
  "parameter 'averaging' plays no part@averaging = 0.5" \
  "needs codes on both sides@activations = \"float\"
form = \"integers\"" \
  "parameter 'symmetric' plays no part@activations = \"float\"
symmetric = true"; do
  codes no mlp-learnt.onnx "${words#*@}"
  must_fail "${words%%@*}" "$ADZE" run no.toml
done

# A layer that stays in floats is looked at as well.
must python3 "$networks" damaged mlp-learnt.onnx fc2.weight nan
codes no damaged.onnx 'float = ["fc2"]'
for backend in $backends; do
  must_fail "'fc2.weight' has NaN at element 1: it is damaged" "$ADZE" run no.toml --set run.backend=$backend
done

# A layer whose input is nothing but zeros has no scale: it is a fallback, and named.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no networks"
import os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, write
w = {"fc1.weight": ([16, 12], spread(192, 3, 0.8)), "fc1.bias": ([12], [-900.0] * 12),
     "fc2.weight": ([12, 4], spread(48, 5, 0.8)), "fc2.bias": ([4], [0.0] * 4)}
first = node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], "fc1")
last = node("Gemm", ["r", "fc2.weight", "fc2.bias"], ["y"], "fc2")
write("zero.onnx", [first, node("Relu", ["a"], ["r"], "relu"), last], w, ["N", 16])
w["fc1.bias"] = ([12], [0.0] * 12)
write("both.onnx", [first, node("Transpose", ["a"], ["t"], perm=[1, 0]), node("MatMul", ["a", "t"], ["s"], "scores"),
                    node("MatMul", ["s", "a"], ["r"], "mix"), last], w, ["N", 16])
END
codes zero zero.onnx
must_fail "'fc2'" "$ADZE" run zero.toml
grep -qF 'its input was 0 throughout' must.out || complain "nobody says why fc2 stays: $(cat must.out)"
codes zero zero.onnx 'on-fallback = "warn"'
must "$ADZE" run zero.toml
holds zero-codes.json '[l["node"] for l in r["left"]] == ["fc2"] and len(r["layers"]) == 1'
# Products of what flows have no weight: they are told of, and no failure.
codes both both.onnx
must "$ADZE" run both.toml
grep -qF "2 of 4 products stay in floats: 'scores', 'mix'" must.out || complain "nobody names them: $(cat must.out)"
must "$ADZE" plan mlp.toml
# ---- A layer without a weight that is not zero; and how many examples were seen.
codes zeros mlp-learnt.onnx
sed -i '0,/^\[\[stage\]\]/s//[[stage]]\nuse = "prune-magnitude"\nscope = "tensor"\nsparsity = 1\n[[stage.rule]]\nmatch = "fc1.*"\nskip = true\n[[stage]]/' zeros.toml
must "$ADZE" run zeros.toml
holds zeros-codes.json '"sqnr" not in r["layers"][1] and r["layers"][0]["sqnr"] > 35'
codes gptq mlp-learnt.onnx
sed -i '/^use\|^from/s/quantize-static/quantize-gptq/' gptq.toml
must "$ADZE" run gptq.toml
holds gptq-codes.json 'r["examples"] == 202'

# ---- Killed, and run again: nothing half-done stands there, and the same codes come of it.
for use in quantize-static quantize-gptq; do
  codes mlp mlp-learnt.onnx 'batch = 1'
  sed -i "/^use\|^from/s/quantize-static/$use/" mlp.toml
  must "$ADZE" run mlp.toml --fresh
  mv mlp-codes.onnx one.onnx
  for wait in 0.02 0.05 0.1; do
    rm -rf adze-runs
    "$ADZE" run mlp.toml > killed.out 2>&1 &
    victim=$!
    sleep $wait
    kill -9 $victim 2> /dev/null
    wait $victim 2> /dev/null
    [ ! -e mlp-codes.onnx ] || cmp mlp-codes.onnx one.onnx || complain "$use was killed, and something stands there"
    must "$ADZE" run mlp.toml
    cmp mlp-codes.onnx one.onnx || complain "$use gives other codes once it was killed"
    rm mlp-codes.onnx
  done
done

# ---- Codes and scales are no weights: whoever would change them is refused, and a rule leaves them out.

# behind NAME LINE LINE...: NAME.toml: a stage behind quantize-static, which has the first line.
behind ()
{
  local name=$1
  {
    head_ mlp-learnt.onnx
    printf '[[stage]]\nuse = "quantize-static"\ndata = "train"\n%s\n[[stage]]\n' "$2"
    shift 2
    printf '%s\n' "$@"
    printf '[[output]]\npath = "%s-behind.onnx"\n' "$name"
  } > "$name.toml"
}
while IFS='|' read -ra words; do
  behind changed "" "${words[@]}"
  must_fail "which is no weight: to node" "$ADZE" run changed.toml
done <<< 'use = "clip"|percentile = 50
use = "prune-magnitude"|vectors = true
use = "cast"|to = "f16"'
behind left 'float = ["fc2"]' 'use = "clip"' 'percentile = 90' '[[stage.rule]]' 'match = "fc1.*"' 'skip = true'
must "$ADZE" run left.toml

# ---- What was pruned stays so, where GPTQ is asked to, and errors are made up for all the same.
{
  head_ mlp-learnt.onnx
  printf '[[stage]]\nuse = "prune-magnitude"\npattern = "2:4"\n[[stage.rule]]\nmatch = "*.bias"\nskip = true\n'
  printf '[[stage]]\nuse = "quantize-gptq"\ndata = "train"\nweight-bits = 3\nkeep-zeros = ["*.weight"]\n'
  printf '[[output]]\npath = "sparse.onnx"\n[[output]]\npath = "sparse.json"\nfrom = "quantize-gptq.report"\n'
} > sparse.toml
must "$ADZE" run sparse.toml
for trait in adze.sparsity/1 adze.nm/1; do
  [ "$("$ADZE" show sparse.onnx --json | grep -o "$trait" | wc -l)" = 2 ] || complain "not both weights have $trait"
done
[ "$(weight sparse.onnx fc1.weight | fold -w 2 | grep -c 00)" -ge $((16 * 12 / 2)) ] || complain "zeros did not stay zeros"
holds sparse.json 'all(l["error"] < l["error-nearest"] for l in r["layers"])'
must "$ADZE" plan sparse.toml
! grep -q 'does not name' must.out || complain "the plan warns of what is named: $(cat must.out)"
must "$ADZE" plan sparse.toml --set 'stage.quantize-gptq.keep-zeros=["fc2"]'
grep -qF "keeps adze.sparsity/1 of 'fc1.weight'" must.out || complain "no plan warns: $(cat must.out)"
must_fail "keep-zeros = [\"fc1.weight\"]" "$ADZE" run sparse.toml --set 'stage.quantize-gptq.keep-zeros=["fc2"]'
must_fail "means no layer of the network" "$ADZE" run sparse.toml --set 'stage.quantize-gptq.keep-zeros=["nosuch"]'
must_fail "\"fc2\" means only layers that 'float' and 'ops' leave as they are" "$ADZE" run sparse.toml \
  --set 'stage.quantize-gptq.keep-zeros=["fc2"]' --set 'stage.quantize-gptq.float=["fc2"]'
finish
