#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ctrl-C while a plugin hangs: the first says at once what is waited for and what a second one does;
# the second ends the command, and says how to go on. The same command does go on.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"
plugins slow
model model.safetensors 4 32 32

pipeline ()
{
  cat << END
adze = 1
name = "p"
[model]
path = "model.safetensors"
[[stage]]
use = "slow"
before = "$PWD/before"
after = "$PWD/never"
isolate = $1
[[stage]]
use = "cast"
to = "bf16"
[[output]]
path = "out.safetensors"
END
}

# waits_for WORDS: until the command has said so, for as long as it is there.
waits_for ()
{
  until grep -qF -- "$1" said; do
    kill -0 "$command" 2> /dev/null || {
      complain "it ended without saying: $1"
      cat said >&2
      return 1
    }
    sleep 0.05
  done
}

for isolated in false true; do
  # What the one before has said is not what this one says.
  rm -rf adze-runs out.safetensors before said
  pipeline $isolated > p.toml
  "$ADZE" run p.toml 2> said > out &
  command=$!
  until [ -e before ] || ! kill -0 $command; do sleep 0.05; done
  kill -INT $command
  waits_for "stopping as soon as 'slow, cast' has come to a good place; Ctrl-C again ends it at once" \
    || continue
  kill -INT $command
  wait $command
  status=$?
  [ $status -eq 130 ] || complain "isolate = $isolated: it ended with $status"
  grep -qF "the same command goes on from there" said || complain "it does not say how to go on"
  must "$ADZE" run p.toml --set stage.slow.before='""'
  [ -e out.safetensors ] || complain "there is no output"
done
finish
