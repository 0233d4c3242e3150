#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# adze runs: list, show, table, clean.
. "$(dirname "$0")/lib.sh"

# Where nothing has run.
for verb in list table; do
  expect 0 "$ADZE" runs $verb
  out_empty
  err_has "there are no runs here"
  expect 0 "$ADZE" runs $verb --json
  json_is 0 runs
done
expect 1 "$ADZE" runs show
err_has "there are no runs in $work/adze-runs"
expect 0 "$ADZE" runs clean
out_is "0 bytes in 0 places"
[ ! -e adze-runs ] || fail "looking should make nothing"

# A folder that somebody names is there, or it is a slip.
echo text > text
for verb in list table show clean; do
  expect 1 "$ADZE" runs $verb --runs nowhere
  err_has "cannot look at the runs in nowhere"
  err_has "what to do: name the folder of the runs"
  expect 1 "$ADZE" runs $verb --runs text
  err_has "text is no folder, so it holds no runs"
done
mkdir bare
expect 0 "$ADZE" runs list --runs bare
err_has "there are no runs here"

# run NUMBER-NAME STATE KEY: a run as the executor leaves it, which used the result KEY.
run ()
{
  mkdir -p "adze-runs/$1" adze-runs/results
  cat > "adze-runs/$1/run.json" <<END
{ "adze": "0.1", "number": $(expr "${1%%-*}" + 0), "name": "${1#*-}", "identity": "x", "state": "$2",
  "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:01:00Z", "seconds": 12.25,
  "seed": 7, "parameters": { "clip": { "percentile": 99.5 } } $4 }
END
  [ -z "$3" ] || echo "{\"key\": \"$3\"}" > "adze-runs/$1/results.jsonl"
}
a=0123456789abcdef0123456789abcdef
b=1123456789abcdef0123456789abcdef
run 0001-small finished $a ''
run 0002-large failed $b ', "failure": { "message": "stage clip failed", "cause": { "message": "disk full" } }'
run 0003-small running $a ', "resumed": 2'
mkdir adze-runs/0004-hurt
echo '{ "profile": { "zeros": 7, "note": "a,\"b\"" } }' > adze-runs/0001-small/metrics.json

expect 0 "$ADZE" runs list
err_empty
[ "$(wc -l < out)" = 5 ] || fail "there should be a head and four runs"
grep -qE '^RUN +NAME +STATE +STARTED +SECONDS$' out || fail "there should be a head"
grep -qE '^0001 +small +finished +2026-01-01T00:00:00Z +12\.2$' out || fail "0001 has finished"
grep -qE '^0002 +large +failed ' out || fail "0002 has failed"
# Its process is gone, whatever it says.
grep -qE '^0003 +small +broken off ' out || fail "0003 was broken off"
grep -qE '^0004 +hurt +damaged$' out || fail "0004 is damaged"
! grep -q ' $' out || fail "no line should end in a space"
expect 0 "$ADZE" runs list small
[ "$(wc -l < out)" = 3 ] || fail "there are two of that name"
expect 0 "$ADZE" runs list nothing
err_has "there are no runs of that name"
expect 0 "$ADZE" runs list --json
json_is "broken off" runs 2 state
json_is damaged runs 3 state
mkdir elsewhere
(cd elsewhere && expect 0 "$ADZE" runs list --runs ../adze-runs --json)
json_is small runs 0 name

expect 0 "$ADZE" runs show 1
out_has "0001 small: finished"
out_has "$work/adze-runs/0001-small"
out_has "clip.percentile  99.5"
out_has "profile.zeros  7"
expect 0 "$ADZE" runs show large
out_has "failed: stage clip failed"
out_has "  because disk full"
expect 0 "$ADZE" runs show adze-runs/0001-small --json
json_is finished state
json_is 99.5 parameters clip.percentile
expect 0 "$ADZE" runs show
out_has "0004 hurt: damaged"
out_has "it has no run.json"
expect 1 "$ADZE" runs show smal
err_has "did you mean 'small'?"

expect 0 "$ADZE" runs table
head -n 1 out > head
[ "$(cat head)" = "number,name,state,started,finished,seconds,seed,resumed,param.clip.percentile,metric.profile.zeros,metric.profile.note" ] \
  || fail "the head is $(cat head)"
[ "$(sed -n 2p out)" = '1,small,finished,2026-01-01T00:00:00Z,2026-01-01T00:01:00Z,12.25,7,,99.5,7,"a,""b"""' ] \
  || fail "the first row is $(sed -n 2p out)"
