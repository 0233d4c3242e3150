#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Training that diverges late: kept are the last weights that gave a finite loss, and no older ones, whatever
# was saved since; what is told is what is kept. Where data or the model are to blame, they are.
. "$(dirname "$0")/train-lib.sh"
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"
backends=ref
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "not looked at: what onednn makes of NaN; it is not there" ;;
  *) backends="ref onednn" ;;
esac

# kept STEP EPOCHS: the newest checkpoint is of that step, with so many epochs behind it, and all of its
# numbers are some.
kept ()
{
  python3 - "$@" << 'END' || complain "kept should be the checkpoint of step $1, with $2 epochs behind it"
import glob, math, struct, sys
run = sorted(glob.glob("adze-runs/0*"))[-1]
notes = [open(name, "rb").read() for name in glob.glob(run + "/notes/*")]
heads = [struct.unpack_from("<QQQ", note, 8) for note in notes if note[:8] == b"train.4\0"]
saved = {struct.unpack_from("<Q", note, 24)[0]: note for note in notes if note[:8] == b"adzetrn\n"}
_, step, epochs = max(heads)
assert (step, epochs) == (int(sys.argv[1]), int(sys.argv[2])), (sorted(heads), sorted(saved))
numbers = saved[step][144:-8]
assert all(math.isfinite(n) for n in struct.unpack("<%df" % (len(numbers) // 4), numbers)), "nan"
END
}

# explodes NAME [LINE...]: there are 13 steps in an epoch, and the rate of step 34 is beyond all measure:
# after it the weights are such that step 35 has no finite loss. Those in front of step 34 are the last good ones.
explodes ()
{
  local name=$1
  shift
  learn "$name" mlp.onnx 'optimiser = "sgd"' 'schedule = "step"' 'step-every = 2.5' 'step-factor = 1e25' "$@"
}

explodes late 'checkpoint-steps = 5'
must_fail "training diverged in step 35 (epoch 3, batch 9): the loss is" "$ADZE" run late.toml
for words in "weights are again those in front of step 34" "kept is the checkpoint of step 33 (epoch 3)" \
  "a lower learning rate"; do
  grep -qF "$words" must.out || complain "it does not say: $words"
done
kept 33 2
# What is kept is gone on with, and comes as far.
must_fail "kept is the checkpoint of step 33 (epoch 3)" "$ADZE" run late.toml
grep -q 'goes on from the checkpoint of step 33' adze-runs/*/events.jsonl || complain "it began anew"
must_fail "training diverged in step 35 (epoch 3, batch 9): the loss is" "$ADZE" run late.toml
kept 33 2
# The node is one that people know, whatever the rate: where scores without end come from, and not the loss that
# is taken of them.
for rate in 1e12 1e20 1e30 1e38; do
  learn named mlp.onnx 'optimiser = "sgd"'
  must_fail "training diverged in step" "$ADZE" run named.toml --set stage.train.rate=$rate
  grep -qE "'fc[12]' \(Gemm\) was the first to give (inf|nan), in '[ay]'|the loss \(cross-entropy\) of the scores 'y' was" \
    must.out || complain "rate $rate: no node that is known is named: $(cat must.out)"
  ! grep -qF "'%" must.out || complain "rate $rate: a name that nobody gave is told"
done

# One that was saved behind the step that did it is none to go on from.
explodes behind 'checkpoint-steps = 34'
must_fail "kept is the checkpoint of step 33 (epoch 3)" "$ADZE" run behind.toml
kept 33 2

# The same at the end of an epoch, whose own checkpoint is the bad one.
explodes end 'step-every = 3' 'validation = "check"' 'watch = "accuracy"'
sed -i '/step-every = 2.5/d' end.toml
must_fail "training diverged in step 41 (epoch 4, batch 2): the loss is" "$ADZE" run end.toml
grep -qF "kept is the checkpoint of step 39 (epoch 3)" must.out || complain "it does not say what is kept"
kept 39 3
sed -i 's/^step-every.*/step-every = 2.9231/' end.toml # 38 steps
must_fail "training diverged in step 40 (epoch 4, batch 1): the loss is" "$ADZE" run end.toml
grep -qF "kept is the checkpoint of step 38 (epoch 3)" must.out || complain "it does not say what is kept"
kept 38 2

explodes none 'checkpoint = 0'
must_fail "no checkpoint is kept: 'checkpoint' and 'checkpoint-steps' are 0" "$ADZE" run none.toml

# Nothing of it is good: that is told in the same way whatever was saved in between, and nobody goes on from there.
for often in 'checkpoint-steps = 1' 'checkpoint-steps = 9'; do
  learn first mlp.onnx 'optimiser = "sgd"' "$often"
  sed -i 's/^rate = .*/rate = 1e38/' first.toml
  for _ in once again; do
    must_fail "training diverged in step 2 (epoch 1, batch 2)" "$ADZE" run first.toml
    grep -qF "no checkpoint is kept: nothing was learnt before, and the weights are those that training began with" \
      must.out || complain "$often: it does not say what is kept: $(cat must.out)"
    ! grep -q 'goes on from' "$(ls -d adze-runs/0* | tail -n 1)/events.jsonl" || complain "$often: from where?"
  done
done

# ---- Data with numbers that are none: as many steps as were done in front of it stay, and it is named.
# table FILE LINE...: of the data train, and of the stage.
table ()
{
  local file=$1 line
  shift
  printf 'adze = 1\nname = "table"\n[model]\npath = "%s/mlp.onnx"\n' "$PWD"
  printf '[data.%s]\nuse = "csv"\npath = "%s"\nfeatures = "f"\nlabel = "kind"\nmissing = "nan"\n' \
    train "$file" check bad.csv
  printf '[[stage]]\nuse = "train"\ndata = "train"\nbatch = 16\nrate = 0.02\n'
  printf '%s\n' "$@"
  printf '[[output]]\npath = "table-out.onnx"\n'
}

sed '120s/^[^,]*/NaN/' dots-train.csv > bad.csv # example 7 of batch 8
table bad.csv 'checkpoint-steps = 3' > table.toml
must_fail "training cannot do step 8 (epoch 1, batch 8): it is given numbers that are none (NaN" "$ADZE" run table.toml
for words in "the batch has such numbers in its input 'x' already, first in its example 7" \
  "the column 'f' of the data bound to 'data' has numbers that are none" "the data is to be cleaned" \
  "kept is the checkpoint of step 7 (epoch 1)"; do
  grep -qF "$words" must.out || complain "it does not say: $words"
done
! grep -qF "a lower learning rate" must.out || complain "the learning rate is blamed for the data"
kept 7 0
table dots-train.csv 'validation = "check"' > table.toml
must_fail "the column 'f' of the data bound to 'validation' has numbers that are none" "$ADZE" run table.toml

# Whatever the backend: there is one whose Relu makes 0 of NaN, so that what comes of it looks sound.
for backend in $backends; do
  table dots-train.csv 'validation = "check"' 'watch = "accuracy"' > table.toml
  must_fail "the column 'f' of the data bound to 'validation' has numbers that are none" \
    "$ADZE" run table.toml --backend "$backend"
  for number in NaN inf; do
    sed "120s/^[^,]*/$number/" dots-train.csv > bad.csv
    table bad.csv 'frozen = ["fc1.*"]' > table.toml
    must_fail "training cannot do step 8 (epoch 1, batch 8): it is given numbers that are none (NaN" \
      "$ADZE" run table.toml --backend "$backend"
    grep -qF "in its input 'x' already, first in its example 7" must.out || complain "$backend: the example is not named"
    grep -qF "the column 'f' of the data bound to 'data'" must.out || complain "$backend: the column is not named"
  done
done
# A network that asks which numbers are none, and mends them, is given them.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no network that mends"
import os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import node, spread, write
write("mends.onnx", [node("IsNaN", ["x"], ["odd"], "asks"), node("Where", ["odd", "zero", "x"], ["w"], "mends"),
                     node("Gemm", ["w", "fc.weight", "fc.bias"], ["y"], "fc")],
      {"zero": ([1], [0.0]), "fc.weight": ([16, 4], spread(64, 3, 0.8)), "fc.bias": ([4], [0.0] * 4)}, ["N", 16])
END
sed '120s/^[^,]*/NaN/' dots-train.csv > bad.csv
table bad.csv 'validation = "check"' 'frozen = ["zero"]' > table.toml
must "$ADZE" run table.toml --set 'model.path="mends.onnx"'

# Where numbers are some and the network makes others of them, its node is named.
awk -F, 'NR == 1 { print; next } { for (i = 1; i < NF; i++) printf "3e38,"; print $NF }' dots-check.csv > bad.csv
table dots-train.csv 'validation = "check"' > table.toml
must_fail "(Gemm) was the first to give" "$ADZE" run table.toml
grep -qE "the score of epoch 1 is (nan|inf), .*: batch 1 of the data bound to 'validation' gives it" must.out \
  || complain "the epoch and the batch are not named"

# ---- A model that has them from the beginning.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no network with a NaN"
import os, struct, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
import networks
data = open("mlp.onnx", "rb").read()
weight = networks.weights_of("mlp.onnx")["fc1.weight"][1]
assert data.count(weight) == 1
for name in "nan", "inf":
    open(name + ".onnx", "wb").write(data.replace(weight, struct.pack("<f", float(name)) + weight[4:]))
END
for backend in $backends; do
  for frozen in '' 'frozen = ["fc1.*"]'; do
    for name in nan inf; do
      learn $name $name.onnx "$frozen"
      must_fail "training cannot do step 1 (epoch 1, batch 1): " "$ADZE" run $name.toml --backend "$backend"
      what="$backend, $name, $frozen"
      grep -q "'fc1.weight'.* came with such numbers" must.out || complain "$what: the weight is not named"
      grep -qF "begin with a model without such numbers" must.out || complain "$what: it does not say what to do"
      grep -qF "no checkpoint is kept: nothing was learnt before" must.out || complain "$what: what is kept?"
      ! grep -qF "a lower learning rate" must.out || complain "$what: the learning rate is blamed for the model"
    done
  done
done

# ---- Whether it trains or not, in a body or outside, and whatever a backend makes of it: most of these have a loss
# that looks sound. Infinities that choose are meant: those of a mask.
TOP_SRCDIR="$TOP_SRCDIR" python3 - << 'END' || complain "no networks with such weights inside"
import math, os, sys
sys.path.insert(0, os.environ["TOP_SRCDIR"] + "/tests/pipelines")
from networks import field, info, node, spread, tensor, write
first = node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["a"], "fc1")
last = node("Gemm", ["r", "fc2.weight", "fc2.bias"], ["y"], "fc2")
weights = {"fc1.weight": ([16, 8], spread(128, 3, 0.8)), "fc1.bias": ([8], [0.0] * 8),
           "fc2.weight": ([8, 4], spread(32, 5, 0.8)), "fc2.bias": ([4], [0.0] * 4)}
def inside(name, number, own=True):
    """The branch that is not taken has it, of its own or from around it."""
    taken = field(1, node("Relu", ["a"], ["t"])) + field(2, "taken") + field(12, info("t", ["N", 8]))
    other = (field(1, node("Mul", ["a", "scale"], ["s"])) + field(2, "other") + field(12, info("s", ["N", 8]))
             + (field(5, tensor("scale", [1], [number])) if own else b""))
    outer = {**weights, "one": ([], [1], "q"), **({} if own else {"scale": ([1], [number])})}
    write(name, [node("Cast", ["one"], ["yes"], "yes", to=9), first,
                 node("If", ["yes"], ["r"], "choice", then_branch=taken, else_branch=other), last],
          outer, ["N", 16])
inside("own.onnx", math.nan)
inside("own-inf.onnx", math.inf)
inside("around.onnx", math.nan, False)
never = [-math.inf, 0.0] * 4
write("bias.onnx", [first, node("Relu", ["a"], ["r"], "relu"), last], {**weights, "fc1.bias": ([8], never)}, ["N", 16])
def masked(name, mask, *between):
    write(name, [first, *between, node("Add", ["a", "m"], ["b"], "mask"), node("Softmax", ["b"], ["r"], "soft"), last],
          {**weights, **mask}, ["N", 16])
masked("mask.onnx", {"m": ([1, 8], never)})
masked("moved.onnx", {"rows": ([2, 8], never + [0.0] * 8), "zero": ([1], [0], "q")},
       node("Gather", ["rows", "zero"], ["m"], "gather"))
masked("above.onnx", {"m": ([1, 8], [-n for n in never])})
END
for backend in $backends; do
  for case in "own 'scale' in a body of node 2 'choice' (If)" "own-inf 'scale' in a body of node 2 'choice' (If)" \
    "around 'scale'" "bias 'fc1.bias'" "above 'm'"; do
    for frozen in '' 'frozen = ["fc1.*"]'; do
      learn "${case%% *}" "${case%% *}.onnx" "$frozen"
      must_fail "training cannot do step 1 (epoch 1, batch 1): " "$ADZE" run "${case%% *}.toml" --backend "$backend"
      grep -qF "the weight ${case#* } came with such numbers" must.out || complain "$backend, $case: $(cat must.out)"
    done
  done
  grep -qF "its infinities come to node 2 'soft' (Softmax)" must.out || complain "it does not say where: $(cat must.out)"
  for name in mask moved; do
    learn $name $name.onnx
    must "$ADZE" run $name.toml --backend "$backend" --fresh --verbose
  done
  grep -qF "not trained: 'rows' (it has infinities, as masks have)" must.out || complain "of a mask: $(cat must.out)"
  holds moved-out.json 'r["left"] == [{"weight": "rows", "why": "it has infinities, as masks have"}]'
done
finish
