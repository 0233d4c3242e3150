#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every write, sync and rename of a run fails in turn, as on a full disk, or writes but half of what
# it was given. A failure is reported, nothing half-written stands under the output's name, and the
# next run finishes with the bytes of an undisturbed one.
. "$TOP_SRCDIR/tests/pipelines/runs-lib.sh"

if [ "$ADZE_SANITIZERS" != none ] || [ "$ADZE_SHARED" = no ]; then
  echo "not applicable: a sanitizer, or a static program, has its own functions for writing"
  exit 0
fi

library=$TOP_BUILDDIR/tests/pipelines/failing-library.so
model model.safetensors 6 32 32

pipeline ()
{
  cat << END
adze = 1
name = "full"
[model]
path = "$PWD/model.safetensors"
[[stage]]
use = "cast"
to = "bf16"
id = "narrow"
[[stage]]
use = "clip"
percentile = 98
[[stage]]
use = "profile"
[[stage]]
use = "validate"
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "out.safetensors"
END
}

mkdir whole
pipeline > whole/p.toml
must "$ADZE" run whole/p.toml

# run_failing HOW AT: in the folder "run".
run_failing ()
{
  LD_PRELOAD=$library ADZE_FAIL_HOW=$1 ADZE_FAIL_AT=$2 ADZE_FAIL_BELOW=$PWD/run \
    ADZE_FAIL_COUNT=$PWD/count "$ADZE" run run/p.toml > failing.out 2>&1
}

for how in enospc eio short; do
  failed=0
  for at in $(seq 400); do
    rm -rf run count
    mkdir run
    pipeline > run/p.toml
    run_failing $how $at
    status=$?
    if [ $status -ne 0 ]; then
      failed=$((failed + 1))
      [ $how != short ] || complain "short write $at: not written on"
      grep -qE 'No space left|Input/output error|cannot' failing.out \
        || complain "$how $at: the failure gives no reason: $(head -n 3 failing.out)"
    fi
    [ ! -e run/out.safetensors ] || cmp -s run/out.safetensors whole/out.safetensors \
      || complain "$how $at: half of a file stood under the output's name"
    "$ADZE" run run/p.toml > again.out 2>&1 || {
      complain "$how $at: the run could not be gone on with"
      cat failing.out again.out >&2
    }
    cmp -s run/out.safetensors whole/out.safetensors || complain "$how $at: other bytes"
    [ "$at" -le "$(cat count)" ] || break
  done
  echo "$how: $at calls, $failed of them made the run fail"
  [ $how = short ] || [ $failed -gt 10 ] || complain "$how: hardly anything failed"
done
finish
