#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What can be known before a run begins is said before it begins: a lock that is damaged or says
# otherwise, an input that nobody takes. And what only its end can tell is pointed at.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

model model.safetensors 4 32 32

# pipeline REQUIREMENT [MORE]
pipeline ()
{
  cat << END
adze = 1
name = "p"
[model]
path = "model.safetensors"
[[stage]]
use = "clip"
percentile = 98
require = "$1"
[[output]]
path = "out.safetensors"
${2-}
END
}

# nothing_begun: no output, and no folder of runs.
nothing_begun ()
{
  [ ! -e out.safetensors ] || complain "there is an output"
  [ ! -e adze-runs/0001-p ] || complain "there is a run's folder"
  ! grep -q 'going on' must.out || complain "it said that it goes on"
}

# ---- adze.lock

pipeline "clipped > 0" > p.toml
echo 'x = [' > adze.lock
must_fail "adze.lock:" "$ADZE" run p.toml
grep -qF "remove it: the next run that goes well writes a new one" must.out \
  || complain "no advice about the lock"
nothing_begun
must_fail "adze.lock:" "$ADZE" run p.toml --locked
grep -qF "run once without --locked" must.out || complain "no advice about the lock for --locked"
nothing_begun
# The advice comes true.
rm adze.lock
must_fail "there is no lock file" "$ADZE" run p.toml --locked
nothing_begun
must "$ADZE" run p.toml
[ -e out.safetensors ] && [ -e adze.lock ] || complain "no output or no lock"

# Where the pipeline lies nobody can write: said at the beginning, and no reason to lose the work.
# read_only COMMAND...: with the folder "fixed" read-only, for root as well where that can be.
read_only ()
{
  chmod a-w fixed
  if [ -w fixed ]; then
    unshare -rm sh -c 'mount --bind fixed fixed && mount -o remount,bind,ro fixed && exec "$@"' sh "$@"
  else
    "$@"
  fi
}
mkdir fixed
pipeline "clipped > 0" | sed "s#^path = \"#&$PWD/#" > fixed/p.toml
if read_only test ! -w fixed 2> /dev/null; then
  must read_only "$ADZE" run fixed/p.toml --runs "$PWD/elsewhere"
  [ "$(grep -c 'warning: .*fixed/adze.lock cannot be written: .*: what this run uses is not noted' must.out)" = 1 ] \
    || complain "nobody is told that the lock stays: $(cat must.out)"
  grep -A1 'cannot be written' must.out | grep -q '^run ' || complain "it is told too late"
  grep -q '"state": "finished"' elsewhere/0001-p/run.json || complain "the run did not end well"
  # A lock that says it already need not be written.
  chmod u+w fixed
  cp adze.lock fixed
  must read_only "$ADZE" run fixed/p.toml --runs "$PWD/elsewhere"
  ! grep -q 'cannot be written' must.out || complain "it warns of a lock that is right"
else
  echo "not applicable: nothing can be made read-only here"
fi
chmod u+w fixed

# A broken-off run is not gone on with by one that is refused.
pipeline "clipped < 0" > p.toml
must_fail "does not hold" "$ADZE" run p.toml
before=$(ls adze-runs)
cp adze.lock good.lock
sed 's/^build = .*/build = "another"/' good.lock > adze.lock
must_fail "was rebuilt" "$ADZE" run p.toml --locked
! grep -q 'going on' must.out || complain "it said that it goes on"
[ "$before" = "$(ls adze-runs)" ] || complain "a refused run left something in the folder of runs"
mv good.lock adze.lock

# ---- require

pipeline "zeroes == 0 or clipped > 0" > p.toml
must_fail "p.toml:8:12: what stage 'clip' requires cannot be told: stage 'clip' told no metric 'zeroes'" \
  "$ADZE" run p.toml
grep -q "it told .*clipped" must.out || complain "the metrics that there are were not listed"
grep -q '| *^' must.out || complain "nothing points at the name"
pipeline "clippd == 0" > p.toml
must_fail "did you mean 'clipped'?" "$ADZE" run p.toml
pipeline "clipped / (clipped - clipped) > 1" > p.toml
must_fail "p.toml:8:20: what stage 'clip' requires cannot be told: this divides by zero" "$ADZE" run p.toml
# A number is no condition, and that can be seen at once.
for number in clipped "not clipped" "clipped and clipped > 1" "clipped + 1" 1; do
  pipeline "$number" > p.toml
  must_fail "p.toml:8:11: 'require' must be something that holds or does not" "$ADZE" check p.toml
