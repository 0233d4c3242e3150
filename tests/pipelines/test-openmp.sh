#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the environment says of OpenMP's threads changes no number of the backend onednn: with fewer than its
# primitives were made for it would leave out what the others were to do.
. "$(dirname "$0")/train-lib.sh"
case " $ADZE_MISSING_PLUGINS " in *" onednn "*) echo "this build has no backend onednn: not applicable"; exit 0 ;; esac
[ "$ADZE_SHARED" != no ] || { echo "a static build takes no plugin files: not applicable"; exit 0; }
export LSAN_OPTIONS="use_tls=0:print_suppressions=0:suppressions=$TOP_SRCDIR/build-aux/onednn.supp"

learn threads mlp.onnx
sed -i 's/^name = .*/&\n[run]\nbackend = "onednn"\nthreads = 2/; s/^epochs = .*/epochs = 2/' threads.toml

must "$ADZE" run --fresh threads.toml
mv threads-out.onnx as-ever.onnx
must env OMP_DYNAMIC=true "$ADZE" run --fresh threads.toml
cmp -s threads-out.onnx as-ever.onnx || complain "OMP_DYNAMIC=true gives other bytes"
for forbids in OMP_THREAD_LIMIT=1 OMP_MAX_ACTIVE_LEVELS=0; do
  must_fail 'oneDNN is to work on 2 threads, and the environment gives it 1' \
    env $forbids "$ADZE" run --fresh threads.toml
done
must env OMP_THREAD_LIMIT=1 "$ADZE" run --fresh --set run.threads=1 threads.toml
finish
