#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A model of several files over an older one: whenever the process is killed or a name cannot be
# given, the file that leads to the others is the old one with all old files, or the new one with all
# new ones, or not there. The next run finishes with the bytes of an undisturbed one.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

if [ "$ADZE_SANITIZERS" != none ] || [ "$ADZE_SHARED" = no ]; then
  echo "not applicable: a sanitizer, or a static program, has its own functions for writing"
  exit 0
fi

library=$TOP_BUILDDIR/tests/pipelines/failing-library.so
model old.safetensors 4 32 32 1
model new.safetensors 4 32 32 2

# settings OUTPUT: what its format has to be told.
settings ()
{
  echo "shard-size=3000"
  [ "${1%.gguf}" = "$1" ] || echo 'architecture="llama"'
}

# pipeline MODEL OUTPUT
pipeline ()
{
  cat << END
adze = 1
name = "shards"
[model]
path = "$PWD/$1.safetensors"
[[stage]]
use = "cast"
to = "bf16"
[[output]]
path = "out/$2"
$(settings "$2")
END
}

# failing HOW AT COMMAND...: fails, or is killed, at call number AT that gives or takes a name.
failing ()
{
  local how=$1 at=$2
  shift 2
  rm -f count
  LD_PRELOAD=$library ADZE_FAIL_HOW=$how ADZE_FAIL_AT=$at ADZE_FAIL_BELOW=$PWD/case/out/ \
    ADZE_FAIL_NAMES=1 ADZE_FAIL_COUNT=$PWD/count "$@" > failing.out 2>&1
} 2> /dev/null

# same A B: all files of a folder.
same () { diff -r "$1" "$2" > /dev/null; }

# whole ENTRY WHAT: the entry is absent, or leads to files of one kind.
whole ()
{
  [ ! -e "case/out/$1" ] || same_visible old || same_visible new \
    || complain "$2: $1 leads to old and new files"
}
same_visible () { diff -r -x '.*' case/out "$1/out" > /dev/null; }

for output in m.safetensors.index.json m-00001-of-00004.gguf; do
  rm -rf old new
  mkdir old new
  for which in old new; do
    pipeline $which $output > $which/p.toml
    must "$ADZE" run $which/p.toml
  done
  [ "$(find new/out -type f | wc -l)" -ge 4 ] || complain "$output: it should be several files"
  same old/out new/out && complain "$output: old and new should differ"
  hows="kill enospc"
  [ "${output%.gguf}" = "$output" ] || hows=kill
  set --
  for setting in $(settings $output); do
    set -- "$@" --set "$setting"
  done
  for how in $hows; do
    absent=0 disturbed=0
    for at in $(seq 20); do
      rm -rf case
      mkdir case
      cp -r old/out case/out
      pipeline new $output > case/p.toml
      if failing $how "$at" "$ADZE" run case/p.toml; then
        same case/out new/out || complain "$output: undisturbed, it has other bytes"
        break
      fi
      disturbed=$((disturbed + 1))
      whole $output "$output, $how at $at"
      [ -e case/out/$output ] || absent=$((absent + 1))
      must "$ADZE" run case/p.toml
      same case/out new/out || complain "$output, $how at $at: the next run gives other bytes"
    done
    echo "$output, $how: $disturbed runs disturbed, $absent without $output"
    [ $disturbed -ge 5 ] || complain "$output, $how: hardly anything was disturbed"
    [ $absent -ge 4 ] || complain "$output, $how: the old $output should have gone first"

    for at in $(seq 20); do
      rm -rf case
      mkdir case
      cp -r old/out case/out
      failing $how "$at" "$ADZE" convert new/out/$output "$PWD/case/out/$output" \
        "$@" && break
      whole $output "convert to $output, $how at $at"
      must "$ADZE" convert new/out/$output "$PWD/case/out/$output" "$@"
      same_visible new || complain "convert to $output, $how at $at: other bytes"
    done
    [ "$at" -ge 6 ] || complain "convert to $output, $how: hardly anything was disturbed"
  done
done
finish
