#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random moments of a training. The next run goes on from the last checkpoint, and gives the
# model and the report of an undisturbed one, byte by byte; on ref, and on onednn, there behind a stage
# whose result is kept.
. "$(dirname "$0")/train-lib.sh"
# Leaks are looked for, but not in the memory of OpenMP's threads.
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"

# A part of MICROSECONDS, at random, in seconds.
part_of ()
{
  awk -v r=$RANDOM -v t="$1" 'BEGIN { printf "%.4f", r / 32768 * t / 1000000 }'
}

# until_checkpoint VICTIM: the journal has noted both parts of one, or the victim has ended.
until_checkpoint ()
{
  until [ "$(cat run/adze-runs/*/journal 2> /dev/null | grep -c '^n ')" -ge 2 ] \
    || ! kill -0 "$1" 2> /dev/null; do
    sleep 0.005
  done
}

# killed NAME ROUNDS: NAME.toml is run undisturbed, and in each round killed twice before it may end:
# soon after its first checkpoint, however long it takes to get there, and at any moment. A moment that
# came too late says that the undisturbed run was slower than these are.
killed ()
{
  local name=$1 rounds=$2 unfinished=0 continued=0 start took round kill victim
  start=$(date +%s%N)
  must "$ADZE" run "$name.toml"
  took=$((($(date +%s%N) - start) / 1000))
  [ -s "$name-out.onnx" ] || complain "$name: the undisturbed run left no model"
  for round in $(seq "$rounds"); do
    rm -rf run
    mkdir run
    cp "$name.toml" run/p.toml
    for kill in soon any; do
      "$ADZE" run run/p.toml > /dev/null 2>&1 &
      victim=$!
      if [ $kill = soon ]; then
        until_checkpoint $victim
        sleep "$(part_of $((took / 8)))"
      else
        sleep "$(part_of $took)"
      fi
      kill -9 $victim 2> /dev/null
      wait $victim 2> /dev/null
      if [ -e "run/$name-out.onnx" ]; then took=$((took * 3 / 4)); else unfinished=$((unfinished + 1)); fi
    done
    "$ADZE" run run/p.toml > again.out 2>&1 || {
      complain "$name, round $round: the run could not be gone on with"
      cat again.out >&2
    }
    grep -q 'goes on from the checkpoint of step' run/adze-runs/*/events.jsonl \
      && continued=$((continued + 1))
    cmp "run/$name-out.onnx" "$name-out.onnx" || complain "$name, round $round: other weights"
    cmp "run/$name-out.json" "$name-out.json" || complain "$name, round $round: another report"
  done
  echo "$name: $unfinished of $((2 * rounds)) were killed before their output stood;" \
    "$continued of $rounds went on"
  [ $((2 * unfinished)) -gt "$rounds" ] || complain "$name: the moments were badly chosen"
  [ $((4 * continued)) -ge "$rounds" ] || complain "$name: nothing was gone on with"
}

RANDOM=5
learn whole mlp.onnx 'validation = "check"' 'checkpoint-steps = 7' 'average = 3'
sed -i 's/^epochs.*/epochs = 80/' whole.toml
killed whole 12

case " $ADZE_MISSING_PLUGINS " in
  *" onednn "*) echo "onednn was not built: nothing is killed on it" ;;
  *)
    learn onednn conv.onnx 'validation = "check"' 'checkpoint-steps = 7' 'backend = "onednn"'
    sed -i '0,/^\[\[stage/s//[[stage]]\nuse = "clip"\npercentile = 60\n&/; s/^epochs.*/epochs = 40/' \
      onednn.toml
    killed onednn 4
    ;;
esac
# What was kept may be damaged afterwards: a checkpoint that is not what was saved is passed over, and told of.
rm -rf run
mkdir run
cp whole.toml run/p.toml
"$ADZE" run run/p.toml > /dev/null 2>&1 &
victim=$!
until_checkpoint $victim
kill -9 $victim 2> /dev/null
wait $victim 2> /dev/null
if [ ! -e run/whole-out.onnx ]; then
  for note in $(grep -la "^adzetrn" run/adze-runs/*/notes/*); do truncate -s -1 "$note"; done
  must "$ADZE" run run/p.toml
  grep -q 'is damaged, and is passed over' run/adze-runs/*/events.jsonl || complain "nobody says that a checkpoint is damaged: $(cat must.out)"
fi
if [ ! -e run/whole-out.onnx ] || ! cmp run/whole-out.onnx whole-out.onnx; then
  complain "a damaged checkpoint is seen in the weights"
fi
finish
