#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Temporary files of outputs, each as large as the file that it becomes and hidden beside it: none
# outlives the use that somebody can have of it.
. "$(dirname "$0")/runs-lib.sh"
model model.safetensors 4 32 32

# parts_are COUNT WHEN
parts_are ()
{
  [ "$(find . -name '*.part' | wc -l)" = "$1" ] || {
    complain "$2: temporary files should be $1, and are $(find . -name '*.part' | tr '\n' ' ')"
  }
}

# ---- An output that is copied from what is there already.

cat > copied.toml << 'END'
adze = 1
[model]
path = "model.safetensors"
[[stage]]
use = "cast"
to = "f16"
[[output]]
path = "out/o.safetensors"
[[output]]
path = "out/copy.safetensors"
from = "cast.model"
END

# killed PIPELINE AT: in front of write number AT to the file that is copied.
killed ()
{
  { LD_PRELOAD=$TOP_BUILDDIR/tests/pipelines/failing-library.so ADZE_FAIL_HOW=kill ADZE_FAIL_AT=$2 \
    ADZE_FAIL_BELOW=$PWD/out/.copy "$ADZE" run "$1"; } > killed.out 2>&1
}

if [ "$ADZE_SANITIZERS" = none ] && [ "$ADZE_SHARED" != no ]; then
  for at in 1 3 5; do
    rm -rf out adze-runs
    killed copied.toml $at
    parts_are 1 "killed at write $at"
    # The next attempt takes the same name, even where nobody remembers the first.
    rm -rf adze-runs
    must "$ADZE" run copied.toml
    parts_are 0 "killed at write $at, and gone on with"
    [ -e out/o.safetensors ] && cmp -s out/o.safetensors out/copy.safetensors \
      || complain "killed at write $at: the copy is not the output"
  done
  rm -rf out adze-runs
  killed copied.toml 3
  must "$ADZE" runs clean --keep 0
  parts_are 0 "the run was cleaned away"
fi

finish
