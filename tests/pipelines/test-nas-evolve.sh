#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nas-evolve in whole pipelines: a table of known results, whose front is found whole; networks that are built,
# trained and judged; the same bytes for any number of threads, with and without a kill; a recipe that builds what
# it says; and what is refused.
. "$(dirname "$0")/train-lib.sh"
# Leaks are looked for, but not in the memory of OpenMP's threads.
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"

# ---- A table: 256 candidates, two costs.
python3 - << 'END' || complain "no table"
import itertools, json, random
random.seed(4)
table = {}
for key in itertools.product("0123", repeat=4):
    numbers = [int(c) for c in key]
    table["".join(key)] = {
        "acc": sum(n * (i + 1) for i, n in enumerate(numbers)) + random.random() * 4,
        "params": sum(numbers) * 10 + random.randrange(9), "other": [1, {"x": None}], "flops": random.randrange(1000)}
del table["3333"]
json.dump(table, open("table.json", "w"), indent=1)
def dominates(a, b):
    left, right = [(-t["acc"], t["params"], t["flops"]) for t in (a, b)]
    return left != right and all(x <= y for x, y in zip(left, right))
front = sorted(k for k, v in table.items() if not any(dominates(w, v) for w in table.values()))
open("front.txt", "w").write("".join(k + "\n" for k in front))
END
cat > known.toml << 'END'
adze = 1
name = "known"
[input.results]
kind = "text"
path = "table.json"
[[stage]]
use = "nas-evolve-table"
worth = "acc"
costs = ["params", "flops"]
method = "nsga2"
budget = 255
[[output]]
path = "front.csv"
from = "nas-evolve-table.front"
[[output]]
path = "known.json"
from = "nas-evolve-table.report"
END
must "$ADZE" run known.toml --set run.threads=1
sed -n '2,$s/^"\([0-3]*\)".*/\1/p' front.csv | sort > found.txt
cmp found.txt front.txt || complain "the front of the whole table is $(tr '\n' ' ' < found.txt)"
[ "$(told nas-evolve-table.looked-at)" = 255 ] || complain "it has not looked at all of them"
holds known.json 'r["random"]["looked-at"] == 255 and r["evolution"]["best"]["candidate"] == r["random"]["best"]["candidate"]'
cp known.json before.json
must "$ADZE" run known.toml --fresh --set run.threads=3
cmp known.json before.json || complain "threads are seen in the report"
must "$ADZE" run known.toml --set 'stage.nas-evolve-table.isolate=true'
cmp known.json before.json || complain "it finds something else in a process of its own"
must "$ADZE" run known.toml --set stage.nas-evolve-table.budget=60
holds known.json 'r["evolution"]["looked-at"] == 60 and len(r["evolution"]["way"]) > 1'
must_fail "'tournament' is 10, and 'population' 4: no more can be drawn than live" "$ADZE" plan known.toml \
  --set stage.nas-evolve-table.population=4
must_fail "all candidates would be drawn at random" "$ADZE" plan known.toml --set stage.nas-evolve-table.budget=20
must_fail "the row '0000' has no field 'nosuch'" "$ADZE" run known.toml --set stage.nas-evolve-table.worth=nosuch
must_fail "\"acc\" is there already: it is the worth" "$ADZE" plan known.toml --set 'stage.nas-evolve-table.costs=["acc"]'
must_fail "'costs' has none" "$ADZE" plan known.toml --set 'stage.nas-evolve-table.costs=[]'
# Few of the genomes may be candidates: 40 keys of 30 bits. All of them are found, and a part of them again the same.
mv table.json dense.json
python3 - << 'END' || complain "no table of few"
import json, random
random.seed(5)
json.dump({"".join(random.choice("01") for _ in range(30)): {"acc": random.random(), "params": random.random(),
           "flops": random.random()} for _ in range(40)}, open("table.json", "w"))
