#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Temporary files of outputs, each as large as the file that it becomes and hidden beside it: none
# outlives the use that somebody can have of it.
. "$(dirname "$0")/runs-lib.sh"
model model.safetensors 4 32 32

# parts_are COUNT WHEN
parts_are ()
{
  [ "$(find . -name '*.part' | wc -l)" = "$1" ] || {
    complain "$2: temporary files should be $1, and are $(find . -name '*.part' | tr '\n' ' ')"
  }
}

# ---- An output that is copied from what is there already.

cat > copied.toml << 'END'
adze = 1
[model]
path = "model.safetensors"
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "out/o.safetensors"
[[output]]
path = "out/copy.safetensors"
from = "cast.model"
END

# killed PIPELINE AT: in front of write number AT to the file that is copied.
killed ()
{
  { LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=kill ADZE_FAIL_AT=$2 \
    ADZE_FAIL_BELOW=$PWD/out/.copy "$ADZE" run "$1"; } > killed.out 2>&1
}

if [ "$ADZE_SANITIZERS" = none ] && [ "$ADZE_SHARED" != no ]; then
  for at in 1 3 5; do
    rm -rf out adze-runs
    killed copied.toml $at
    parts_are 1 "killed at write $at"
    # The next attempt takes the same name, even where nobody remembers the first.
    rm -rf adze-runs
    must "$ADZE" run copied.toml
    parts_are 0 "killed at write $at, and gone on with"
    [ -e out/o.safetensors ] && cmp -s out/o.safetensors out/copy.safetensors \
      || complain "killed at write $at: the copy is not the output"
  done
  rm -rf out adze-runs
  killed copied.toml 3
  must "$ADZE" runs clean --keep 0
  parts_are 0 "the run was cleaned away"
fi

# ---- Runs that failed, and those behind them.

cat > tried.toml << 'END'
adze = 1
name = "tried"
[model]
path = "model.safetensors"
[[stage]]
use = "cast"
to = "f16"
[[stage]]
use = "clip"
percentile = 90
[[stage]]
use = "validate"
require = "max-abs < 0.0001"
[[output]]
path = "first.safetensors"
from = "cast.model"
[[output]]
path = "second.safetensors"
END

# What fails again however often it is tried keeps nothing; it can be tried all the same.
for percentile in 91 92 92; do
  must_fail "which does not hold" "$ADZE" run tried.toml --set stage.clip.percentile=$percentile
  parts_are 0 "a requirement that does not hold"
done
must "$ADZE" run tried.toml --set 'stage.validate.require="max-abs < 100"'
parts_are 0 "a run that ended well"
plugins liar
for status in 2 5 77; do
  printf '%s\n' 'adze = 1' '[model]' 'path = "model.safetensors"' '[[stage]]' 'use = "liar-refuse"' \
    "status = $status" '[[output]]' 'path = "refused.safetensors"' > refused.toml
  must_fail "failed" "$ADZE" run refused.toml
  parts_are 0 "a technique that gives up with status $status"
done

# What only the machine was against can be gone on with, until a run of the same pipeline ends well.
# What was interrupted can be gone on with then, too.
if [ "$ADZE_SANITIZERS" = none ] && [ "$ADZE_SHARED" != no ]; then
  # disturbed HOW PIPELINE OUTPUT [OPTION...]: at the second write to the output's temporary file.
  disturbed ()
  {
    local how=$1 pipeline=$2 output=$3
    shift 3
    { LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=$how ADZE_FAIL_AT=2 \
      ADZE_FAIL_BELOW=$PWD/.$output "$ADZE" run "$pipeline" "$@"; } > disturbed.out 2>&1
  }
  sed '/require/d' tried.toml > once.toml
  rm -rf adze-runs
  disturbed eio once.toml second --set stage.clip.percentile=93
  grep -q '"state": "failed"' adze-runs/0001-tried/run.json || complain "a failed write fails no run"
  [ -n "$(find . -name '.second*.part')" ] || complain "a run that can be gone on with lost its file"
  disturbed kill once.toml second --set stage.clip.percentile=94
  killed=$(find . -name '.second*.part' | wc -l)
  [ "$killed" = 2 ] || complain "there should be the files of two runs, and are $killed"
  must "$ADZE" run once.toml --set stage.clip.percentile=95
  [ "$(find . -name '.second*.part' | wc -l)" = 1 ] \
    || complain "of a run that failed nothing should be left, and of one that was killed all"
  must "$ADZE" run once.toml --set stage.clip.percentile=94
  [ -e adze-runs/0002-tried/report.json ] || complain "the killed run was not gone on with"
  parts_are 0 "the killed run was gone on with"
fi
finish
