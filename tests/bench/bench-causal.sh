#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench-causal.sh: how long causal-discover takes, and how much memory, as a whole run of adze: reading the CSV is part of it.
#
#   PC-stable (fisher-z, .05) on linear Gaussian tables of 10,000 rows, 100 variables and 200 edges with weights of .5 to 1 in
#     magnitude and noise of variance 1; needed are less than 5 s on one core, and less than 200 MB
#   GES on the same tables; NOTEARS on one with 30 variables, 60 edges, 2,000 rows
#
# And, where ADZE_TEST_DATA has causal-pc, how far what is found in tables of 10,000 rows of others is from the classes of the
# networks that they were drawn from.
#
# Tables of the seeds SEEDS ("1 2 3") are made by tests/pipelines/causal-discovers.py; each run is done TRIES (5) times, on one
# core and with one thread. Printed are the median and the range of all of them, and of each seed how many edges were found, and
# how many pairs are not as they are in the true graph's class (notears: in the true graph).
set -u
seeds=${SEEDS:-1 2 3} tries=${TRIES:-5}
adze=${ADZE_BINARY:-$ADZE}
tools=$TOP_SRCDIR/tests/pipelines/causal-discovers.py
python3 -c '' 2> /dev/null || { echo "needed is python3"; exit 77; }
cd "$TMPDIR" || exit 1

# pipeline NAME SEED LINE...
pipeline ()
{
  local name=$1 seed=$2 kind
  shift 2
  {
    printf 'adze = 1\nname = "%s"\n[run]\nthreads = 1\n' "$name"
    for kind in table dag; do
      printf '[input.%s]\nkind = "%s"\npath = "%s/%s-%s.%s"\n' $kind $kind "$PWD" "$name" "$seed" ${kind/table/csv}
    done
    printf '[[stage]]\nuse = "causal-discover"\n'
    printf '%s\n' "$@"
    printf '[[output]]\npath = "found.dag"\nfrom = "causal-discover.dag"\n'
  } > run.toml
}

# metric NAME: of the last run.
metric ()
{
  "$adze" runs show | sed -n "s/^  causal-discover\.$1  *//p" | head -n 1
}

# measure WHAT NAME LINE...
measure ()
{
  local what=$1 name=$2 seed
  shift 2
  rm -f times.txt
  for seed in $seeds; do
    pipeline "$name" "$seed" "$@"
    for _ in $(seq "$tries"); do
      command time -f '%e %M' -o time.out taskset -c 0 "$adze" run run.toml --fresh > run.log 2>&1 || { cat run.log >&2; exit 1; }
      cat time.out >> times.txt
    done
    echo "  $what, seed $seed: $(metric edges) edges, of which $(metric arrows) have a direction; distance $(metric distance)"
    rm -rf adze-runs
  done
  sort -n times.txt | awk -v what="$what" '{ time[NR] = $1; most = $2 > most ? $2 : most }
    END { printf "%s: %.2f s [%.2f to %.2f], at most %.0f MB\n", what, time[int((NR + 1) / 2)], time[1], time[NR], most / 1000 }'
}

for seed in $seeds; do
  [ -e "large-$seed.csv" ] || python3 "$tools" simulate "large-$seed" 100 200 10000 "$seed" || exit 1
  [ -e "small-$seed.csv" ] || python3 "$tools" simulate "small-$seed" 30 60 2000 "$seed" || exit 1
done
measure "PC-stable" large
measure "PC-stable, conservative" large 'colliders = "conservative"'
measure "GES, penalty 2" large 'method = "ges"' 'penalty = 2'
measure "NOTEARS, 30 variables" small 'method = "notears"'

data=${ADZE_TEST_DATA:-}/causal-pc
[ -e "$data" ] || { echo "ADZE_TEST_DATA names no folder with causal-pc in it"; exit 0; }
tries=1 seeds=1
for table in asia cancer earthquake survey; do
  python3 "$tools" orders "$data/data/$table.txt" "$table" 1
  sed -n 's/^[0-9]*\. //p' "$data/truth/$table.graph.txt" > "$table-1.dag"
  for test in chi-square g-square; do measure "$table, PC, $test" "$table" "test = \"$test\""; done
  for score in discrete-bic bdeu; do measure "$table, GES, $score" "$table" 'method = "ges"' "score = \"$score\""; done
done
