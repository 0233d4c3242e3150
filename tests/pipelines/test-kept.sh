#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Files count by their content, those of parameters and those of data; and what a stage with run gave
# and told is kept, here and from a process of its own: a later run has the same bytes, the same
# metrics and the same report without running it, and does it again when anything it depends on has
# changed, or what was kept is not whole.
. "$(dirname "$0")/runs-lib.sh"
plugins pupil liar
model model.safetensors 4 16 16

# explains WORDS: what --explain says of p.toml.
explains ()
{
  must "$ADZE" run p.toml --explain
  grep -qF -- "$1" must.out || {
    complain "--explain does not say: $1"
    cat must.out >&2
  }
}

last ()
{
  ls -d adze-runs/0* | tail -n 1
}

# ---- A parameter that is a file.

cat > p.toml << 'END'
adze = 1
name = "shift"
[model]
path = "model.safetensors"
[[stage]]
use = "pupil-shift"
amount = "one.txt"
  [[stage.rule]]
  match = "layer.1.*"
  amount = "two.txt"
[[output]]
path = "out.safetensors"
END
echo 1 > one.txt
echo 2 > two.txt
must "$ADZE" run p.toml
cached false
cp out.safetensors first.safetensors
must "$ADZE" run p.toml
cached true
cp one.txt same.txt
touch two.txt
must "$ADZE" run p.toml --set 'stage.pupil-shift.amount="same.txt"'
cached true
echo 3 > one.txt
explains "stage pupil-shift: the file of parameter amount was same.txt, is one.txt"
must "$ADZE" run p.toml
cached false
cmp -s out.safetensors first.safetensors && complain "another number gave the same bytes"
echo 5 > two.txt
explains "stage pupil-shift: rule 1: the file of parameter amount changed"
must "$ADZE" run p.toml
cached false
echo 1 > one.txt
echo 2 > two.txt
must "$ADZE" run p.toml
cmp out.safetensors first.safetensors || complain "the first numbers gave other bytes"

# ---- A stage with run, and stages that build on what it gave.

cat > plain.toml << 'END'
adze = 1
name = "kept"
[model]
path = "model.safetensors"
[data.train]
use = "csv"
path = "train.csv"
[[stage]]
use = "pupil-learn"
id = "learn"
data = "train"
require = "mean > 1 and examples >= 3"
[[stage]]
use = "pupil-quote"
id = "quote"
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "out.safetensors"
[[output]]
path = "learnt.safetensors"
from = "learn.model"
[[output]]
path = "stats.json"
from = "learn.stats"
[[output]]
path = "report.json"
from = "quote.report"
END
cp plain.toml p.toml

# remember DIR: what the last run gave and left behind.
remember ()
{
  local run
  run=$(last)
  rm -rf "$1"
  mkdir "$1"
  cp out.safetensors learnt.safetensors stats.json report.json "$1/"
  cp "$run/metrics.json" "$run/decisions.jsonl" "$1/"
  grep -v -e '-memory"' "$run/report.json" > "$1/run-report.json"
  # Every event that a stage told, without its time and its number; stage.effect is the host's.
  grep -o '"id": "stage\..*' "$run/events.jsonl" | grep -v '"stage.effect"' \
    | sed 's/"time": [0-9]*, "sequence": [0-9]*, //' | sort > "$1/told"
}

# again WHAT: the second run finds it all, and nobody can tell it from the first.
again ()
{
  remember first
  rm -f out.safetensors learnt.safetensors stats.json report.json
  must "$ADZE" run p.toml
  # The files of outputs have gone, and only those are made again.
  cached true true false
  remember second
  diff -r first second > difference || {
    complain "$1: the second run gave or told something else"
    cat difference >&2
  }
  must "$ADZE" run p.toml
  cached true true true
}