END
must "$ADZE" run known.toml --set stage.nas-evolve-table.budget=40
[ "$(told nas-evolve-table.looked-at)" = 40 ] || complain "of 40 it has looked at $(told nas-evolve-table.looked-at)"
must "$ADZE" run known.toml --set stage.nas-evolve-table.budget=30
[ "$(told nas-evolve-table.looked-at)" = 30 ] || complain "of 30 it has looked at $(told nas-evolve-table.looked-at)"
# There is no child of two that is in the table, hardly; who is like it takes its place, and worth is inherited.
python3 - << 'END' || complain "no table of few that are alike"
import json, random
random.seed(3)
keys = ("".join(random.choice("01") for _ in range(24)) for _ in range(4000))
json.dump({key: {"acc": key.count("1") + random.random()} for key in keys}, open("table.json", "w"))
END
sed '/^costs/d; s/^method.*/method = "regularised"/; s/^budget.*/budget = 120/; /front.csv/,/front"/d; ' known.toml \
  | awk '$0 != "[[output]]" { if (held) print "[[output]]"; held = 0; print } $0 == "[[output]]" { held = 1 }' > few.toml
must "$ADZE" run few.toml
holds known.json 'r["evolution"]["best"]["acc"] > r["random"]["best"]["acc"] + 1'
mv dense.json table.json
sed -i '3s/: /: x/' table.json
must_fail 'the table, line 3, column 10: needed is a number for acc' "$ADZE" run known.toml

# ---- Networks.
cat > space.toml << END
adze = 1
name = "space"
seed = 3
[data.train]
use = "idx"
images = "$PWD/dots-train-images.idx"
labels = "$PWD/dots-train-labels.idx"
shuffle = true
[data.check]
use = "idx"
images = "$PWD/dots-check-images.idx"
labels = "$PWD/dots-check-labels.idx"
[[stage]]
use = "nas-evolve"
data = "train"
validation = "check"
shape = "16"
layers = [
  "{|dense {4|8|12|16} {relu|tanh|gelu}}",
  "{skip=|residual open; dense 16}",
  "{skip=|residual close}",
  "dense 4",
]
costs = ["parameters", "flops"]
budget = 12
population = 6
epochs = 10
batch = 16
rate = 0.02
finalists = 2
final-epochs = 20
[[output]]
path = "best.onnx"
[[output]]
path = "front.csv"
from = "nas-evolve.front"
[[output]]
path = "space.json"
from = "nas-evolve.report"
[[output]]
path = "recipe.toml"
from = "nas-evolve.recipe"
END
must "$ADZE" plan space.toml
must "$ADZE" run space.toml --set run.threads=1
for output in best.onnx front.csv space.json recipe.toml; do
  [ -s $output ] || complain "$output was not written"
  cp $output before-$output
done
holds space.json 'r["evolution"]["looked-at"] == 12 and r["random"]["looked-at"] > 8 and len(r["final"]) == 2'
holds space.json 'sum(f["given"] for f in r["final"]) == 1 and max(r["final"], key=lambda f: f["accuracy"])["given"]'
# 16 numbers in and 4 classes: "dense 4" alone has 68 parameters, and makes 128 operations.
grep -q '^"dense 4",.*,68,128,' front.csv || complain "the smallest network is not on the front: $(cat front.csv)"
same ()
{
  local output
  for output in best.onnx front.csv space.json recipe.toml; do
    cmp $output before-$output || complain "$1: another $output"
  done
}
must "$ADZE" run space.toml --fresh --set run.threads=3
same threads
must "$ADZE" run space.toml --fresh --set run.threads=2 --set stage.nas-evolve.isolate=true
same "a process of its own"
[ -z "$(pgrep -P $$)" ] || complain "processes are left: $(pgrep -laP $$)"
# Asked for one at a time, children have other parents.
must "$ADZE" run space.toml --fresh --set stage.nas-evolve.together=1
cmp -s space.json before-space.json && complain "it is all the same how many are asked for together"

# What the recipe builds are the networks of the front.
must "$ADZE" run recipe.toml
[ "$(ls front-*.onnx | wc -l)" = $(($(wc -l < front.csv) - 1)) ] || complain "the recipe builds $(ls front-*.onnx)"
last=$(($(wc -l < front.csv) - 1))
must "$ADZE" show "front-$last.onnx"

# ---- Other costs, another method, and who is given up.
must "$ADZE" run space.toml --set stage.nas-evolve.give-up=0
holds space.json 'r["evolution"]["given-up"] == 0 and r["random"]["given-up"] == 0'
must "$ADZE" run space.toml --set stage.nas-evolve.give-up=1
holds space.json 'r["evolution"]["given-up"] > 0 and r["evolution"]["looked-at"] == 12'
must "$ADZE" run space.toml --set 'stage.nas-evolve.costs=["latency", "parameters"]' --set stage.nas-evolve.latency-runs=3
holds space.json 'all(0 < p["latency"] < 10000 for p in r["evolution"]["front"])'
must "$ADZE" run space.toml --set 'stage.nas-evolve.costs=[]' --set stage.nas-evolve.method=regularised \
  --set stage.nas-evolve.finalists=1 --set stage.nas-evolve.final-epochs=0
