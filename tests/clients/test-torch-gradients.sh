#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Gradients of networks that torch exports, by inputs and by weights, are torch's own.
. "$(dirname "$0")/lib.sh"
python=${ADZE_TORCH_PYTHON:-/usr/bin/python3}
"$python" -c 'import numpy, torch' 2> /dev/null \
  || skip_ "there is no torch for $python (Debian: python3-torch; another: ADZE_TORCH_PYTHON)"
[ "$ADZE_SHARED" != no ] || { echo "a static build takes no plugin files: not applicable"; exit 0; }

"$python" "$TOP_SRCDIR/tests/clients/torch-gradients.py" cases || fail "torch did not write its cases"
"$TOP_BUILDDIR/tests/clients/gradients-peer" cases/*
