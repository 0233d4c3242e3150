#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An input that somebody writes into while a run reads it: the run fails and keeps nothing, since what
# came out would belong to no version of the file. One that is only renamed or touched by others'
# names is none.
. "$(dirname "$0")/runs-lib.sh"
plugins slow
model model.safetensors 4 400 1000
# The same names and sizes, other numbers.
cp model.safetensors first.safetensors
model second.safetensors 4 400 1000 2
waiting_pipeline > p.toml

# begin: a run in the background that has begun to read and waits.
begin ()
{
  rm -f before after
  "$ADZE" run p.toml --fresh > run.out 2>&1 &
  run=$!
  has_begun p
}

# overwrite FILE: its bytes take the place of the input's, all of them. A write into some would prove
# nothing: a run that reads those later has read what then stands in the file, and ends well.
overwrite ()
{
  must dd if="$1" of=model.safetensors bs=1M conv=notrunc
}

begin
overwrite second.safetensors
touch after
wait "$run" && complain "a run whose input changed ended well"
grep -q "model.safetensors changed while it was read" run.out || {
  complain "that the input changed is not said"
  cat run.out
}
[ ! -e out.safetensors ] || complain "an output was left"
must "$ADZE" run p.toml --set stage.slow.before='""'
[ -e out.safetensors ] || complain "there is no output"

# Nor is it hidden by putting the time back, whether this run was to hash what it reads or it was
# known before.
for known in false true; do
  rm -f out.safetensors
  [ $known = true ] || rm -rf adze-runs
  begin
  touch -r model.safetensors time
  overwrite first.safetensors
  touch -r time model.safetensors
  touch after
  wait "$run" && complain "a run whose input changed ended well (its time was put back, known: $known)"
  grep -q "model.safetensors changed while it was read" run.out || complain "that it changed is not said"
  overwrite second.safetensors
  must "$ADZE" run p.toml --set stage.slow.before='""'
done

rm -r out.safetensors adze-runs
begin
mv model.safetensors moved.safetensors
touch after
wait "$run" || complain "a run whose input was renamed should end well"
finish
