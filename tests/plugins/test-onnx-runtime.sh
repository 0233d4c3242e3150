#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# onnxruntime computes the same with what was written as with what was read: models of the fuzzer's
# corpus that are sound, and those of the folder ADZE_ONNX_MODELS. Needs the npm package
# onnxruntime-node, in the folder ADZE_NODE_MODULES or among npm's global ones.
set -u
[ "${ADZE_SHARED-}" != no ] || { echo "a static build takes no plugin files: not applicable"; exit 0; }
modules=${ADZE_NODE_MODULES:-$(npm root -g 2> /dev/null)}
export NODE_PATH=$modules
node -e "require('onnxruntime-node')" 2> /dev/null || {
  echo "skipped: onnxruntime-node is not installed (looked into '$modules')"
  exit 77
}
convert=$TOP_BUILDDIR/tests/plugins/convert-peer
work=$TMPDIR

mkdir "$work/models"
for name in branches constant float-data int-data large metadata raw text-and-nothing; do
  cp "$TOP_SRCDIR/tests/fuzz/corpus/onnx/$name" "$work/models/$name.onnx"
done
list=()
while read -r file; do
  list+=("$file")
done < <(find "$work/models" ${ADZE_ONNX_MODELS:+"$ADZE_ONNX_MODELS"} -name '*.onnx' -size +0 | sort)

status=0
for external in keep always never; do
  pairs=()
  for file in "${list[@]}"; do
    folder=$work/$external/${#pairs[@]}
    mkdir -p "$folder"
    pairs+=("$file" "$folder/$(basename "$file")")
  done
  "$convert" onnx "external = \"$external\"" "${pairs[@]}" || status=1
  node "$TOP_SRCDIR/tests/plugins/onnx-run.js" "${pairs[@]}" || status=1
done
[ -n "$(find "$work/always" -name large.onnx.data)" ] || {
  echo "FAILED: external = \"always\" left all weights of large.onnx inside"
  status=1
}
exit $status
