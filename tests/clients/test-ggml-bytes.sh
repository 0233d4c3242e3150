#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Blocks of each type, in each width of vectors, have the bytes that ggml's library gives them, and so
# have the numbers in them. ADZE_GGML_ROUNDS: how many times each kind of numbers (16; a release: 1000).
. "$(dirname "$0")/lib.sh"
need_module @node-llama-cpp/linux-x64
need_data stories260k/stories260K-f32.gguf
library=$(find "$module" -name 'libggml-base.so*' | sort | head -n 1)
[ -n "$library" ] || skip_ "there is no libggml-base.so in '$module'"

LD_LIBRARY_PATH=$(dirname "$library")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} \
  "$TOP_BUILDDIR/tests/clients/ggml-peer" "$library" "${ADZE_GGML_ROUNDS:-16}" "$data"