done
for condition in "not (clipped > 1)" "clipped > 1 and true" "(clipped > 1) == false"; do
  pipeline "$condition" > p.toml
  must "$ADZE" check p.toml
done

# ---- What nobody takes.

echo 'a,b' > train.csv
pipeline "clipped > 0" "[input.other]
kind = \"model\"
path = \"model.safetensors\"
[data.train]
use = \"csv\"
path = \"train.csv\"" > p.toml
sed -i 's/^use = "clip"/use = "clip"\ninputs = { model = "input.model" }/' p.toml
for verb in check plan run; do
  must "$ADZE" $verb p.toml
  grep -qF "warning: p.toml:12:8: [input.other] is taken by no stage and no output" must.out \
    || complain "$verb does not warn of the input"
  grep -qF "warning: p.toml:15:7: [data.train] is taken by no stage and no output" must.out \
    || complain "$verb does not warn of the data"
  [ "$(grep -c 'is taken by no' must.out)" = 2 ] || complain "$verb warns of what is taken"
done

# killed_at FILE: a run is killed as FILE gets its name; left is what was to have it.
killed_at ()
{
  rm -rf adze.lock adze-runs out.safetensors
  { LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=kill ADZE_FAIL_AT=1 \
    ADZE_FAIL_NAMES=1 ADZE_FAIL_BELOW=$PWD/$1 "$ADZE" run p.toml; } > killed.out 2>&1
  left=$(find . -maxdepth 1 -name '.adze-*.tmp')
  [ -n "$left" ] && [ ! -e "$1" ] || complain "the run was not killed as it wrote $1"
}

# What a killed run leaves of a file the next takes away, and neither what was to become another file nor what
# a process that lives is writing.
if [ "$ADZE_SANITIZERS" = none ] && [ "$ADZE_SHARED" != no ]; then
  killed_at adze.lock
  old=.adze-${left#./.adze-}
  process=${old#.adze-}
  process=${process%%-*}
  cp "$left" ".adze-$process-1-0-0000000000000000.tmp"
  cp "$left" ".adze-$$-${old#.adze-"$process"-}"
  cp "$left" ".adze-$process-${old#.adze-"$process"-}.mine"
  cp "$left" ".adze-x$process-${old#.adze-"$process"-}"
  cp "$left" "adze-$process-${old#.adze-"$process"-}"
  must "$ADZE" run p.toml
  [ -e adze.lock ] || complain "there is no lock"
  [ ! -e "$left" ] || complain "what a killed run left of adze.lock is there"
  [ "$(find . -maxdepth 1 -name '*adze-*.tmp*' | wc -l)" = 5 ] || complain "a file that is not its own is gone"
  rm -f .adze-*.tmp* adze-*.tmp
  printf 'adze = 1\n[model]\npath = "model.safetensors"\n[input.costs]\nkind = "table"\npath = "costs.csv"\n' > p.toml
  printf '[[output]]\npath = "said.csv"\nfrom = "input.costs"\n' >> p.toml
  echo 'a,b' > costs.csv
  killed_at said.csv
  must "$ADZE" run p.toml
  [ -e said.csv ] && [ ! -e "$left" ] || complain "what a killed run left of an output is there"
fi

# ---- A limit on the size of files.

pipeline "clipped > 0" > p.toml
rm -rf adze-runs out.safetensors
must_fail "File too large" bash -c "ulimit -f 8; exec '$ADZE' run p.toml"
[ ! -e out.safetensors ] || complain "half an output"
must_fail "File too large" bash -c "ulimit -f 8; exec '$ADZE' convert model.safetensors big.safetensors"
[ -z "$(find . -maxdepth 1 -name '*big*')" ] || complain "convert left $(find . -maxdepth 1 -name '*big*')"
must "$ADZE" run p.toml
# What a plan counts, it counts as people do.
model one.safetensors 1 8 8
printf 'adze = 1\n[model]\npath = "one.safetensors"\n[[stage]]\nuse = "cast"\nto = "f16"\n[[output]]\npath = "half.safetensors"\n' > one.toml
must "$ADZE" plan one.toml
[ "$(grep -c ', 1 tensor, ' must.out)" = 2 ] || complain "a plan should speak of 1 tensor: $(cat must.out)"
finish
