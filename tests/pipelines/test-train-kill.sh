#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random moments of a training. The next run goes on from the last checkpoint, and gives the
# model and the report of an undisturbed one, byte by byte.
. "$(dirname "$0")/train-lib.sh"

learn whole mlp.onnx 'validation = "check"' 'checkpoint-steps = 7'
sed -i 's/^epochs.*/epochs = 80/' whole.toml
start=$(date +%s%N)
must "$ADZE" run whole.toml
took=$((($(date +%s%N) - start) / 1000))
[ -s whole-out.onnx ] || complain "the undisturbed run left no model"

RANDOM=5
unfinished=0
continued=0
for round in $(seq 12); do
  rm -rf run
  mkdir run
  cp whole.toml run/p.toml
  for again in 1 2; do
    "$ADZE" run run/p.toml > /dev/null 2>&1 &
    victim=$!
    sleep "$(awk -v r=$RANDOM -v t=$took 'BEGIN { printf "%.4f", r / 32768 * t / 1000000 }')"
    kill -9 $victim 2> /dev/null
    wait $victim 2> /dev/null
    [ -e run/whole-out.onnx ] || unfinished=$((unfinished + 1))
  done
  "$ADZE" run run/p.toml > again.out 2>&1 || {
    complain "round $round: the run could not be gone on with"
    cat again.out >&2
  }
  grep -q 'goes on from the checkpoint of step' run/adze-runs/*/events.jsonl \
    && continued=$((continued + 1))
  cmp run/whole-out.onnx whole-out.onnx || complain "round $round: other weights"
  cmp run/whole-out.json whole-out.json || complain "round $round: another report"
done
echo "$unfinished of 24 were killed before their output stood; $continued of 12 went on"
[ $unfinished -gt 6 ] || complain "the moments were badly chosen"
[ $continued -gt 3 ] || complain "nothing was gone on with"
finish
