#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# causal-discover in whole pipelines: the graph of an oracle, skeletons and distances that are known, GES and NOTEARS, the
# same for any order of columns and any number of threads, in a process of its own and after a kill; knowledge; and what is
# refused. Networks and tables of others are in ADZE_TEST_DATA (causal-bif, causal-cpdag, causal-pc).
. "$(dirname "$0")/runs-lib.sh"
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
tools="$TOP_SRCDIR/tests/pipelines/causal-discovers.py"
example="$TOP_SRCDIR/docs/examples"

# told STAGE.NAME: the metric of the last run.
told ()
{
  "$ADZE" runs show | sed -n "s/^  $1  *//p"
}

# pipeline NAME KIND LINE...: NAME.toml, with a stage for each of the files NAME-1 ... of that KIND, as the lines say.
pipeline ()
{
  local name=$1 kind=$2 port=table file number=0
  shift 2
  [ "$kind" = table ] || port=graph
  printf 'adze = 1\nname = "%s"\nseed = 1\n' "$name" > "$name.toml"
  for file in $(ls "$name"-*."${kind/table/csv}" | sort -V); do
    number=$((number + 1))
    printf '[input.i%s]\nkind = "%s"\npath = "%s"\n' $number "$kind" "$PWD/$file" >> "$name.toml"
    printf '[[stage]]\nuse = "causal-discover"\nid = "s%s"\ninputs = { %s = "input.i%s" }\n' $number $port $number >> "$name.toml"
    printf '%s\n' "$@" >> "$name.toml"
    printf '[[output]]\npath = "%s-%s.found"\nfrom = "s%s.dag"\n' "$name" $number $number >> "$name.toml"
  done
}

# all_alike NAME: all that was found is the same to the byte.
all_alike ()
{
  local file
  for file in "$1"-*.found; do
    cmp -s "$file" "$1-1.found" || complain "$file is not $1-1.found: $(diff "$file" "$1-1.found")"
  done
}

# ---- The example: four colours of reasons, and nothing depends on threads, processes or the order of columns.
cp "$example/causal-discover.toml" "$example/sprinkler.csv" .
must "$ADZE" run causal-discover.toml --set run.threads=1
cat > wanted.dag << 'END_'
season --> sprinkler
season --> rain
sprinkler --> grass
rain --> grass
rain --> road
END_
must python3 "$tools" same causes.dag wanted.dag
grep -q '"what separates .rain. and .sprinkler. does not hold .grass. fixed' causes.json \
  || complain "the report does not say why grass is a collider: $(cat causes.json)"
grep -q '^rain,-->,road,[01][0-9.]*,[01][0-9.]*,.*,no collider$' edges.csv || complain "the edges are $(cat edges.csv)"
mkdir once
cp causes.dag edges.csv causes.json once
again ()
{
  local file
  for file in causes.dag edges.csv causes.json; do
    cmp -s once/$file $file || complain "$file is another one $*"
  done
}
must "$ADZE" run causal-discover.toml --fresh --set run.threads=3
again "with three threads"
must "$ADZE" run causal-discover.toml --fresh --set stage.causal-discover.isolate=true
again "in a process of its own"
python3 "$tools" orders sprinkler.csv other 2
must "$ADZE" run causal-discover.toml --fresh --set "input.days.path=\"$PWD/other-2.csv\""
again "with the columns in another order"
sed 's/^bootstrap.*/bootstrap = 3000/' causal-discover.toml > often.toml
must "$ADZE" run often.toml
cp causes.dag edges.csv causes.json once
mkdir killed
cp often.toml sprinkler.csv killed
# One that has ended before it could be killed is none to go on with.
for _ in 1 2 3 4 5 6 7 8 9; do
  rm -rf killed/adze-runs
  "$ADZE" run killed/often.toml > /dev/null 2>&1 &
  pid=$!
  until grep -q '^n ' killed/adze-runs/*/journal 2> /dev/null || ! kill -0 $pid 2> /dev/null; do :; done
  kill -9 $pid 2> /dev/null
  wait $pid 2> /dev/null
  [ $? != 137 ] || break
done
must "$ADZE" run killed/often.toml
grep -q 'goes on behind table' killed/adze-runs/*/events.jsonl || complain "what was counted before it was killed is counted again"
for file in causes.dag edges.csv causes.json; do
  cmp killed/$file once/$file || complain "$file is another one after a kill"
done

# ---- Knowledge stands, whatever the table says.
must "$ADZE" run causal-discover.toml --set 'stage.causal-discover.required=["road --> grass"]' \
  --set 'stage.causal-discover.forbidden=["season --> rain", "rain --> road", "road --> rain"]'
grep -qx 'road --> grass' causes.dag || complain "what is required is not there: $(cat causes.dag)"
! grep -qE 'season --> rain|rain --. season|rain --. road|road --. rain' causes.dag \
  || complain "what is forbidden is there: $(cat causes.dag)"
