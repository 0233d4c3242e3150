#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-nas.sh: how good what nas-evolve finds is. No time is measured but that of the second part.
#
# 1. The table of NAS-Bench-Macro (6561 networks on CIFAR-10; ADZE_TEST_DATA has it as nas-bench-macro): SEEDS (200)
#    seeds from 1 on, 200 evaluations each, mean_acc, all settings as they are preset. Printed: the mean of the best,
#    the share of seeds that reach 93.0, and both of random search with as many evaluations; and whether the front of
#    mean_acc, params and flops is that of the table where all of it may be evaluated.
# 2. Fashion-MNIST, where Debian's dataset-fashion-mnist is installed: a search of small networks, and the network
#    784-256-128-10 trained for as many epochs on the same 55,000 pictures, both judged by the same 5,000 others in
#    between, and once by the test pictures at the end. Printed: accuracy and parameters of both, and the time that the
#    search took; needed are 900 s on two processors, an accuracy as high, and at most half the parameters.
#    FASHION_SEEDS (1): "1 2 3".
set -u
seeds=${SEEDS:-200} fashion_seeds=${FASHION_SEEDS:-1} threads=${THREADS:-2}
table=${ADZE_TEST_DATA:-}/nas-bench-macro/nas-bench-macro_cifar10.json
folder=/usr/share/datasets/fashion-mnist
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
cd "$TMPDIR" || exit 1

# ---- A table.
known ()
{
  local seed
  cat > known.toml << END
adze = 1
name = "known"
[input.results]
kind = "text"
path = "$table"
[[stage]]
use = "nas-evolve-table"
worth = "mean_acc"
[[output]]
path = "known.json"
from = "nas-evolve-table.report"
END
  for seed in $(seq "$seeds"); do
    "$ADZE_BINARY" run known.toml --fresh --set seed="$seed" > known.log 2>&1 || { cat known.log >&2; return 1; }
    python3 -c 'import json
r = json.load(open("known.json"))
print(*(r[s][k] if k == "looked-at" else r[s]["best"]["mean_acc"]
        for s in ("evolution", "random") for k in ("looked-at", "best")))'
    rm -rf adze-runs
  done > known.txt
  awk '{ evolved += $2; drawn += $4; reached += $2 >= 93; by_luck += $4 >= 93; few = NR == 1 || $2 < few ? $2 : few
         looked = $1 > looked ? $1 : looked }
       END { printf "table: %d seeds, %d evaluations: mean best %.4f (needed 93.10), %.1f %% reach 93.0 (needed 95 %%), worst %.4f; random search %.4f, %.1f %%\n",
                    NR, looked, evolved / NR, 100 * reached / NR, few, drawn / NR, 100 * by_luck / NR }' known.txt
}

whole ()
{
  "$ADZE_BINARY" run known.toml --fresh --set stage.nas-evolve-table.budget=6561 \
    --set 'stage.nas-evolve-table.costs=["params", "flops"]' > known.log 2>&1 || { cat known.log >&2; return 1; }
  python3 - "$table" << 'END'
import json, sys
table = json.load(open(sys.argv[1]))
point = {k: (-v["mean_acc"], v["params"], v["flops"]) for k, v in table.items()}
front = set()
for key in sorted(point, key=point.get):
    if not any(point[f] != point[key] and all(a <= b for a, b in zip(point[f], point[key])) for f in front):
        front.add(key)
found = {p["candidate"] for p in json.load(open("known.json"))["evolution"]["front"]}
print(f"front of the whole table: {len(found)} points, {'the same' if found == front else 'NOT the same'} as by comparing all")
END
}

if [ -e "$table" ]; then
  known && whole || exit 1
else
  echo "ADZE_TEST_DATA names no folder with nas-bench-macro in it"
fi

