#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 while prune-train cuts: the next run goes on from the last checkpoint with the masks that belong to it, and
# gives the model and the report of an undisturbed one, byte by byte. A run is killed when its journal has noted so many
# things, of which masks, checkpoints and their heads are some: so it is in between any two of them now and then.
. "$(dirname "$0")/train-lib.sh"

# noted: how much the journal of the run has noted so far.
noted ()
{
  cat run/adze-runs/*/journal 2> /dev/null | grep -c '^n '
}

# killed NAME COUNT...: each run is killed at each of the counts, and goes on then.
killed ()
{
  local name=$1 count victim continued=0
  shift
  must "$ADZE" run "$name.toml"
  for count; do
    rm -rf run
    mkdir run
    cp "$name.toml" run/p.toml
    "$ADZE" run run/p.toml > /dev/null 2>&1 &
    victim=$!
    until [ "$(noted)" -ge "$count" ] || ! kill -0 $victim 2> /dev/null; do :; done
    kill -9 $victim 2> /dev/null
    wait $victim 2> /dev/null
    must "$ADZE" run run/p.toml
    ! grep -q 'goes on from the checkpoint of step' run/adze-runs/*/events.jsonl || continued=$((continued + 1))
    cmp "run/$name-out.onnx" "$name-out.onnx" || complain "$name, killed at $count: other weights"
    cmp "run/$name-out.json" "$name-out.json" || complain "$name, killed at $count: another report"
  done
  echo "$name: $continued of $# went on"
  [ $((2 * continued)) -ge $# ] || complain "$name: the moments were badly chosen"
}

learn weights mlp.onnx 'validation = "check"' 'criterion = "taylor"' 'checkpoint-steps = 5' 'cuts = 12' 'end = 0.9'
sed -i 's/^use = "train"/use = "prune-train"/; s/train\.report/prune-train.report/; s/^epochs.*/epochs = 40/' weights.toml
killed weights 1 2 3 4 5 6 8 13 30 60
learn channels mlp.onnx 'validation = "check"' 'criterion = "apoz"' 'cuts = 4' 'end = 0.9'
sed -i 's/^use = "train"/use = "prune-train-channels"/; s/train\.report/prune-train-channels.report/; s/^epochs.*/epochs = 40/' \
  channels.toml
killed channels 1 2 3 4 8 12
finish
