#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# causal-estimate in whole pipelines: a known network, a known table, data with a known effect; the same bytes with any
# number of threads, and isolated; refuters that see what is wrong; and what is refused.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
cp "$TOP_SRCDIR"/docs/examples/{smoking,study}.* "$TOP_SRCDIR/docs/examples/causal-identify.toml" .

# holds FILE EXPRESSION: of Python, in which r is the JSON of FILE.
holds ()
{
  python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); sys.exit(not eval("(" + sys.argv[2] + ")"))' \
    "$1" "$2" || complain "$1: it should hold that $2; there is: $(cat "$1")"
}

# told NAME: the metric of the last run, ID.NAME.
told ()
{
  "$ADZE" runs show | sed -n "s/^  $1  *//p"
}

# near NUMBER NUMBER: to ten digits.
near ()
{
  python3 -c 'import sys; sys.exit(abs(float(sys.argv[1]) - float(sys.argv[2])) > 5e-11)' "$1" "$2" \
    || complain "$1 is not $2"
}

# ---- A formula and a table: the front door.
must "$ADZE" run causal-identify.toml
sed -n 's/^yes,yes,//p' effect.csv > found
near "$(cat found)" 0.4525
sed -n 's/^no,yes,//p' effect.csv > found
near "$(cat found)" 0.4975
near "$(told causal-estimate.effect)" -0.045

# ---- Data with a known effect.
python3 "$TOP_SRCDIR/tests/pipelines/causal-cases.py" simulate || complain "no data"
printf 'z --> t\nw --> t\nt --> y\nz --> y\nw --> y\nt --> late\ny --> late\n' > known.dag
cat > known.toml << 'END'
adze = 1
name = "known"
seed = 3
[input.graph]
kind = "dag"
path = "known.dag"
[input.seen]
kind = "table"
path = "confounded.csv"
[[stage]]
use = "causal-estimate"
method = "ols"
treatment = "t"
outcome = "y"
bootstrap = 100
refutations = 20
[[output]]
path = "known.json"
from = "causal-estimate.report"
END
for method in ols ipw aipw; do
  must "$ADZE" run known.toml --set stage.causal-estimate.method=$method
  holds known.json 'r["lower"] < 2 < r["upper"] and r["upper"] - r["lower"] < 0.8 and sorted(r["adjusted-for"]) == ["w", "z"]'
  holds known.json 'len(r["refuters"]) == 3 and all(f["holds"] for f in r["refuters"])'
  mv known.json $method.json
done
must "$ADZE" run known.toml --fresh --set run.threads=3 --set stage.causal-estimate.isolate=true
cmp known.json ols.json || complain "threads, or a process of its own, make a difference"
# Without adjusting it is wrong; a graph says so.
must "$ADZE" run known.toml --set 'stage.causal-estimate.inputs={graph=false}'
holds known.json 'r["lower"] > 2.3 and r["adjusted-for"] == []'
must_fail "is not enough" "$ADZE" run known.toml --set 'stage.causal-estimate.adjust=["z"]'
must_fail "takes a part of what is asked away" "$ADZE" run known.toml --set 'stage.causal-estimate.adjust=["z", "w", "late"]'
# Independent code, where there is some.
if python3 -c 'import numpy' 2> /dev/null; then
  python3 - << 'END' || complain "numpy finds another effect"
import csv, json, numpy
rows = list(csv.DictReader(open("confounded.csv")))
x = numpy.array([[1, float(r["z"]), r["w"] == "b", r["w"] == "c", float(r["t"])] for r in rows], float)
beta = numpy.linalg.lstsq(x, numpy.array([float(r["y"]) for r in rows]), rcond=None)[0]
assert abs(beta[4] - json.load(open("ols.json"))["effect"]) < 1e-9
design, t, y = x[:, :4], x[:, 4], numpy.array([float(r["y"]) for r in rows])
b = numpy.zeros(4)
for _ in range(50):
    p = 1 / (1 + numpy.exp(-design @ b))
    b += numpy.linalg.solve(design.T * (p * (1 - p)) @ design, design.T @ (t - p))
p = numpy.clip(1 / (1 + numpy.exp(-design @ b)), .01, .99)
ipw = (t * y / p).sum() / (t / p).sum() - ((1 - t) * y / (1 - p)).sum() / ((1 - t) / (1 - p)).sum()
assert abs(ipw - json.load(open("ipw.json"))["effect"]) < 1e-9
m = [design @ numpy.linalg.lstsq(design[t == s], y[t == s], rcond=None)[0] for s in (0, 1)]
aipw = (m[1] - m[0] + t * (y - m[1]) / p - (1 - t) * (y - m[0]) / (1 - p)).mean()
assert abs(aipw - json.load(open("aipw.json"))["effect"]) < 1e-9
END
fi
# A formula names what is adjusted for, and is computed with rows that are a sample.
cat > formula.toml << 'END'
adze = 1
name = "formula"
[input.graph]
kind = "dag"
path = "study.dag"
[input.seen]
kind = "table"
path = "study.csv"
[[stage]]
use = "causal-identify"
treatment = ["treated"]
outcome = ["days"]
[[stage]]
use = "causal-estimate"
method = "aipw"
bootstrap = 50
[[output]]
path = "formula.json"
from = "causal-estimate.report"
END
must "$ADZE" run formula.toml
holds formula.json 'r["adjusted-for"] == ["age", "sport"] and r["lower"] < -3 < r["upper"]'
must_fail "the table has no row with" "$ADZE" run formula.toml --set stage.causal-estimate.method=plug-in