printf 'x,y\n1.5,1\n2.5,2\n3.5,3\n' > train.csv
must "$ADZE" run p.toml
cached false false false
grep -q '"mean": 2.5' "$(last)/metrics.json" || complain "the mean of the data is not told"
grep -q '"quoted": {"examples": 3, "mean": 2.5}' report.json || complain "stats were not handed on"
[ -z "$(ls "$(last)/notes" 2> /dev/null)" ] || complain "a checkpoint outlived its stage"
again here
cp -r first here
must "$ADZE" run p.toml --fresh --set stage.learn.isolate=true --set stage.quote.isolate=true
cached false false false
remember isolated
diff -r here isolated > difference || {
  complain "a process of its own gave or told something else"
  cat difference >&2
}
again isolated
must "$ADZE" run p.toml --explain
[ "$(grep -c 'is there already' must.out)" = 4 ] || complain "--explain does not see what is kept"
grep -A1 '^output stats.json: would be written again' must.out | grep -q 'written by every run' ||
  complain "--explain does not say that what is no model is written by every run"

# changed WORDS CACHED...: what --explain says, and what the next run finds.
changed ()
{
  local words=$1
  shift
  explains "$words"
  must "$ADZE" run p.toml
  cached "$@"
}

# Of the data only the content counts, and all of it does.
touch train.csv
must "$ADZE" run p.toml
cached true true true
cp train.csv same.csv
sed -i 's/train.csv/same.csv/' p.toml
must "$ADZE" run p.toml
cached true true true
cp plain.toml p.toml
printf 'x,y\n1.5,1\n2.5,2\n5.0,3\n' > train.csv
changed "stage learn: port data: the file of parameter path was same.csv, is train.csv" false false false
grep -q '"mean": 3.0' "$(last)/metrics.json" || complain "the mean of other data is the old one"
cmp -s out.safetensors here/out.safetensors && complain "other data gave the same bytes"
sed 's/^path = "train.csv"/&\nlimit = 3/' plain.toml > p.toml
changed "stage learn: port data: limit was 0, is 3" false false false
sed 's/^path = "train.csv"/&\nseparator = ","/' plain.toml > p.toml
must "$ADZE" run p.toml # with what the preset is, it was done already, but for the output's file
cached true true false
sed 's/^path = "train.csv"/&\nquoting = false/' plain.toml > p.toml
changed "stage learn: port data: parameter quoting was true, is false" false false false
cp plain.toml p.toml
printf 'x,y\n1.5,1\n2.5,2\n3.5,3\n' > train.csv
must "$ADZE" run p.toml
# The file of the output has held something else meanwhile.
cached true true false
remember second
diff -r here second > difference || complain "the old data gave something else: $(cat difference)"

# The stage's own.
sed 's/^id = "learn"/&\nrate = 0.25/' plain.toml > p.toml
changed "stage learn: parameter rate was 0.5, is 0.25" false false false
echo one > notes.txt
sed 's/^id = "learn"/&\nnotes = "notes.txt"/' plain.toml > p.toml
must "$ADZE" run p.toml
cached false false false
echo two > notes.txt
changed "stage learn: the file of parameter notes changed" false false false
sed 's/^adze = 1/&\nseed = 9/' plain.toml > p.toml
changed "seed was 0, is 9" false false false
# What builds on it finds the bytes that it gave.
sed 's/^id = "quote"/&\ntimes = 2/' plain.toml > p.toml
changed "stage quote: parameter times was 1, is 2" true false false
cmp report.json here/report.json || complain "the stage behind it was handed something else"

# A condition holds for what was told then.
cp plain.toml p.toml
must_fail "mean > 1" "$ADZE" run p.toml --set 'stage.learn.require="mean > 100"'
grep -q '2\.5' must.out || complain "the condition does not say what was told then"
must "$ADZE" run p.toml

# A fallback that was kept is still one.
sed 's/^id = "learn"/&\nfall = true\non-fallback = "warn"/' plain.toml > p.toml
must "$ADZE" run p.toml
cached false false false
must "$ADZE" run p.toml
cached true true true
grep -q 'fell back' must.out || complain "a fallback is not spoken of when it is kept"
sed -i '/^on-fallback/d' p.toml
must_fail "fell back" "$ADZE" run p.toml

# The plugin.
cp plain.toml p.toml
must "$ADZE" run p.toml
cached true true false
printf x >> plugins/pupil.so
changed "plugin pupil 1.0 was rebuilt" false false false

