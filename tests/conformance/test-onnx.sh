#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# ONNX's own conformance data on a backend (BACKEND, else ref): for each set a line "N of M passed", the
# node set last. What is not expected to pass is listed in excluded.txt, each with its reason. Needed is
# the data as Debian's libonnx-testdata has it, or in ONNX_TESTDATA.
set -u
data=${ONNX_TESTDATA:-/usr/share/libonnx-testdata/data}
[ -d "$data/node" ] || { echo "needed is ONNX's conformance data (Debian: libonnx-testdata)"; exit 77; }
[ "$ADZE_SHARED" != no ] || { echo "a static build takes no plugin files: not applicable"; exit 0; }
"$TOP_BUILDDIR/tests/conformance/onnx-peer" "${BACKEND:-ref}" \
  "$TOP_SRCDIR/tests/conformance/excluded.txt" \
  "$data/simple" "$data/pytorch-operator" "$data/pytorch-converted" "$data/node"
