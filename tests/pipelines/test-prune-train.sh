#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# prune-train, from a file to a file: as many zeros as were asked for, by every criterion; the same bytes each time and
# behind a kill; the best epoch is one with the final share; and what cannot be done says why.
. "$(dirname "$0")/train-lib.sh"

# trims NAME MODEL [LINE...]: as learn, by prune-train.
trims ()
{
  learn "$@"
  sed -i 's/^use = "train"/use = "prune-train"/; s/train\.report/prune-train.report/' "$1.toml"
}

# zeros FILE WEIGHT: how many of its float32 numbers are zero.
zeros ()
{
  weight "$1" "$2" | fold -w 8 | grep -c '^00000000$'
}

# ---- A share of all: 240 weights of two matrices, and biases stay.
for criterion in magnitude movement snip taylor wanda; do
  trims $criterion mlp.onnx "criterion = \"$criterion\"" 'begin = 0.1' 'sparsity = 0.75' 'validation = "check"'
  must "$ADZE" run $criterion.toml
  gone=$(($(zeros $criterion-out.onnx fc1.weight) + $(zeros $criterion-out.onnx fc2.weight)))
  [ $gone = 180 ] || complain "$criterion: $gone of 240 weights are zero, and not three quarters"
  holds $criterion-out.json 'r["pruning"]["pruned"] == 180 and r["pruning"]["counted"] == 240'
  holds $criterion-out.json 'sum(t["pruned"] for t in r["pruning"]["tensors"]) == 180'
  holds $criterion-out.json 'r["given-epoch"] > 6' # the last cut is behind half of 12 epochs
  holds $criterion-out.json 'len(r["pruning"]["cuts"]) == 10 and r["pruning"]["cuts"][-1]["depth"] == 1'
  accuracy=$(python3 "$networks" accuracy $criterion-out.onnx)
  awk "BEGIN { exit !($accuracy > 0.8) }" || complain "$criterion: what is left has learnt nothing: $accuracy"
  [ "$(weight $criterion-out.onnx fc1.bias | tr -d 0)" != "" ] || complain "$criterion: biases were pruned"
done
[ "$(weight magnitude-out.onnx fc1.weight)" != "$(weight taylor-out.onnx fc1.weight)" ] \
  || complain "criteria make no difference"
must "$ADZE" show magnitude-out.onnx --json
grep -q 'adze.sparsity/1' must.out || complain "the model does not say that it is sparse: $(cat must.out)"

# ---- The same bytes, whatever the threads.
cp taylor-out.onnx one.onnx
cp taylor-out.json one.json
for threads in 1 2 3; do
  must "$ADZE" run taylor.toml --fresh --set run.threads=$threads
  cmp taylor-out.onnx one.onnx || complain "$threads threads are seen in the weights"
  cmp taylor-out.json one.json || complain "$threads threads are seen in the report"
done

# ---- Nor whose process it is.
must "$ADZE" run taylor.toml --fresh --set stage.prune-train.isolate=true
cmp taylor-out.onnx one.onnx || complain "a process of its own is seen in the weights"
cmp taylor-out.json one.json || complain "a process of its own is seen in the report"

# ---- Rows of their own, patterns, and what stays whole.
trims each mlp.onnx 'scope = "tensor"' 'growth = "linear"' 'sparsity = 0.5'
must "$ADZE" run each.toml
! grep -q "were to go" must.out || complain "half of each is there, and it warns: $(cat must.out)"
[ "$(zeros each-out.onnx fc1.weight) $(zeros each-out.onnx fc2.weight)" = "96 24" ] || complain "not half of each"
trims pattern mlp.onnx 'pattern = "2:4"' 'validation = "check"'
must "$ADZE" run pattern.toml
[ "$(zeros pattern-out.onnx fc1.weight) $(zeros pattern-out.onnx fc2.weight)" = "96 24" ] || complain "not 2 of 4"
must "$ADZE" show pattern-out.onnx --json
grep -q 'adze.nm/1' must.out || complain "the model does not say which pattern it has"
trims some mlp.onnx 'whole = ["fc2.*"]' 'growth = "once"'
must "$ADZE" run some.toml
[ "$(zeros some-out.onnx fc1.weight) $(zeros some-out.onnx fc2.weight)" = "173 0" ] || complain "fc2 did not stay whole"
trims capped mlp.onnx 'sparsity = 0.9' 'min-kept = 0.5' 'frozen = ["fc2.*"]'
must "$ADZE" run capped.toml
[ "$(zeros capped-out.onnx fc1.weight)" = 96 ] || complain "less than min-kept is left"
grep -qF "warning: prune-train: 173 weights were to go, and 96 have: 'min-kept' leaves no more to go" must.out \
  || complain "nobody warns that fewer went than were asked for: $(cat must.out)"