discover="$ADZE run causal-discover.toml"
stage=stage.causal-discover
must_fail "would close a circle of arrows that are required" $discover --set $stage.required='["rain --> road", "road --> rain"]'
must_fail "\"rain --> season\" is required, and forbidden" $discover --set $stage.required='["rain --> season"]'
must_fail "'rain' is there twice, as number 1 and as number 2" $discover --set $stage.tiers='["season, rain", "rain"]'
must_fail "there is no variable 'snow'" $discover --set $stage.forbidden='["snow --> road"]'
must_fail "is no arrow" $discover --set $stage.forbidden='["rain road"]'

# ---- What plays no part.
must_fail "'score' is given" $discover --set $stage.score='"bdeu"'
must_fail "'bins' is given" $discover --set $stage.bins=3
must_fail "'lambda' is given" $discover --set $stage.lambda=0.2
must_fail "'bootstrap' is given, and says nothing to test = \"oracle\"" $discover --set $stage.test='"oracle"'
must_fail "numbers are cut up" $discover --set $stage.test='"fisher-z"' --set $stage.discretise='"width"'

# ---- Tables that nothing can be learnt from.
cat > bad.toml << END
adze = 1
name = "bad"
[input.t]
kind = "table"
path = "$PWD/bad.csv"
[[stage]]
use = "causal-discover"
id = "d"
[[output]]
path = "bad.dag"
from = "d.dag"
END
bad ()
{
  local words=$1
  shift
  must_fail "$words" "$ADZE" run bad.toml "$@"
  ! grep -qE 'AddressSanitizer|signal' must.out || complain "it did not fail in good order: $(cat must.out)"
}
numbers ()
{
  python3 -c 'import sys, random
random.seed(1)
print("a,b,c")
for i in range(int(sys.argv[1])):
    a, b = random.gauss(0, 1), random.gauss(0, 1)
    print(*eval(sys.argv[2]), sep=",")' "$@"
}
: > bad.csv
must_fail "a table begins with a line that names its columns" "$ADZE" run bad.toml
echo a,b,c > bad.csv
bad "the table has 0 rows"
echo 1,2,3 >> bad.csv
bad "the table has 1 row, of which nothing can be learnt"
numbers 50 '(a, b, 3)' > bad.csv
bad "the column 'c' has the same value in all 50 rows"
numbers 50 '(a, b, a - 2 * b)' > bad.csv
bad "the covariance is singular: the column 'c' is a linear function of others"
numbers 50 '(a, b, a)' > bad.csv
bad "it is most like 'a', correlation 1"
numbers 50 '(a, b, "x" if i == 7 else i * a)' > bad.csv
bad "line 9: the column 'c' has \"x\" there, and needed is a number"
numbers 50 '(a, b, "NaN" if i == 7 else a + i)' > bad.csv
bad "line 9: there is no value in the column 'c'"
must "$ADZE" run bad.toml --set stage.d.missing='"drop-row"'
[ "$(told d.rows-left-out)" = 1 ] || complain "rows left out: $(told d.rows-left-out)"
numbers 50 '(a, b, "inf" if i == 7 else a + i)' > bad.csv
bad "line 9: the column 'c' has \"inf\" there"
numbers 50 '(a, b, a * 1e307 + b * 1e307 + i * 1e306)' > bad.csv
must "$ADZE" run bad.toml
bad "beyond what can be computed with; say standardise = true" --set stage.d.method='"notears"'
must "$ADZE" run bad.toml --set stage.d.method='"notears"' --set stage.d.standardise=true
numbers 300 '(a, b, a + b)' > bad.csv
bad "has more than 255 different values" --set stage.d.test='"chi-square"'
must "$ADZE" run bad.toml --set stage.d.test='"g-square"' --set stage.d.discretise='"quantile"'
bad "the table has no column 'x*'" --set stage.d.columns='["x*"]'
bad "there is 1 column to look at" --set stage.d.columns='["a"]'
printf '"a\nc",b\n1,2\n2,1\n1,1\n2,2\n3,1\n' > bad.csv
bad "cannot be a node of a graph by that name"
python3 -c 'for r in range(6): print(",".join(f"c{i}" if r == 0 else str(i * r % 7) for i in range(100000)))' > bad.csv
bad "a graph of more than 2048 is not searched"
bad "nothing is bound to its port 'graph'" --set stage.d.test='"oracle"'
printf 'a --> b\nb <-> c\n' > hidden-1.dag
pipeline hidden dag 'test = "oracle"'
must_fail "PC supposes that no cause is hidden" "$ADZE" run hidden.toml
printf 'a --> b\nb --> c\nc --> a\n' > hidden-1.dag
must_fail "arrows lead in a circle" "$ADZE" run hidden.toml

# ---- Names that a graph would read as something else stand in quotes there, and are read as what they are.
numbers 300 '(a, b, a + b + 0.5 * random.gauss (0, 1))' > names.csv
sed -i '1s/.*/a -> b,"age, ""years""",item #5/' names.csv
{
  printf 'adze = 1\nname = "names"\n[input.t]\nkind = "table"\npath = "names.csv"\n'
  printf '[[stage]]\nuse = "causal-discover"\n'
  printf '[[stage]]\nuse = "causal-identify"\ntreatment = ["a -> b"]\noutcome = ["item #5"]\n'
  printf '[[output]]\npath = "names.dag"\nfrom = "causal-discover.dag"\n'
  printf '[[output]]\npath = "names.txt"\nfrom = "causal-identify.estimand"\n'
} > names.toml
must "$ADZE" run names.toml
grep -qxF '"a -> b" --> "item #5"' names.dag || complain "names without quotes: $(cat names.dag)"
grep -qF '"item #5"|"a -> b"' names.txt || complain "another effect: $(cat names.txt)"

