#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# causal-identify in whole pipelines, and what causal-estimate makes of its formulas: known cases of identification, each
# with its distribution; known cases of d-separation and backdoor sets; the same bytes isolated and with any number of
# threads; and what is refused.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
cases="$TOP_SRCDIR/tests/pipelines/causal-cases.py"

cat > napkin.dag << 'END'
Z2 --> Z1
Z1 --> X
X --> Y
Z2 <-> X
Z2 <-> Y
END
cat > napkin.toml << 'END'
adze = 1
name = "napkin"
[input.graph]
kind = "dag"
path = "napkin.dag"
[[stage]]
use = "causal-identify"
inputs = { graph = "input.graph" }
treatment = ["X"]
outcome = ["Y"]
separated = ["Z1 ; Y | X", "Z1 ; Y | X, Z2"]
[[output]]
path = "napkin.txt"
from = "causal-identify.estimand"
[[output]]
path = "napkin.json"
from = "causal-identify.report"
END
must "$ADZE" run napkin.toml
formula='P(Y|do(X)) = [sum_{Z2} P(Z2) P(X,Y|Z1,Z2)] / [sum_{Z2} P(Z2) P(X|Z1,Z2)]'
[ "$(cat napkin.txt)" = "$formula" ] || complain "the formula is $(cat napkin.txt)"
grep -q '"any-value": \["Z1"' napkin.json || tr -d '\n ' < napkin.json | grep -qF '"any-value":["Z1"]' \
  || complain "nobody says that Z1 may have any value: $(cat napkin.json)"
tr -d '\n ' < napkin.json | grep -qF '"separated":false},{"question":"Z1;Y|X,Z2"' || complain "X opens a way from Z1 to Y"
cp napkin.json before.json
must "$ADZE" run napkin.toml --fresh --set run.threads=3 --set stage.causal-identify.isolate=true
cmp napkin.json before.json || complain "in a process of its own it says something else"
# The order of lines makes no difference.
LC_ALL=C sort -r napkin.dag -o napkin.dag
must "$ADZE" run napkin.toml
cmp napkin.json before.json || complain "the order of the graph's lines makes a difference"

must_fail "its port 'graph' has no node 'nosuch'" "$ADZE" run napkin.toml --set 'stage.causal-identify.outcome=["nosuch"]'
must_fail "the node 'X' is in two of" "$ADZE" run napkin.toml --set 'stage.causal-identify.outcome=["X"]'
must_fail "is no question" "$ADZE" run napkin.toml --set 'stage.causal-identify.separated=["X | Y"]'
must_fail "has a node on two sides" "$ADZE" run napkin.toml --set 'stage.causal-identify.separated=["X ; Y | X"]'
must_fail "nothing is asked" "$ADZE" plan napkin.toml --set 'stage.causal-identify.outcome=[]' \
  --set 'stage.causal-identify.treatment=[]' --set 'stage.causal-identify.separated=[]'
must_fail "'form' says nothing" "$ADZE" plan napkin.toml --set 'stage.causal-identify.outcome=[]' \
  --set 'stage.causal-identify.treatment=[]' --set stage.causal-identify.form=general
echo 'Y --- Z1' >> napkin.dag
must_fail "the direction of 'Y --- Z1' is not known" "$ADZE" run napkin.toml
python3 -c 'print("\n".join(f"V{i}" for i in range(300)))' > napkin.dag
must_fail "300 nodes, and 256 is the most" "$ADZE" run napkin.toml

# ---- Known cases.
if [ -z "${ADZE_TEST_DATA-}" ]; then
  echo "without ADZE_TEST_DATA known cases are left out"
  finish
fi
known=$ADZE_TEST_DATA/causal-id
python3 "$cases" pipelines "$known/id_cases.json" || complain "no pipeline"
must "$ADZE" run known.toml
python3 "$cases" compare "$known/id_cases.json" > out || complain "known cases: $(cat out)"
python3 "$cases" separations "$known/dsep_backdoor_cases.json" || complain "no pipeline"
must "$ADZE" run separations.toml
python3 "$cases" separated "$known/dsep_backdoor_cases.json" > out || complain "separations: $(tail -5 out)"
finish