[ "$(sed -n 5p out)" = '4,hurt,damaged,,,,,,,,' ] || fail "a damaged run has a row, too"
awk -F'"' '{ gsub (/"[^"]*"/, "q"); print gsub (/,/, "") }' out | sort -u > commas
[ "$(wc -l < commas)" = 1 ] || fail "all rows should have as many cells"
expect 0 "$ADZE" runs table --json
json_is 99.5 runs 0 param.clip.percentile
json_is 'a,"b"' runs 0 metric.profile.note

# Metrics that are damaged are not the same as none.
cp adze-runs/0001-small/metrics.json whole
err_empty
printf '{ "profile": {' > adze-runs/0001-small/metrics.json
for verb in table list show; do
  expect 0 "$ADZE" runs $verb $([ $verb != show ] || echo 1)
  err_has "warning: the metrics of a run are left out: $work/adze-runs/0001-small/metrics.json:1"
done
expect 0 "$ADZE" runs table --json
json_is small runs 0 name
mv whole adze-runs/0001-small/metrics.json

# What the name of a folder holds does not reach the terminal.
mkdir "adze-runs/0005-a$(printf '\033')[31mb"
expect 0 "$ADZE" runs list
out_has "a?[31mb"
rmdir "adze-runs/0005-a$(printf '\033')[31mb"

# Nor does cleaning write into a folder in which adze has never run, which may be anybody's.
mkdir bare/0001-holiday
expect 1 "$ADZE" runs clean --runs bare --keep 0
err_has "has no file 'lock', which every run makes first"
[ "$(ls bare)" = 0001-holiday ] || fail "a folder that is none of runs was changed: $(ls bare)"

# Cleaning: what is kept is what the newest runs have used.
for key in $a $b 2123456789abcdef0123456789abcdef; do
  echo '{}' > adze-runs/results/$key.json
  echo 12345 > adze-runs/results/$key.model
done
echo mine > adze-runs/results/notes.txt
mkdir adze-runs/0002-large/notes
echo note > adze-runs/0002-large/notes/n
ln -s "$work/elsewhere" adze-runs/0002-large/link
echo precious > elsewhere/precious
touch adze-runs/lock
cp -r adze-runs before
expect 0 "$ADZE" runs clean --keep 2 --dry-run
out_has "would remove $work/adze-runs/0002-large"
out_has "nothing was removed"
diff -r before adze-runs > difference || fail "a dry run removes nothing: $(cat difference)"
expect 0 "$ADZE" runs clean --keep 2
out_has "removed $work/adze-runs/0001-small"
out_has "removed $work/adze-runs/results/$b.model (6 bytes)"
for gone in 0001-small 0002-large results/$b.json results/2123456789abcdef0123456789abcdef.model; do
  [ ! -e adze-runs/$gone ] || fail "$gone should have gone"
done
for kept in 0003-small/run.json 0004-hurt results/$a.json results/$a.model results/notes.txt; do
  [ -e adze-runs/$kept ] || fail "$kept should be there"
done
[ -e elsewhere/precious ] || fail "links should not be followed"
expect 0 "$ADZE" runs clean --keep 0 --json
json_is 4 removed

# What adze has not made is left alone, and said: folders of anybody's may be called like a run.
run 0007-own finished '' ''
mkdir -p adze-runs/2019-trip adze-runs/2020-home
cp -r adze-runs/0007-own adze-runs/2021-own # a copy that somebody made to keep
echo x > adze-runs/2019-trip/photo.jpg
echo '{ "photos": 2 }' > adze-runs/2020-home/run.json
expect 0 "$ADZE" runs clean --keep 1
out_has "left alone $work/adze-runs/2019-trip: it has no run.json"
out_has "left alone $work/adze-runs/2021-own: its run.json is none that adze wrote for it"
out_has "left alone $work/adze-runs/2020-home: its run.json is none that adze wrote"
[ -e adze-runs/0007-own ] || fail "folders that are no runs should not count as the newest"
expect 0 "$ADZE" runs clean --keep 0 --json
json_is 1 removed
json_is "$work/adze-runs/2019-trip" left 0 path
[ -e adze-runs/2019-trip/photo.jpg ] || fail "somebody's photo should be there"
[ -e adze-runs/2020-home/run.json ] || fail "somebody's run.json should be there"
expect 2 "$ADZE" runs clean --keep few
err_has "--keep takes a whole number"
done_