# ---- Networks.
head_ ()
{
  printf 'adze = 1\nname = "%s"\nseed = %s\n[run]\nbackend = "onednn"\nthreads = %s\n' "$1" "$2" "$threads"
  printf '[data.train]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\npart = [0.0, 0.9166666666666666]\nshuffle = true\n' \
    $folder/train-images-idx3-ubyte.gz $folder/train-labels-idx1-ubyte.gz
  printf '[data.check]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\npart = [0.9166666666666666, 1.0]\n' \
    $folder/train-images-idx3-ubyte.gz $folder/train-labels-idx1-ubyte.gz
  printf '[data.test]\nuse = "idx"\nimages = "%s"\nlabels = "%s"\n' \
    $folder/t10k-images-idx3-ubyte.gz $folder/t10k-labels-idx1-ubyte.gz
}

judged ()
{
  printf '[[stage]]\nuse = "evaluate"\ndata = "test"\nlatency-runs = 0\n[[output]]\npath = "%s.json"\nfrom = "evaluate.report"\n' "$1"
}

fashion ()
{
  local seed=$1 began
  {
    head_ search "$seed"
    cat << 'END'
[[stage]]
use = "nas-evolve"
data = "train"
validation = "check"
shape = "1x28x28"
layers = [
  "conv {8|16|32} {3x3|5x5} stride 2 pad same {relu|silu}",
  "pool 2",
  "{skip=|residual open; norm batch relu}",
  "{skip=|residual close}",
  "{|conv {8|16|32} 3x3 pad same {relu|silu}}",
  "{|pool 2}",
  "flatten",
  "{|dense {16|32|64} {relu|silu}}",
  "dense 10",
]
budget = 24
population = 8
epochs = 2
batches = 120
rate = 0.003
finalists = 2
final-epochs = 8
[[output]]
path = "best.onnx"
[[output]]
path = "front.csv"
from = "nas-evolve.front"
[[output]]
path = "search.json"
from = "nas-evolve.report"
END
    printf '[[stage]]\nuse = "profile"\n'
    judged ours
  } > search.toml
  {
    head_ mlp "$seed"
    printf '[[stage]]\nuse = "build-model"\ninput = "784"\nlayers = ["dense 256 relu", "dense 128 relu", "dense 10"]\n'
    printf '[[stage]]\nuse = "train"\ndata = "train"\nvalidation = "check"\nwatch = "accuracy"\nepochs = 8\nschedule = "cosine"\n'
    judged theirs
  } > mlp.toml
  began=$(date +%s)
  "$ADZE_BINARY" run search.toml --fresh > search.log 2>&1 || { cat search.log >&2; return 1; }
  began=$(($(date +%s) - began))
  "$ADZE_BINARY" run mlp.toml --fresh > mlp.log 2>&1 || { cat mlp.log >&2; return 1; }
  python3 - "$seed" "$began" << 'END'
import json, sys
search, ours, theirs = (json.load(open(f"{n}.json")) for n in ("search", "ours", "theirs"))
points = {p["looked-at-as"]: p for p in search["evolution"]["front"]}
given = next(f for f in search["final"] if f["given"])
point = points[given["looked-at-as"]]
print(f"Fashion-MNIST, seed {sys.argv[1]}: {point['candidate']}: test accuracy {ours['accuracy']:.4f} with "
      f"{point['parameters']:.0f} parameters; 784-256-128-10: {theirs['accuracy']:.4f} with 235146; {sys.argv[2]} s")
for final in search["final"]:
    p = points[final["looked-at-as"]]
    print(f"  {p['parameters']:8.0f} parameters: {p['accuracy']:.4f} in the search, {final['accuracy']:.4f} in the end: {p['candidate']}")
print(f"  best of the search {search['evolution']['best']['accuracy']:.4f} after {search['evolution']['looked-at']} candidates, "
      f"{search['evolution']['given-up']} of them given up; random search {search['random']['best']['accuracy']:.4f}")
END
  rm -rf adze-runs
}

if [ -e $folder/train-images-idx3-ubyte.gz ]; then
  for seed in $fashion_seeds; do
    fashion "$seed" || exit 1
  done
else
  echo "needed for networks is Debian's package dataset-fashion-mnist"
fi
