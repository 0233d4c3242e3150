#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at 50 random moments of a run of five stages with a reduction in their middle. Each time the
# next run finishes with the bytes of an undisturbed one, repeats nothing that the journal has, and
# no half of a file stood under the output's name.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

model model.safetensors 40 64 64

pipeline ()
{
  cat << END
adze = 1
name = "killed"
[model]
path = "$PWD/model.safetensors"
[[stage]]
use = "cast"
to = "bf16"
id = "narrow"
[[stage]]
use = "profile"
[[stage]]
use = "clip"
percentile = 98
[[stage]]
use = "fault"
mode = "delay"
delay-ms = 4
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "out.safetensors"
END
}

mkdir whole
pipeline > whole/p.toml
start=$(date +%s%N)
must "$ADZE" run whole/p.toml
took=$((($(date +%s%N) - start) / 1000))
[ -s whole/out.safetensors ] || complain "the undisturbed run left no output"

# A tensor of a segment that is journalled twice was done twice.
repeated ()
{
  awk '$1 == "t" && $3 < 1000000 { if (seen[$2 " " $3]++) print $2, $3 }' "$1"
}

RANDOM=7
unfinished=0
for round in $(seq 50); do
  rm -rf run
  mkdir run
  pipeline > run/p.toml
  "$ADZE" run run/p.toml > /dev/null 2>&1 &
  victim=$!
  sleep "$(awk -v r=$RANDOM -v t=$took 'BEGIN { printf "%.4f", r / 32768 * t / 1000000 }')"
  kill -9 $victim 2> /dev/null
  wait $victim 2> /dev/null
  if [ -e run/out.safetensors ]; then
    cmp -s run/out.safetensors whole/out.safetensors \
      || complain "round $round: half of a file stood under the output's name"
    # It was killed too late, or not at all: the machine has more time for it than before.
    took=$((took * 7 / 8))
  else
    unfinished=$((unfinished + 1))
  fi
  "$ADZE" run run/p.toml > again.out 2>&1 || {
    complain "round $round: the run could not be gone on with"
    cat again.out >&2
  }
  cmp -s run/out.safetensors whole/out.safetensors || complain "round $round: other bytes"
  for journal in run/adze-runs/*/journal; do
    [ -z "$(repeated "$journal")" ] || complain "round $round: done twice: $(repeated "$journal")"
  done
  ls run/.out.safetensors.*.part > /dev/null 2>&1 && complain "round $round: temporary files stayed"
done
echo "$unfinished of 50 runs were killed before their output stood"
[ $unfinished -gt 10 ] || complain "the moments were badly chosen"
finish