# ---- What is refused.
must_fail "says nothing to method = \"ols\"" "$ADZE" plan known.toml --set 'stage.causal-estimate.do=["a=b"]'
must_fail "'contrast' has 1 values" "$ADZE" plan known.toml --set 'stage.causal-estimate.contrast=["0"]'
must_fail "has no column 'nosuch'" "$ADZE" run known.toml --set stage.causal-estimate.outcome=nosuch \
  --set 'stage.causal-estimate.inputs={graph=false}'
must_fail "no node 'nosuch'" "$ADZE" run known.toml --set stage.causal-estimate.outcome=nosuch
sed '/^treatment/d; /^outcome/d; s/"ols"/"plug-in"/' known.toml > plug.toml
must_fail "method = \"plug-in\" needs it" "$ADZE" run plug.toml
# table LINE...: the rows that are seen; and what is said of them, of which t does y with z adjusted for.
said ()
{
  local words=$1
  shift
  printf '%s\n' "$@" > confounded.csv
  must_fail "$words" "$ADZE" run known.toml --set 'stage.causal-estimate.inputs={graph=false}' \
    --set 'stage.causal-estimate.adjust=["z"]' --set stage.causal-estimate.method="${METHOD-ols}"
}
said "'z' has the same value in all rows" 'z,t,y' 1,0,1 1,1,2 1,1,3 1,0,5
said "'y' has the same value in all rows" 'z,t,y' 1,0,2 2,1,2 3,1,2 1,0,2
said "a mix of what is adjusted for" 'z,t,y' 1,1,1 2,2,2 3,3,5 4,4,1 5,5,2
said "the same value in all rows" 'z,t,y' 1,1,1
said "has 0 rows" 'z,t,y'
said "line 3: the column 'z' is empty" 'z,t,y' 1,0,1 ,1,2 3,1,3
# In one row of many, and of a column of texts, too: it would be a value of its own.
for word in NA NaN nan null; do
  said "line 3: the column 'z' is empty, since \"$word\" is no value" 'z,t,y' 1,0,1 $word,1,2 3,1,3 4,0,2
done
METHOD=ipw said "line 4: the column 'y' is empty" 'z,t,y' 1,0,1 2,1,2 3,1,NA 4,0,2
said "the treatment 't' has 3 values" 'z,t,y' 1,a,1 2,b,2 3,c,4 5,a,9
said "values that are no numbers" 'z,t,y' 1,0,a 2,1,b 3,0,c 5,1,c
METHOD=ipw said "tells without fail who is treated" 'z,t,y' 1,0,1 2,0,2 3,1,4 4,1,3 0,0,1 5,1,5
printf 'z,t,y\n1,0,1\n1e999,1,2\n2,1,3\n' > confounded.csv
must_fail "no numbers" "$ADZE" run known.toml --set 'stage.causal-estimate.inputs={graph=false}' \
  --set 'stage.causal-estimate.outcome=z'

# ---- An outcome that begins far from zero has the same effect.
python3 -c 'import random
random.seed(1)
print("z,w,t,y")
for i in range(400):
    z, w, t = random.gauss(0, 1), random.gauss(0, 1), random.random() < .5
    print(f"{z},{w},{t:d},{1700000000000 + 2 * t + z + random.gauss(0, .001):.4f}")' > large.csv
must "$ADZE" run known.toml --set input.seen.path=large.csv
holds known.json 'abs(r["effect"] - 2) < 0.0001'

# ---- An effect that hangs on one row is said to do so.
python3 -c 'import random
random.seed(1)
print("z,t,y")
for i in range(300):
    print(f"{random.gauss(0, 1):.4f},{i == 7:d},{50 if i == 7 else random.gauss(0, 1):.4f}")' > confounded.csv
for method in ols ipw; do
  must "$ADZE" run known.toml --fresh --set 'stage.causal-estimate.inputs={graph=false}' \
    --set 'stage.causal-estimate.adjust=["z"]' --set stage.causal-estimate.method=$method --set stage.causal-estimate.bootstrap=200 \
    --set stage.causal-estimate.refutations=100
  grep -q 'samples of the bootstrap did not have what the estimate needs' must.out || complain "$method: nothing is said of samples"
  holds known.json '[f for f in r["refuters"] if f["refuter"] == "subset"][0]["holds"] is False'
done

# ---- A text that is no formula may be the newest one: beside a treatment it plays no part.
{
  sed 's/^\[\[stage\]\]/[input.network]\nkind = "text"\npath = "known.dag"\n&/' known.toml
} > beside.toml
must "$ADZE" run beside.toml --set 'stage.causal-estimate.adjust=["z", "w"]' \
  --set input.seen.path=large.csv

