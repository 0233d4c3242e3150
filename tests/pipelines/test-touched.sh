#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An input that somebody writes into while a run reads it: the run fails and keeps nothing, since what
# came out would belong to no version of the file. One that is only renamed or touched by others'
# names is none. `adze convert` minds as well.
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

# ---- adze convert reads a file just as long. Stopped on its way, it finds another one behind.

model large.safetensors 4 2500 2500
cp large.safetensors first.safetensors
must "$ADZE" convert large.safetensors whole.safetensors

# It may have come too far already, and is then to give the file as it was.
echo otherwise > words
refused=0
for try in $(seq 20); do
  rm -rf made
  mkdir made
  cp first.safetensors large.safetensors
  "$ADZE" convert large.safetensors made/out.safetensors > convert.out 2>&1 &
  convert=$!
  while [ -z "$(ls -A made)" ] && kill -0 $convert 2> kill.out; do :; done
  kill -STOP $convert
  must dd if=words of=large.safetensors bs=1 seek=90000000 conv=notrunc
  kill -CONT $convert
  if wait $convert; then
    cmp made/out.safetensors whole.safetensors || complain "half of another file was converted"
    continue
  fi
  refused=1
  grep -q "large.safetensors changed while it was read" convert.out || {
    complain "that it changed is not said"
    cat convert.out
  }
  [ -z "$(ls -A made)" ] || complain "something was left of what was converted: $(ls -A made)"
  break
done
[ $refused = 1 ] || complain "adze convert never minded that its file changed"
finish
