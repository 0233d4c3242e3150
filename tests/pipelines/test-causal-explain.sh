#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# causal-explain in whole pipelines, with reports that are written here: what its page and its report say of paths, of
# what is adjusted for and of doubts, with graphviz and without, and what it refuses.
. "$(dirname "$0")/runs-lib.sh"

# pipeline [estimated]: of g.dag, identified.json and, where it is said, estimated.json.
pipeline ()
{
  {
    printf 'adze = 1\nname = "it"\n'
    printf '[input.g]\nkind = "dag"\npath = "g.dag"\n'
    printf '[input.identified]\nkind = "report"\npath = "identified.json"\n'
    [ -z "${1-}" ] || printf '[input.estimated]\nkind = "report"\npath = "estimated.json"\n'
    printf '[[stage]]\nuse = "causal-explain"\ninputs = { graph = "input.g", identified = "input.identified"%s }\n' \
      "${1:+, estimated = \"input.estimated\"}"
    printf '[[output]]\npath = "page.html"\nfrom = "causal-explain.page"\n'
    printf '[[output]]\npath = "page.json"\nfrom = "causal-explain.report"\n'
  } > it.toml
}

# identified METHOD BACKDOOR [OUTCOME]
identified ()
{
  echo "{\"question\": \"P(Y|do(X))\", \"treatment\": [\"X\"], \"outcome\": [\"${3:-Y}\"], \"identifiable\": true,
 \"method\": \"$1\", \"formula\": \"P(Y|do(X)) = sum_{A} P(A) P(Y|A,X)\", \"sentence\": \"Words.\", \"backdoor\": $2}" \
    > identified.json
}

# says WORDS: so does the page.
says ()
{
  grep -qF -- "$1" page.html || complain "the page does not say '$1'"
}

# tells PATH EFFECT ALONE NOW [PLACE]: so does the report.
tells ()
{
  python3 - "$@" << 'EOF' || complain "no path $*"
import json, sys
path, effect, alone, now = sys.argv[1], *(word == "yes" for word in sys.argv[2:5])
found = [p for p in json.load(open("page.json"))["paths"] if p["path"] == path]
assert len(found) == 1, found
found = found[0]
assert (found["effect"], found["open-by-itself"], found["open"]) == (effect, alone, now), found
assert found.get("blocked-at") == (sys.argv[5] if len(sys.argv) > 5 else None), found
EOF
}

python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }

# ---- A backdoor, and a place where arrows meet, of which an effect is in the set.
printf '%s\n' 'A --> X' 'A --> Y' 'X --> M' 'M --> Y' 'X --> C' 'Y --> C' 'B --> X' 'B <-> A' > g.dag
identified backdoor '[["A", "B"], ["A"]]'
pipeline
must "$ADZE" run it.toml
tells 'X <-- A --> Y' no yes no A
tells 'X --> M --> Y' yes yes yes
tells 'X --> C <-- Y' no no no C
tells 'X <-- B <-> A --> Y' no yes no A
says 'What does setting <b>X</b> do to <b>Y</b>?'
says '<h2>What is adjusted for</h2>'
says 'Nothing was estimated.'
says 'blocked: A is adjusted for'
says 'blocked: arrows meet at C'
# A is given, so that what meets there is open by way of B, and A itself is not gone on from.
python3 - << 'EOF' || complain "other pairs: $(cat page.json)"
import json
pairs = {frozenset(pair) for pair in json.load(open("page.json"))["hidden-causes-that-undo-it"]}
for pair in "XY", "XM", "BY", "AY", "AM":
    assert frozenset(pair) in pairs, pair
for pair in "AX", "BX", "XC", "AB":
    assert frozenset(pair) not in pairs, pair
EOF

# ---- Of more arrowheads than one: what is given opens it.
printf '%s\n' 'X --> Y' 'X <-> C' 'C <-> Y' 'C --> A' 'B --> X' 'B --> Y' > g.dag
identified backdoor '[["B"]]'
must "$ADZE" run it.toml
tells 'X <-> C <-> Y' no no no C
identified backdoor '[["A", "B"]]'
must_fail 'does not separate treatment and outcome' "$ADZE" run it.toml