holds space.json 'r["final"] == [{"looked-at-as": r["evolution"]["best"]["looked-at-as"], "accuracy": r["evolution"]["best"]["accuracy"], "given": True}]'
case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) ;;
  *)
    must "$ADZE" run space.toml --set run.backend=onednn --set run.threads=1
    cp best.onnx onednn.onnx
    must "$ADZE" run space.toml --set run.backend=onednn --set run.threads=1 --fresh
    cmp best.onnx onednn.onnx || complain "onednn gives something else the second time"
    ;;
esac

# ---- Killed, again and again.
for round in 1 2 3; do
  rm -rf killed
  mkdir killed
  sed "s|^path = \"|path = \"$PWD/killed/|" space.toml > killed/p.toml
  (
    cd killed || exit 99
    failures=0
    for count in 2 6; do
      "$ADZE" run p.toml > killed.out 2>&1 &
      victim=$!
      until [ "$(cat adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge $((count + round)) ] \
        || ! kill -0 $victim 2> /dev/null; do
        sleep 0.005
      done
      # In the second round it is one of those that train, and the run says so and ends.
      other=
      until [ $round -ne 2 ] || [ -n "$other" ] || ! kill -0 $victim 2> /dev/null; do
        other=$(pgrep -P $victim | head -n 1)
      done
      kill -9 "${other:-$victim}" 2> /dev/null
      if wait $victim 2> /dev/null; then
        complain "it goes on without ${other:-$victim}"
      fi
    done
    [ $round -ne 2 ] || grep -qE "was killed by signal 9" killed.out || complain "nobody says why: $(cat killed.out)"
    must "$ADZE" run p.toml
    grep -q 'goes on with what is known of' adze-runs/*/events.jsonl || complain "round $round: nothing was gone on with"
    [ $failures -eq 0 ]
  ) || complain "round $round could not be gone on with"
  for output in best.onnx front.csv space.json recipe.toml; do
    cmp killed/$output before-$output || complain "round $round: another $output"
  done
done

# ---- Numbers that are none are the fault of no candidate, and told once.
python3 - << 'END' || complain "no data"
import struct
raw = open("dots-train-images.idx", "rb").read()
dims = raw[3]
head, numbers = raw[4:4 + 4 * dims], [b / 255 for b in raw[4 + 4 * dims:]]
numbers[40] = float("nan")
open("odd.idx", "wb").write(bytes([0, 0, 13, dims]) + head + struct.pack(f">{len(numbers)}f", *numbers))
END
must_fail "of 6 of stage 'nas-evolve' failed" "$ADZE" run space.toml --set "data.train.images=$PWD/odd.idx"
[ "$(grep -c 'NaN' must.out)" = 1 ] || complain "it is not told once: $(cat must.out)"

# ---- What is refused.
refused ()
{
  must_fail "$1" "$ADZE" plan space.toml --set "stage.nas-evolve.$2"
}
refused 'layers[0]: '"'{' is never closed" 'layers=["dense {4|8"]'
refused "there is a '}' that stands in no braces" 'layers=["dense 4}"]'
refused "'{4}' has 1 alternative; needed are 2" 'layers=["dense {4}"]'
refused 'has no choice, so there is one network' 'layers=["dense 4"]'
refused "alternative 2 of {4|x} in layers[0] makes no layer" 'layers=["dense {4|x}"]'
refused "the choice 'a' has 3 alternatives, and 2 where it first stood, in layers[0]" 'layers=["dense {a=4|8}", "dense {a=4|5|6}"]'
refused "latency is none of the costs" 'latency-runs=7'
refused "'tournament' is 7, and 'population' 6: no more can be drawn than live" 'tournament=7'
refused "'finalists' is 2, and says nothing where 'final-epochs' is 0" 'final-epochs=0'
refused "'costs' has \"flops\" twice" 'costs=["flops", "flops"]'
refused "'costs' has none" 'costs=[]'
must_fail "no choice of the alternatives gives a candidate" "$ADZE" run space.toml \
  --set 'stage.nas-evolve.layers=["conv {4|8} 3x3"]'
finish