# ---- A formula that is none of an effect is said to be none.
printf 'x,y\n0,0\n0,1\n0,0\n1,1\n1,0\n1,1\n' > none.csv
none ()
{
  echo "P(y|do(x)) = $1" > none.txt
  {
    printf 'adze = 1\nname = "none"\n[input.t]\nkind = "table"\npath = "none.csv"\n'
    printf '[input.e]\nkind = "text"\npath = "none.txt"\n[[stage]]\nuse = "causal-estimate"\n'
    printf 'method = "plug-in"\nbootstrap = 10\nrefutations = 10\n'
    printf '[[output]]\npath = "none.json"\nfrom = "causal-estimate.report"\n'
  } > none.toml
  must "$ADZE" run none.toml
  holds none.json "r[\"is-a-distribution\"] is $2"
}
none 'P(y|x)' True
none 'sum_{x} P(y|x)' False
grep -q 'the formula gives no probabilities' must.out || complain "nothing is said of sums"
none 'sum_{x} 1' False
none 'P(x) P(y)' False

# ---- Long names and values in other scripts are cut between characters, in whatever place the cut falls.
cat > scripts.py << 'END'
import random, sys
random.seed(1)
shift, numbers = int(sys.argv[1]), sys.argv[2] == "ols"
name = "x" * shift + "\u0434\u4e2d" * 40
print(f'"{name}",y')
for _ in range(60):
    x = random.choice("12")
    y = random.choice("12") if random.random() < .5 else x
    if not numbers:
        x = "v" * shift + "\u0434\u4e2d" * 30 + x
        y = "v" * shift + "\u4e2d" * 30 + y
    print(x, y, sep=",")
END
name=$(printf '\320\264\344\270\255%.0s' $(seq 40))
for shift in 0 1 2 3 4; do
  x=$(printf '%.*s' $shift xxxx)$name
  python3 scripts.py $shift plug-in > scripts.csv
  echo "P(y|do(\"$x\")) = P(y|\"$x\")" > scripts.txt
  {
    printf 'adze = 1\nname = "scripts"\n[input.t]\nkind = "table"\npath = "scripts.csv"\n'
    printf '[input.e]\nkind = "text"\npath = "scripts.txt"\n[[stage]]\nuse = "causal-estimate"\n'
    printf 'method = "plug-in"\nbootstrap = 10\nrefutations = 10\n'
  } > scripts.toml
  must "$ADZE" run scripts.toml
  sed -i 's/"plug-in"/"ols"/; $a treatment = "'"$x"'"\noutcome = "y"\ninputs = { estimand = false }' scripts.toml
  must "$ADZE" run scripts.toml
  python3 scripts.py $shift ols > scripts.csv
  must "$ADZE" run scripts.toml
done

# ---- A network.
if [ -z "${ADZE_TEST_DATA-}" ]; then
  echo "without ADZE_TEST_DATA the network is left out"
  finish
fi
cat > asia.toml << END
adze = 1
name = "asia"
[input.network]
kind = "text"
path = "$ADZE_TEST_DATA/causal-bif/asia.bif"
[[stage]]
use = "causal-estimate"
inputs = { network = "input.network" }
method = "exact"
do = ["bronc=yes"]
ask = ["dysp=yes"]
[[output]]
path = "asia.csv"
from = "causal-estimate.distribution"
END
must "$ADZE" run asia.toml
near "$(told causal-estimate.probability)" 0.8064828
near "$(sed -n 's/^yes,//p' asia.csv)" 0.8064828
must "$ADZE" run asia.toml --set 'stage.causal-estimate.do=[]' --set 'stage.causal-estimate.seen=["bronc=yes"]'
near "$(told causal-estimate.probability)" 0.8079672
must "$ADZE" run asia.toml --set 'stage.causal-estimate.do=[]' --set 'stage.causal-estimate.ask=["lung=yes"]' \
  --set 'stage.causal-estimate.seen=["xray=yes", "dysp=yes"]'
near "$(told causal-estimate.probability)" 0.6212527967
must_fail "never happens" "$ADZE" run asia.toml --set 'stage.causal-estimate.seen=["tub=yes", "either=no"]'
must_fail "has no variable 'nosuch'" "$ADZE" run asia.toml --set 'stage.causal-estimate.ask=["nosuch"]'
must_fail "'dysp' has no value 'maybe'" "$ADZE" run asia.toml --set 'stage.causal-estimate.ask=["dysp=maybe"]'
must_fail "'bronc' is there already" "$ADZE" run asia.toml --set 'stage.causal-estimate.ask=["bronc"]'
must_fail "nothing is asked" "$ADZE" plan asia.toml --set 'stage.causal-estimate.ask=[]'
for network in "$ADZE_TEST_DATA"/causal-bif/*.bif; do
  must "$ADZE" run asia.toml --set "input.network.path=$network" --set 'stage.causal-estimate.do=[]' \
    --set "stage.causal-estimate.ask=[\"$(sed -n 's/^variable \([^ ]*\) .*/\1/p' "$network" | tail -1)\"]"
done
finish