# ---- What is adjusted for is an effect of the treatment here, as a mediator or behind one.
printf '%s\n' 'X --> A' 'A --> Y' 'X --> Y' 'A --> B' > g.dag
for set in A B; do
  identified backdoor "[[\"$set\"]]"
  must_fail "'$set' is adjusted for, and in this graph it is an effect of the treatment" "$ADZE" run it.toml
done
printf '%s\n' 'X --> Y' 'X <-> C' 'C <-> Y' 'C --> A' 'B --> X' 'B --> Y' > g.dag

# ---- With an estimate, which says what was adjusted for.
identified backdoor '[["B"]]'
echo '{"method": "ols", "treatment": "X", "outcome": "Y", "adjusted-for": ["B"], "why-enough": "so it is",
 "effect-of": "one <more> X", "effect": 0.5, "level": 0.95, "lower": 0.25, "upper": 0.75, "refuters": [
 {"refuter": "placebo-treatment", "holds": true, "in-words": "nothing is left"},
 {"refuter": "subset", "holds": false, "in-words": "it moves"}, {"refuter": "other", "not-done": "no room"}]}' > estimated.json
pipeline estimated
must "$ADZE" run it.toml
says '<b>0.5</b>: one &lt;more&gt; X. Between 0.25 and 0.75 with a confidence of 0.95'
says '<td>subset</td><td>does not hold</td><td>it moves</td>'
says '<td>other</td><td>not done</td><td>no room</td>'
says 'the product of both is 0.5 (or 0.25, to make zero possible)'
sed -i 's/"lower": 0.25/"lower": -0.25/' estimated.json
must "$ADZE" run it.toml
says 'the interval has zero in it'

# ---- Names are names, whatever is in them.
printf '%s\n' '"<b> & ""x""" --> Y' 'X --> "<b> & ""x"""' > g.dag
identified no-effect '[[]]'
pipeline
must "$ADZE" run it.toml
says '<code>X --&gt; &lt;b&gt; &amp; &quot;x&quot; --&gt; Y</code>'

# ---- Drawn where there is something to draw with, and else said.
if command -v dot > /dev/null; then
  [ "$(grep -c '<svg' page.html)" = 1 ] || complain "it is not drawn"
fi
mkdir -p nothing
PATH=$PWD/nothing must "$ADZE" run it.toml --fresh
says 'It is not drawn: graphviz is not installed here.'
! grep -q '<svg' page.html || complain "it is drawn by nobody"
grep -q '"drawn": *false' page.json || complain "the report does not say so"

# ---- The same bytes in a process of its own.
cp page.json here.json
must "$ADZE" run it.toml --fresh
cp page.html here.html
must "$ADZE" run it.toml --fresh --set stage.causal-explain.isolate=true
cmp page.html here.html || complain "another page in a process of its own"

# ---- What is no question, and what is of another graph.
identified backdoor '[["Z"]]'
must_fail "no node 'Z', which the report says is adjusted for" "$ADZE" run it.toml
identified backdoor '[[]]' Q
must_fail "no node 'Q', which the report says is the outcome" "$ADZE" run it.toml
echo '{"separations": []}' > identified.json
must_fail "is about no effect" "$ADZE" run it.toml
identified backdoor '[[]]'
echo '{"method": "ols", "treatment": "Y", "outcome": "X"}' > estimated.json
pipeline estimated
must_fail "they are not of the same effect" "$ADZE" run it.toml
printf '%s\n' 'X --- Y' > g.dag
must_fail "the direction of 'X --- Y' is not known" "$ADZE" run it.toml
printf '%s\n' 'X --> Y' 'Y --> X' > g.dag
must_fail 'g.dag:2: a second edge' "$ADZE" run it.toml
{
  for n in $(seq 130); do echo "N$n --> Y"; done
} > g.dag
must_fail 'the graph has 131 nodes; a page has 128 at the most' "$ADZE" run it.toml

# ---- Many paths: the shortest ones, and that there are more.
{
  for a in $(seq 12); do
    echo "X --> N$a"
    echo "N$a --> Y"
    for b in $(seq "$a"); do [ "$b" = "$a" ] || echo "N$b --> N$a"; done
  done
} > g.dag
identified no-effect '[]'
pipeline
must "$ADZE" run it.toml
says 'There are more; the shortest ones are shown.'
tells 'X --> N7 --> Y' yes yes yes
finish