[ "$(weight capped-out.onnx fc2.weight)" = "$(weight mlp.onnx fc2.weight)" ] || complain "what is frozen has changed"

# ---- What is sparse already stays so where that is said.
{
  head_ magnitude-out.onnx
  printf '[[stage]]\nuse = "prune-train"\ndata = "train"\nbatch = 16\nsparsity = 0.9\nkeep-zeros = ["*.weight"]\n'
  printf '[[output]]\npath = "further.onnx"\n'
} > further.toml
must "$ADZE" run further.toml
[ $(($(zeros further.onnx fc1.weight) + $(zeros further.onnx fc2.weight))) = 216 ] || complain "not nine of ten"

# ---- Going back: which weights go is said by the model, and earlier ones learn; here hardly.
{
  head_ magnitude-out.onnx
  printf '[input.before]\nkind = "model"\npath = "%s/mlp.onnx"\n' "$PWD"
  printf '[[stage]]\nuse = "prune-train"\ndata = "train"\nbatch = 16\ngrowth = "once"\nsparsity = 0.75\nepochs = 1\n'
  printf 'rate = 1e-9\ninputs = { model = "input.model", earlier = "input.before" }\n[[output]]\npath = "back.onnx"\n'
} > back.toml
must "$ADZE" run back.toml
for file in magnitude-out mlp back; do
  weight $file.onnx fc1.weight > $file.hex
done
python3 - << 'END' || complain "the weights are not the earlier ones of those that stay"
import struct, sys
cut, before, back = (struct.unpack("<192f", bytes.fromhex(open(name + ".hex").read().strip()))
                     for name in ("magnitude-out", "mlp", "back"))
sys.exit(any(abs(c - (b if a else 0)) > 1e-5 for a, b, c in zip(cut, before, back)))
END
must_fail "needed are growth = \"once\" and begin = 0" "$ADZE" run back.toml --set stage.prune-train.begin=0.5

# ---- Whole channels: 6 of 12 in the middle are taken out, and the network computes with the others.
for criterion in magnitude taylor apoz mean; do
  trims channels mlp.onnx "criterion = \"$criterion\"" 'validation = "check"'
  sed -i 's/^use = "prune-train"/use = "prune-train-channels"/; s/prune-train\.report/prune-train-channels.report/' channels.toml
  printf '[[stage]]\nuse = "evaluate"\ndata = "check"\n' >> channels.toml
  must "$ADZE" run channels.toml
  holds channels-out.json 'r["pruning"]["counted"] == 12 and r["pruning"]["pruned"] == 6'
  [ "$(weight channels-out.onnx fc1.weight | tr -d '\n' | wc -c)" = $((6 * 16 * 8)) ] || complain "$criterion: other than 6 rows are left"
  [ "$(zeros channels-out.onnx fc2.weight)" = 0 ] || complain "$criterion: what is left is zero"
  best=$(told prune-train-channels.validation-loss)
  awk "BEGIN { d = $best - $(told evaluate.loss); exit !(d < 1e-5 && d > -1e-5) }" \
    || complain "$criterion: with zeros the loss was $best, and without them it is $(told evaluate.loss)"
done

cp channels-out.onnx one.onnx
must "$ADZE" run channels.toml --fresh --set stage.prune-train-channels.isolate=true
cmp channels-out.onnx one.onnx || complain "a process of its own is seen in the channels"

