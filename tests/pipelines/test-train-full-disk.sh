#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A disk that is full when a checkpoint of training is written: it is told which one is missing, where, and which
# one is there; and that one is gone on with.
. "$(dirname "$0")/train-lib.sh"

if [ "$ADZE_SANITIZERS" != none ] || [ "$ADZE_SHARED" = no ]; then
  echo "not applicable: a sanitizer, or a static program, has its own functions for writing"
  exit 0
fi

learn full mlp.onnx
sed -i 's/^epochs = .*/epochs = 3/' full.toml
must "$ADZE" run full.toml
mv full-out.onnx whole.onnx

# Each file that takes its name below the folder of runs fails to in turn.
first=0 second=0
for at in $(seq 100); do
  rm -rf adze-runs full-out.onnx count
  if LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=enospc ADZE_FAIL_AT=$at \
    ADZE_FAIL_NAMES=yes ADZE_FAIL_BELOW=$PWD/adze-runs ADZE_FAIL_COUNT=$PWD/count "$ADZE" run full.toml > must.out 2>&1
  then
    [ "$at" -le "$(cat count)" ] || break
    continue
  fi
  grep -qF "could not be written" must.out || continue
  grep -q "adze-runs/.*/notes/.*No space left on device" must.out || complain "it is not said where, and why: $(cat must.out)"
  if grep -qF "the checkpoint of step 13 (epoch 1) could not be written; there is none before it" must.out; then
    first=$((first + 1)) from=
  elif grep -qF "the one before, of step 13 (epoch 1), is still there" must.out; then
    grep -qF "the checkpoint of step 26 (epoch 2) could not be written" must.out || complain "which one? $(cat must.out)"
    second=$((second + 1)) from=13
  else
    grep -qF "the one before, of step 26 (epoch 2), is still there" must.out || complain "what is kept? $(cat must.out)"
    from=26
  fi
  must "$ADZE" run full.toml
  cmp -s full-out.onnx whole.onnx || complain "call $at: other bytes"
  [ -z "$from" ] || grep -qF "goes on from the checkpoint of step $from of 39" adze-runs/*/events.jsonl \
    || complain "call $at: it did not go on from step $from"
done
echo "$at calls: the first checkpoint failed $first times, the second $second times"
[ $first -gt 0 ] && [ $second -gt 0 ] || complain "no checkpoint failed"
finish