# ---- Of two that may not be adjacent it is still told what lies between them.
numbers 2000 '(a, b, a + b + random.gauss (0, 1))' > apart.csv
{
  printf 'adze = 1\nname = "apart"\n[input.t]\nkind = "table"\npath = "apart.csv"\n'
  printf '[[stage]]\nuse = "causal-discover"\nforbidden = ["a --> b", "b --> a"]\n'
  printf '[[output]]\npath = "apart.dag"\nfrom = "causal-discover.dag"\n'
} > apart.toml
must "$ADZE" run apart.toml
printf 'a --> c\nb --> c\n' | cmp - apart.dag || complain "the collider is lost: $(cat apart.dag)"

# ---- NOTEARS and GES find the graph of a simulated table; and the number of threads is not seen.
must python3 "$tools" simulate sim 10 14 1500 2
{
  printf 'adze = 1\nname = "methods"\n[input.t]\nkind = "table"\npath = "%s/sim.csv"\n' "$PWD"
  printf '[input.g]\nkind = "dag"\npath = "%s/sim.dag"\n' "$PWD"
  printf '[[stage]]\nuse = "causal-discover"\nid = "notears"\nmethod = "notears"\nlambda = 0.05\n'
  printf '[[stage]]\nuse = "causal-discover"\nid = "ges"\nmethod = "ges"\npenalty = 2\ninputs = { table = "input.t", graph = "input.g" }\n'
  for id in notears ges; do printf '[[output]]\npath = "%s.dag"\nfrom = "%s.dag"\n' $id $id; done
} > methods.toml
must "$ADZE" run methods.toml --set run.threads=1
must python3 "$tools" same notears.dag sim.dag
[ "$(told notears.distance)" = 0 ] || complain "notears: the distance is $(told notears.distance)"
[ "$(told ges.distance)" = 0 ] || complain "ges: the distance is $(told ges.distance)"
cp notears.dag notears-once.dag
must "$ADZE" run methods.toml --fresh --set run.threads=3
cmp notears.dag notears-once.dag || complain "threads are seen"

data=${ADZE_TEST_DATA:-}/causal-
[ -e "${data}pc" ] || {
  echo "skipped: tables and networks of others; ADZE_TEST_DATA has no causal-bif, causal-cpdag and causal-pc"
  finish
}

# ---- The oracle: exactly the class, for ten orders.
for network in "$data"bif/*.bif; do
  name=$(basename "$network" .bif)
  must python3 "$tools" bif "$network" "$name" 10
  pipeline "$name" dag 'test = "oracle"'
  must "$ADZE" run "$name.toml"
  must python3 "$tools" same "$name-1.found" "${data}cpdag/$name.cpdag.txt"
  all_alike "$name"
done

must "$ADZE" run asia.toml --fresh --set stage.s1.isolate=true
must python3 "$tools" same asia-1.found "${data}cpdag/asia.cpdag.txt"

# ---- Chi-square: the skeletons, and no farther from the truth than others are; ten orders.
for want in asia:5 cancer:2 earthquake:0 survey:2; do
  table=${want%:*}
  name=pc-$table
  must python3 "$tools" orders "${data}pc/data/$table.txt" "$name" 10
  pipeline "$name" table 'test = "chi-square"'
  must "$ADZE" run "$name.toml"
  must python3 "$tools" skeleton "$name-1.found" "${data}pc/expected/${table}_pc_chisq_0.05_stable_0_-1.txt"
  all_alike "$name"
  sed -n 's/^[0-9]*\. //p' "${data}pc/truth/$table.graph.txt" > truth.dag
  printf '[input.truth]\nkind = "dag"\npath = "%s/truth.dag"\n' "$PWD" >> "$name.toml"
  must "$ADZE" run "$name.toml" --set 'stage.s1.inputs={ table = "input.i1", graph = "input.truth" }'
  [ "$(told s1.distance)" -le "${want#*:}" ] || complain "$table: the distance to the truth is $(told s1.distance), not ${want#*:}"
done

# ---- Numbers of others: the class of a graph of five.
must python3 "$tools" orders "${data}pc/sim5/pc_data.txt" five 1
pipeline five table 'test = "fisher-z"'
must "$ADZE" run five.toml
must python3 "$tools" class five-1.found "${data}pc/sim5/ges_cpdag.txt"
{ echo X1 X2 X3 X4 X5; cat "${data}pc/sim5/ges_data.txt"; } > ges.txt
must python3 "$tools" orders ges.txt ges5 10
pipeline ges5 table 'method = "ges"' 'penalty = 2'
must "$ADZE" run ges5.toml
must python3 "$tools" class ges5-1.found "${data}pc/sim5/ges_cpdag.txt"
all_alike ges5
finish