# ---- What stays may have to be a multiple: of 12 channels 6 would go, and bundles of 4 go as far as they fit.
must "$ADZE" run channels.toml --set stage.prune-train-channels.multiple=4
holds channels-out.json 'r["pruning"]["counted"] == 12 and r["pruning"]["pruned"] == 4'
grep -qF "warning: prune-train-channels: 6 channels were to go, and 4 have" must.out \
  || complain "nobody warns that fewer went than were asked for: $(cat must.out)"
[ "$(weight channels-out.onnx fc1.weight | tr -d '\n' | wc -c)" = $((8 * 16 * 8)) ] || complain "8 channels should be left"
must_fail "nothing went in any: of 12 channels" "$ADZE" run channels.toml --set stage.prune-train-channels.multiple=12

# ---- What cannot be done.
must_fail "needed is \"unstructured\", or N:M" "$ADZE" run each.toml --set 'stage.prune-train.pattern=4:2'
must_fail "'sparsity' says nothing to pattern" "$ADZE" run pattern.toml --set stage.prune-train.sparsity=0.5
must_fail "'scope' says nothing to pattern" "$ADZE" run pattern.toml --set stage.prune-train.scope=global
must_fail "'cuts' is given, and says nothing to growth = \"once\"" "$ADZE" run some.toml --set stage.prune-train.cuts=3
must_fail "'end' is 0.2, and 'begin' is 0.4" "$ADZE" run each.toml --set stage.prune-train.end=0.2 \
  --set stage.prune-train.begin=0.4
must_fail "'end' is given, and says nothing to growth" "$ADZE" run some.toml --set stage.prune-train.end=0.5
must_fail "'score-batches' is given, and says nothing to criterion = \"magnitude\"" "$ADZE" run each.toml \
  --set stage.prune-train.score-batches=3
must_fail "'score-batches' is 14, and the data bound to 'data' has 13" "$ADZE" plan taylor.toml \
  --set stage.prune-train.score-batches=14
must "$ADZE" plan taylor.toml --set stage.prune-train.score-batches=13
# Of 156 steps the first cut is behind 16, and the last behind 78.
must_fail "'cuts' is 64, and 'begin' and 'end' are 62 steps apart" "$ADZE" plan taylor.toml --set stage.prune-train.cuts=64
must "$ADZE" plan taylor.toml --set stage.prune-train.cuts=63
must_fail "nothing went in any" "$ADZE" run each.toml --set stage.prune-train.sparsity=0.001
must_fail "of 240 weights that take part 180 are zero already" "$ADZE" run further.toml --set stage.prune-train.sparsity=0.7
must_fail "nothing went in any: of 12 channels" "$ADZE" run channels.toml --set stage.prune-train-channels.sparsity=0.01
must_fail "nothing has moved" "$ADZE" run movement.toml --set stage.prune-train.begin=0
must_fail "\"fc9\" is none of the network's weights" "$ADZE" run each.toml --set 'stage.prune-train.whole=["fc9"]'
must_fail "the network has no weights to prune" "$ADZE" run each.toml --set 'stage.prune-train.whole=["*"]'
must_fail "none is between the first and the last" "$ADZE" run each.toml --set stage.prune-train.keep-ends=true

# ---- onednn cuts as well.
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "onednn was not built" ;;
  *)
    export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
    for name in magnitude movement snip taylor wanda channels; do
      sed -i 's/^use = "prune-train.*/&\nbackend = "onednn"/' $name.toml
      must "$ADZE" run $name.toml
      holds $name-out.json 'r["protocol"]["backend"] == "onednn"'
      holds $name-out.json 'r["pruning"]["pruned"] == (6 if r["pruning"]["counted"] == 12 else 180)'
      cp $name-out.onnx one.onnx
      must "$ADZE" run $name.toml --fresh
      cmp $name-out.onnx one.onnx || complain "$name: onednn gives other weights a second time"
    done
    ;;
esac
finish