# The source of the data.
if [ -e "$TOP_BUILDDIR/plugins/.libs/csv.so" ]; then
  cp "$TOP_BUILDDIR/plugins/.libs/csv.so" plugins/
  must "$ADZE" run p.toml
  cached true true true
  printf x >> plugins/csv.so
  changed "stage learn: port data: plugin csv" false false false
fi

# ---- What was kept and is not whole is made again, and not believed.

# hurt PATTERN COMMAND: applied to the newest such file of the results.
hurt ()
{
  local file
  # shellcheck disable=SC2012,SC2086
  file=$(ls -t adze-runs/results/$1 | head -n 1)
  shift
  "$@" "$file"
  must "$ADZE" run p.toml
  # What builds on it has the same bytes to build on.
  cached false true true
  remember second
  diff -r here second > difference || complain "$* $file: $(cat difference)"
}

# Only what belongs to this pipeline is left.
must "$ADZE" run p.toml --fresh
must "$ADZE" runs clean --keep 1
must "$ADZE" run p.toml
cached true true true
remember second
diff -r here second > difference || complain "after cleaning: $(cat difference)"
stats='*.gave.stats' gave=$(cd adze-runs/results && grep -l '"step"' ./*.gave)
[ "$(ls adze-runs/results/*.gave | wc -l)" = 2 ] || complain "old results were not cleaned away"
hurt "$stats" rm
hurt "$stats" truncate -s 5
hurt "$gave" rm
hurt "$gave" sed -i s/2.5/3.5/
hurt '*.data' truncate -s 64
hurt '*.data' rm
# The hash that the record has of a file is another one.
record=$(cd adze-runs/results && grep -l '"stats"' ./*.json)
hurt "$record" sed -i 's/\("gave": "\)......../\100000000/'
grep -q 'learn.*does not hold what was written' must.out || complain "nobody is told of the damage"
hurt "$record" sed -i '/"stats"/,/"hash"/s/\("hash": "\)......../\100000000/'
hurt "$record" sed -i 's/"format": 3/"format": 2/'
must "$ADZE" run p.toml
cached true true true

# What a stage has read may not be what its result would be found by.
must_fail "a file that stage 'learn' reads changed while it ran" \
  "$ADZE" run p.toml --set 'stage.learn.spoil="train.csv"'
cp model.safetensors whole.safetensors
must_fail "model.safetensors changed while it was read" \
  "$ADZE" run p.toml --set 'stage.learn.spoil="model.safetensors"'
mv whole.safetensors model.safetensors
must_fail "gave something to 'stats' twice" "$ADZE" run p.toml --set stage.learn.twice=true
printf 'x,y\n1.5,1\n2.5,2\n3.5,3\n' > train.csv

# ---- One that crashes goes on from its checkpoint, and is kept once it has ended well.

cat > crash.toml << 'END'
adze = 1
name = "crash"
[model]
path = "model.safetensors"
[[stage]]
use = "liar-run"
do = "crash"
isolate = true
[[output]]
path = "negated.safetensors"
[[output]]
path = "liar.json"
from = "liar-run.report"
END
must_fail "liar-run" "$ADZE" run crash.toml
[ -n "$(ls "$(last)/notes")" ] || complain "a stage that crashed has lost its checkpoint"
must "$ADZE" run crash.toml
cached false
grep -q '"resumed": true' liar.json || complain "a stage that crashed began anew"
[ -z "$(ls "$(last)/notes")" ] || complain "a checkpoint outlived its stage"
rm liar.json
must "$ADZE" run crash.toml
cached true
grep -q '"resumed": true' liar.json || complain "what was kept is not what was given"
must_fail "liar-run" "$ADZE" run crash.toml --fresh

# ---- A project that is moved takes its results with it. Where an output lies is a part of what a pass
# is asked for.
mkdir moved
mv adze-runs ./*.toml ./*.csv model.safetensors moved/
cd moved || exit 1
must "$ADZE" run p.toml
cached true true false
cmp out.safetensors ../here/out.safetensors || complain "a moved project gave other bytes"
finish
